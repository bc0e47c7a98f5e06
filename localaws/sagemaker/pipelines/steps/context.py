"""What the steps of one execution share: the API, the values of expressions, the running jobs."""

import hashlib
import json
import random
import string
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from localaws.account.permission import Question
from localaws.containers import s3
from localaws.containers.errors import JobFailure
from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.errors import AccessDenied, ApiError
from localaws.sagemaker.event_formats import iso_time
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.pipelines.callbacks import Callbacks
from localaws.sagemaker.pipelines.definition import Definition, Step
from localaws.sagemaker.pipelines.expressions import Scope, UnresolvedError, resolve
from localaws.sagemaker.pipelines.next_steps import Outcome
from localaws.storage.store import Resource

Call = Callable[[str, Document], Document]
Progress = Callable[[Document], None]
RunChildren = Callable[["StepContext", Definition, int], dict[str, Outcome]]

_NAME_CHARACTERS = 63
_SUFFIX_CHARACTERS = 10
_LOOK_SECONDS = 0.1
# The actions that a pipeline's role must allow; the guide does not mention what SageMaker lists on its own behalf.
_ASKED_FOR = ("Create", "Describe", "Stop")
# SageMaker Pipelines tags the resources it creates with the ARNs of the pipeline and the execution.
_TAGGED = frozenset({"CreateHyperParameterTuningJob", "CreateModel"}) | {
    f"Create{noun}Job" for noun in ("Processing", "Training", "Transform")
}


class StepFailed(Exception):
    """A step failed.

    Parameters
    ----------
    reason : str
        Its FailureReason.
    kind : str, optional
        The exception type that retry policies name; None for a failure that is not retried.
    **members
        More members to be stored with the step.
    """

    def __init__(self, reason: str, kind: str | None = None, **members: Any) -> None:
        super().__init__(reason)
        self.kind, self.members = kind, members


class StepStopped(Exception):
    """A step was stopped with its execution."""


class StepContext:
    """The shared state of one execution.

    Parameters
    ----------
    parts : Parts
    call : callable
        The API: takes an operation's name and a request, and returns the answer.
    callbacks : Callbacks
        The callbacks that callback steps wait for.
    execution : Resource
    definition : Definition
    parameters : dict
        The values of the execution's parameters.
    run_children : callable
        Runs the steps of a definition in this context, with limited concurrency; returns their outcomes.

    Attributes
    ----------
    properties : dict of str to dict
        The Describe response for each finished step's job or resource.
    condition_outcomes : dict of str to bool
    interrupted : dict of str to dict
        The metadata of steps that were interrupted by a server's end, by name.
    stopping : threading.Event
        Set when the execution is asked to stop.
    """

    def __init__(
        self,
        parts: Parts,
        call: Call,
        callbacks: Callbacks,
        execution: Resource,
        definition: Definition,
        parameters: Document,
        run_children: RunChildren,
    ) -> None:
        self.parts, self.callbacks, self._call = parts, callbacks, call
        self.properties: dict[str, Document] = {}
        self.condition_outcomes: dict[str, bool] = {}
        self.interrupted: dict[str, Document] = {}
        self._execution, self._parameters = execution, parameters
        self._steps = dict(definition.steps)
        self._run_children = run_children
        self._jobs: dict[str, Callable[[], object]] = {}
        self.stopping = threading.Event()

    @property
    def aws(self) -> SageMakerAws:
        """The other services, called under the pipeline's role."""
        pipeline = self.parts.store.by_arn(self._execution.parent)
        role_arn = None if pipeline is None else pipeline.document.get("RoleArn")
        return self.parts.aws.acting_as(role_arn, "sagemaker")

    def call(self, operation: str, request: Document) -> Document:
        """Call the API under the pipeline's role, with an operation's name and a request; return the answer.

        Raises
        ------
        AccessDenied
            If the role lacks the permission or does not exist.
        ApiError
        """
        if operation.startswith(_ASKED_FOR):
            tags = {"Tags": [{"Key": "sagemaker:pipeline-execution-arn", "Value": self._execution.arn}]}
            members = request | tags if operation in _TAGGED else request
            try:
                self.aws.require(Question("sagemaker", f"SageMaker.{operation}", members))
            except ClientError as error:
                said = error.response["Error"]["Message"]
                reason = f"Failed to invoke sagemaker:{operation}. Error Details: {said}"
                raise AccessDenied(reason) from error
        return self._call(operation, request)

    @property
    def execution_arn(self) -> str:
        """The execution that the steps belong to."""
        return self._execution.arn

    @property
    def execution_id(self) -> str:
        """The execution's name."""
        return self._execution.name

    @property
    def scope(self) -> Scope:
        """The present values that expressions are resolved against."""
        return Scope(
            parameters=self._parameters,
            execution={
                "PipelineExecutionId": self._execution.name,
                "PipelineExecutionArn": self._execution.arn,
                "PipelineName": self._execution.internal["pipeline_name"],
                "PipelineArn": self._execution.parent,
                "StartDateTime": iso_time(self._execution.created),
                "CurrentDateTime": iso_time(),
            },
            properties=self.properties,
            read_property_file=self._read_property_file,
            read_s3_json=self._read_json,
        )

    def request(self, step: Step) -> Document:
        """Return a step's arguments with all expressions replaced by their values."""
        arguments: Document = resolve(step.arguments, self.scope)
        return arguments

    def value(self, expression: Any) -> Any:
        """Return the value of an expression; a plain value is returned unchanged."""
        return resolve(expression, self.scope)

    def unique_name(self, step: Step) -> str:
        """Return a name for a resource that a step creates, in the format of SageMaker Pipelines."""
        suffix = "".join(random.choices(string.ascii_letters + string.digits, k=_SUFFIX_CHARACTERS))  # noqa: S311
        head = f"pipelines-{self._execution.name}-{step.name.replace('_', '-')}"
        return f"{head[: _NAME_CHARACTERS - _SUFFIX_CHARACTERS - 1].rstrip('-')}-{suffix}"

    def run_children(self, children: Definition, parallel: int) -> dict[str, Outcome]:
        """Run the children of a step with limited concurrency."""
        self._steps.update(children.steps)
        return self._run_children(self, children, parallel)

    def result(self, step_name: str) -> Document:
        """Return a step's result for later steps, to be stored."""
        return {"properties": self.properties.get(step_name), "outcome": self.condition_outcomes.get(step_name)}

    def restore(self, step_name: str, result: Document) -> None:
        """Restore what `result` returned."""
        if result.get("properties") is not None:
            self.properties[step_name] = result["properties"]
        if result.get("outcome") is not None:
            self.condition_outcomes[step_name] = result["outcome"]

    def wait_for(self, event: threading.Event, seconds: float) -> None:
        """Wait until an event is set, the execution is stopped or the time is over."""
        deadline = time.monotonic() + seconds
        while not event.wait(_LOOK_SECONDS) and not self.stopping.is_set():
            if time.monotonic() > deadline:
                return

    def token(self, step: Step) -> str:
        """Return a ClientToken that is always the same for this step of this execution."""
        return hashlib.sha256(f"{self._execution.arn}/{step.name}".encode()).hexdigest()[:36]

    def follow(self, arn: str, stop: Callable[[], object], wait: Callable[[str], object] | None = None) -> None:
        """Wait for a job, with `wait` if the job runner does not run it; call `stop` if the execution is stopped."""
        self._jobs[arn] = stop
        if self.stopping.is_set():
            self._try_stop(stop)
        (wait or self.parts.jobs.wait)(arn)
        self._jobs.pop(arn, None)

    def stop(self) -> None:
        """Begin no more steps, and stop the jobs of those that are running."""
        self.stopping.set()
        for stop in list(self._jobs.values()):
            self._try_stop(stop)

    @staticmethod
    def _try_stop(stop: Callable[[], object]) -> None:
        with suppress(ApiError):  # it may have just ended by itself
            stop()

    def _read_property_file(self, step_name: str, file_name: str) -> Any:
        declared = self._steps[step_name].property_files[file_name]
        outputs = self.properties.get(step_name, {}).get("ProcessingOutputConfig", {}).get("Outputs", [])
        for output in outputs:
            if output["OutputName"] == declared["OutputName"]:
                return self._read_json(f"{output['S3Output']['S3Uri'].rstrip('/')}/{declared['FilePath']}")
        raise UnresolvedError(f"step '{step_name}' has no output '{declared['OutputName']}' for the file '{file_name}'")

    def _read_json(self, uri: str) -> Any:
        try:
            location = s3.Location.of(uri)
            body = self.aws.client("s3").get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
            return json.loads(body)
        except ClientError as error:
            raise UnresolvedError(f"cannot read {uri}: {error}") from error
        except (ValueError, JobFailure) as error:
            raise UnresolvedError(f"{uri} is not JSON: {error}") from error
