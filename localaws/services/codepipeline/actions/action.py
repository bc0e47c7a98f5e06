"""What an action is to the engine."""

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
        The action execution's id: what is begun elsewhere takes its name or token from it.
    context : Context
        Its other services see the role, where IAM is enforced.
    again : bool
        The server died while the action was being begun: what it was to begin may be there.
    configuration : mapping of str to str
        With variables resolved.
    inputs, outputs : mapping of str to {"bucket": ..., "key": ...}
        Where each artifact is, or is to be put, by name.
    memory : dict
        What `Progress.memory` said last.
    revision : str or None
        What a source action is told to fetch, when an execution is started for a revision.
    role_arn : str
        The action's own role, or else the pipeline's.
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
    role_arn: str


@dataclass(frozen=True)
class Progress:
    """How far an action has come.

    Attributes
    ----------
    status : str
        InProgress, Succeeded or Failed.
    external : mapping of str to str
        Members of ActionExecutionResult: externalExecutionId, externalExecutionSummary, externalExecutionUrl.
    revision : mapping of str to value
        Of a source action: members of ArtifactRevision.
    memory : mapping of str to value
        What the action is to be told when it is asked next.
    """

    status: str = "InProgress"
    summary: str = ""
    external: Mapping[str, str] = field(default_factory=dict)
    error_code: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    revision: Mapping[str, Any] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)


def fetched(commit_id: str, commit: Document, branch: str, own: Mapping[str, str]) -> Progress:
    """What a source action has come to when it has fetched a commit.

    Parameters
    ----------
    commit_id : str
    commit : dict
        As CodeCommit's GetCommit tells it.
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
    """An action that has failed."""
    return Progress("Failed", message, external, error_code=code)


class Provider(ABC):
    """One provider of actions.

    Attributes
    ----------
    inputs, outputs : (int, int)
        How many artifacts it takes and gives, at least and at most.
    required, optional : sequence of str
        Keys of the configuration.
    allowed : mapping of str to sequence of str
        Which values a key may have; the first is the default.
    refused : mapping of str to sequence of str
        Values that AWS takes and local AWS does not.
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
        """Begin."""

    @abstractmethod
    def poll(self, job: Job) -> Progress:
        """Look how far it has come."""

    def stop(self, job: Job) -> None:  # noqa: B027 - most have nothing to end
        """End what was begun, as the action's time is over; by default it goes on alone."""


class SourceProvider(Provider):
    """A provider of sources, whose newest revision can be looked up."""

    def poll(self, job: Job) -> Progress:
        """A source ends where it begins."""
        return self.start(job)

    @abstractmethod
    def latest(self, context: Context, configuration: Document) -> str | None:
        """The newest revision, or None when there is none."""
