"""An action as the engine sees it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.artifacts import ArtifactStore

_MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True)
class Job:
    """One run of an action.

    Attributes
    ----------
    number : str
        The action execution's ID: whatever it starts elsewhere takes its name or token from it.
    context : Context
        Its other services are called under the role where IAM is enforced.
    again : bool
        The server died while it started the action: what the action starts may exist already.
    configuration : mapping of str to str
        With variables resolved.
    inputs, outputs : mapping of str to {"bucket": ..., "key": ...}
        The location of each artifact, or where it is to be written, by name.
    memory : dict
        The last `Progress.memory`.
    revision : str or None
        The revision that a source action has to fetch, if an execution is started for one.
    """

    context: Context
    number: str
    again: bool
    pipeline_name: str
    stage: str
    declaration: Document
    configuration: Mapping[str, str]
    inputs: Mapping[str, Document]
    outputs: Mapping[str, Document]
    artifacts: ArtifactStore
    memory: Document
    started: float
    expires: float
    revision: str | None


@dataclass(frozen=True)
class Progress:
    """How far an action has got.

    Attributes
    ----------
    status : str
        InProgress, Succeeded or Failed.
    external : mapping of str to str
        Members of ActionExecutionResult: externalExecutionId, externalExecutionSummary, externalExecutionUrl.
    revision : mapping of str to value
        For a source action: members of ArtifactRevision.
    memory : mapping of str to value
        What the next call of `poll` gets as `Job.memory`.
    """

    status: str = "InProgress"
    summary: str = ""
    external: Mapping[str, str] = field(default_factory=dict)
    error_code: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    revision: Mapping[str, Any] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)


def acting_for(context: Context, pipeline_role: str, action_role: str | None) -> Context:
    """Return the context of an action: the pipeline's role, or the action's own, which the pipeline's role assumes.

    Source: ``roleArn`` of ActionDeclaration in CodePipeline's API Reference.
    """
    acting = context.acting_as(pipeline_role, "codepipeline")
    return acting if action_role is None else acting.assuming(action_role)


def fetched(commit_id: str, commit: Document, branch: str, own: Mapping[str, str]) -> Progress:
    """Return the progress of a source action that has fetched a commit.

    Parameters
    ----------
    commit_id : str
    commit : dict
        As returned by CodeCommit's GetCommit.
    branch : str
    own : mapping of str to str
        The variables that only this provider has.
    """
    message = commit["message"].strip()
    return Progress(
        "Succeeded",
        message,
        external={"externalExecutionId": commit_id, "externalExecutionSummary": message},
        variables={
            "BranchName": branch,
            "CommitId": commit_id,
            "CommitMessage": message,
            "AuthorDate": commit["author"].get("date", ""),
            **own,
        },
        revision={"revisionId": commit_id, "revisionSummary": message},
    )


def failed(message: str, code: str = "JobFailed", **external: str) -> Progress:
    """Return the progress of a failed action."""
    return Progress("Failed", message, external, error_code=code)


class Provider(ABC):
    """One provider of actions.

    Attributes
    ----------
    inputs, outputs : (int, int)
        The minimum and maximum number of artifacts it takes and produces.
    required, optional : sequence of str
        Keys of the configuration.
    allowed : mapping of str to sequence of str
        The values that a key may have; the first is the default.
    refused : mapping of str to sequence of str
        Values that AWS supports and local AWS does not.
    timeout_minutes : int
        When an action that has not ended fails.
    """

    categories: ClassVar[Sequence[str]]
    name: ClassVar[str]
    inputs: ClassVar[tuple[int, int]] = (0, 0)
    outputs: ClassVar[tuple[int, int]] = (0, 0)
    required: ClassVar[Sequence[str]] = ()
    optional: ClassVar[Sequence[str]] = ()
    allowed: ClassVar[Mapping[str, Sequence[str]]] = {}
    refused: ClassVar[Mapping[str, Sequence[str]]] = {}
    timeout_minutes: ClassVar[int] = _MINUTES_OF_A_DAY

    @abstractmethod
    def start(self, job: Job) -> Progress:
        """Start the action."""

    @abstractmethod
    def poll(self, job: Job) -> Progress:
        """Return how far it has got."""

    def stop(self, job: Job) -> None:  # noqa: B027 - most have nothing to end
        """End what was started, as the action has timed out; by default it keeps running."""


class SourceProvider(Provider):
    """A source provider, which can be asked for its newest revision."""

    def poll(self, job: Job) -> Progress:
        """Do nothing: a source action ends in `start`."""
        return self.start(job)

    @abstractmethod
    def latest(self, context: Context, configuration: Document) -> str | None:
        """Return the newest revision, or None if there is none."""
