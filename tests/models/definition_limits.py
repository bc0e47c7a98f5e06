"""What SageMaker refuses of a pipeline's definition: requests against its own service model, and published limits.

Expressions stand for texts as long as they may become, so that a name that grows does not break a limit later.

Sources: "Amazon SageMaker AI endpoints and quotas" for steps and parameters; the service model for all other lengths;
"Retry Policy for Pipeline Steps" in the Developer Guide.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import botocore.session
from botocore.model import ServiceModel

from localaws.api_errors import ApiError
from localaws.protocol.shapes import check_members

Document = dict[str, Any]

STEPS, PARAMETERS, DEFINITION_BYTES, NAME, VALUE, MESSAGE = 50, 200, 1_048_576, 64, 1024, 1024
# Of each type of step: the operation, and what SageMaker adds to its arguments: a name of its own.
REQUESTS = {
    "Model": ("CreateModel", "ModelName"),
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "RegisterModel": ("CreateModelPackage", None),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Transform": ("CreateTransformJob", "TransformJobName"),
    "Tuning": ("CreateHyperParameterTuningJob", "HyperParameterTuningJobName"),
}
# These are no requests of SageMaker's.
PLAIN = {"Condition", "Fail"}
LONGEST_JOB = "pipelines-abcdefghijkl-" + "n" * 40


@dataclass(frozen=True)
class Definition:
    """A pipeline's definition with its name."""

    name: str
    text: str

    @cached_property
    def document(self) -> Document:
        found: Document = json.loads(self.text)
        return found

    @cached_property
    def steps(self) -> dict[str, Document]:
        """All steps by name, those of branches, too."""
        return {step["Name"]: step for step in _every(self.document["Steps"])}

    @cached_property
    def defaults(self) -> Document:
        return {each["Name"]: each.get("DefaultValue", "") for each in self.document["Parameters"]}

    def resolved(self, value: Any) -> Any:
        """Return a value with texts in place of expressions."""
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Get"}:
            return self._got(value["Get"])
        if "Std:Join" in value:
            joined = value["Std:Join"]
            return str(joined["On"]).join(str(self.resolved(each)) for each in joined["Values"])
        if "Std:JsonGet" in value:
            return "0"
        return {key: self.resolved(each) for key, each in value.items()}

    def _got(self, path: str) -> Any:
        head, _, rest = path.partition(".")
        if head == "Parameters":
            return self.defaults[rest]
        if head == "Execution":
            arn = f"arn:aws:sagemaker:ap-northeast-1:111122223333:pipeline/{self.name}"
            run = {"PipelineExecutionArn": f"{arn}/execution/abcdefghijkl", "PipelineArn": arn}
            return run.get(rest, {"PipelineName": self.name, "PipelineExecutionId": "abcdefghijkl"}.get(rest, rest))
        name, _, member = rest.partition(".")
        arguments = self.steps[name]["Arguments"]
        if output := re.fullmatch(r"ProcessingOutputConfig\.Outputs\['(.+)'\]\.S3Output\.S3Uri", member):
            [found] = [
                each for each in arguments["ProcessingOutputConfig"]["Outputs"] if each["OutputName"] == output[1]
            ]
            return self.resolved(found["S3Output"]["S3Uri"])
        if member == "ModelArtifacts.S3ModelArtifacts":
            return f"{self.resolved(arguments['OutputDataConfig']['S3OutputPath'])}/{LONGEST_JOB}/output/model.tar.gz"
        assert member.endswith("Name"), f"what {path} may become is not known here"
        return LONGEST_JOB


def faults(definition: Definition, model: ServiceModel | None = None) -> list[str]:
    """Return what SageMaker would refuse."""
    model = model or botocore.session.get_session().get_service_model("sagemaker")
    return [
        *_sizes(definition),
        *_retries(definition),
        *_messages(definition),
        *(fault for step in definition.steps.values() for fault in _request(definition, step, model)),
    ]


def _every(steps: list[Document]) -> Iterator[Document]:
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from _every(step["Arguments"].get(branch, []))


def _sizes(definition: Definition) -> Iterator[str]:
    names = [step["Name"] for step in _every(definition.document["Steps"])]
    if len(definition.text.encode()) > DEFINITION_BYTES:
        yield f"the definition has more than {DEFINITION_BYTES} bytes"
    if len(names) > STEPS:
        yield f"{len(names)} steps, of at most {STEPS}"
    if len(set(names)) < len(names):
        yield f"a step's name is there twice in {names}"
    if len(definition.defaults) > PARAMETERS:
        yield f"{len(definition.defaults)} parameters, of at most {PARAMETERS}"
    for name in (*names, *definition.defaults):
        if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{NAME}}}", name):
            yield f"{name!r}: letters, digits, hyphens and underscores, {NAME} at most"
    for name, value in definition.defaults.items():
        if len(str(value)) > VALUE:
            yield f"the default of {name} has more than {VALUE} characters"


def _retries(definition: Definition) -> Iterator[str]:
    limits = {"MaxAttempts": 20, "ExpireAfterMin": 14_400, "IntervalSeconds": 43_200}
    for name, step in definition.steps.items():
        for policy in step.get("RetryPolicies", ()):
            wrong = [each for each, most in limits.items() if policy.get(each, 1) > most]
            if wrong or {"MaxAttempts", "ExpireAfterMin"} <= set(policy):
                yield f"{name}: a retry policy with {wrong or 'both MaxAttempts and ExpireAfterMin'}"


def _messages(definition: Definition) -> Iterator[str]:
    for name, step in definition.steps.items():
        if step["Type"] == "Fail":
            message = step["Arguments"]["ErrorMessage"]
            if "Std:JsonGet" in json.dumps(message):
                yield f"{name}: what is in a report is not said to be possible in a message: name the report"
            if len(str(definition.resolved(message))) > MESSAGE:
                yield f"{name}: a message of more than {MESSAGE} characters"


def _request(definition: Definition, step: Document, model: ServiceModel) -> Iterator[str]:
    if step["Type"] in PLAIN:
        return
    operation, member = REQUESTS[step["Type"]]
    request = {**definition.resolved(step["Arguments"]), **({member: LONGEST_JOB} if member else {})}
    try:
        check_members(model.operation_model(operation).input_shape, request)
    except ApiError as error:
        yield f"{step['Name']}: {operation}: {error}"
