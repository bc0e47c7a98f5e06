"""The pipeline definition language of SageMaker (version 2020-12-01): parsing and validation. Pure functions.

A definition is JSON: parameters, and steps whose arguments are requests of SageMaker's API with expressions in place of
values that are only known during an execution::

    {"Get": "Parameters.Threshold"}             a parameter
    {"Get": "Execution.PipelineExecutionId"}    a fact of the execution
    {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}   a member of the Describe response for a step's job
    {"Std:Join": {"On": "/", "Values": [...]}}  values joined to a string
    {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "metrics.r2.value"}}

Source: "Pipeline definition JSON schema" of the SageMaker guide, and the definitions that SDK v3 writes.
"""

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localaws.document import Document
from localaws.sagemaker.errors import UnsupportedOperation, ValidationError
from localaws.sagemaker.pipelines import cache_config
from localaws.sagemaker.pipelines.expressions import json_gets, path_of, references, referred_steps
from localaws.sagemaker.pipelines.retries import check_policy
from localaws.sagemaker.service_model import check_request

VERSION = "2020-12-01"
REQUESTS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "Tuning": "CreateHyperParameterTuningJob",
    "Transform": "CreateTransformJob",
    "Model": "CreateModel",
    "RegisterModel": "CreateModelPackage",
    "EndpointConfig": "CreateEndpointConfig",
    "Endpoint": "CreateEndpoint",
}
"""The step types whose arguments are a request, and the operation that takes it."""

_STEP_TYPES = (*REQUESTS, "Condition", "Fail", "Lambda", "Callback", "ForEach")
_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_PARAMETER_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}
_TARGETS = {"Lambda": "FunctionArn", "Callback": "SqsQueueUrl"}
_NESTED = ("IfSteps", "ElseSteps", "ForEachBody")
_MOST_CONCURRENT = 50
_TRIGGERS = ("Completed", "Failed", "Stopped", "Any")
_BINARY_CONDITIONS = (
    "Equals",
    "GreaterThan",
    "GreaterThanOrEqualTo",
    "LessThan",
    "LessThanOrEqualTo",
)
_EXECUTION_FACTS = (
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "PipelineName",
    "PipelineArn",
    "StartDateTime",
    "CurrentDateTime",
)


@dataclass(frozen=True)
class Parameter:
    """A declared parameter.

    Attributes
    ----------
    kind : {"String", "Integer", "Float", "Boolean"}
    default : value or None
        If None, a value must be given when an execution starts.
    """

    name: str
    kind: str
    default: Any = None
    allowed: Sequence[Any] = ()


@dataclass(frozen=True)
class Step:
    """A step, at any level of the definition.

    Attributes
    ----------
    needs : mapping of str to str
        Steps that must have ended first, named in DependsOn or referred to in the arguments, each with the outcome
        that lets this one run: ``Completed``, ``Failed``, ``Stopped`` or ``Any``.
    branch : tuple of (str, bool) or None
        The condition step that contains it, and whether it is one of the IfSteps.
    body : tuple of Step
        For a ForEach step: the steps that run for each item.
    """

    name: str
    kind: str
    arguments: Document
    document: Document
    needs: Mapping[str, str] = field(default_factory=dict)
    branch: tuple[str, bool] | None = None
    body: tuple["Step", ...] = ()

    @property
    def property_files(self) -> dict[str, Document]:
        """Declared property files by name."""
        return {item["PropertyFileName"]: item for item in self.document.get("PropertyFiles", [])}


@dataclass(frozen=True)
class Definition:
    """A valid pipeline definition; its steps are in the order of the text, nested ones after their condition."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]

    def before(self, names: Set[str]) -> set[str]:
        """Return the steps with these names and all that they depend on, directly or not."""
        found = set(names)
        while more := {need for name in found for need in self.steps[name].needs} - found:
            found |= more
        return found


def parse(text: str) -> Definition:
    """Parse and validate a definition.

    Raises
    ------
    ValidationError
        If it is not JSON of this language, or a name, reference, type or argument is invalid; says which and where.
    UnsupportedOperation
        If a step has a type that AWS supports and this server does not.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ValidationError(f"Unable to parse pipeline definition: it is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Steps"), list):
        raise ValidationError("Unable to parse pipeline definition: an object with a list of Steps was expected")
    if document.get("Version", VERSION) != VERSION:
        raise ValidationError(f"Unable to parse pipeline definition: Version '{document['Version']}' is not {VERSION}")
    parameters = _parameters(document.get("Parameters") or [])
    steps = _steps(document["Steps"])
    definition = Definition(parameters, steps)
    for step in steps.values():
        _check_step(step, definition)
    _refuse_cycles(steps)
    return definition


def _parameters(rows: list[Document]) -> dict[str, Parameter]:
    parameters: dict[str, Parameter] = {}
    for row in rows:
        parameter = Parameter(
            row.get("Name", ""), row.get("Type", ""), row.get("DefaultValue"), row.get("EnumValues") or ()
        )
        if parameter.kind not in _PARAMETER_TYPES:
            raise ValidationError(
                f"Parameter '{parameter.name}' has the type '{parameter.kind}': one of {', '.join(_PARAMETER_TYPES)}"
                " was expected"
            )
        if parameter.name in parameters:
            raise ValidationError(f"Parameter '{parameter.name}' is declared twice")
        if parameter.default is not None:
            _check_value(parameter, parameter.default)
        parameters[parameter.name] = parameter
    return parameters


def _check_value(parameter: Parameter, value: Any) -> None:
    wrong_bool = isinstance(value, bool) and parameter.kind != "Boolean"
    if not isinstance(value, _PARAMETER_TYPES[parameter.kind]) or wrong_bool:
        raise ValidationError(
            f"Parameter '{parameter.name}' has the value {value!r}, which is not of type {parameter.kind}"
        )
    if parameter.allowed and value not in parameter.allowed:
        raise ValidationError(
            f"Parameter '{parameter.name}' has the value {value!r}, which is not in its enum values:"
            f" {', '.join(map(str, parameter.allowed))}"
        )


def parameter_values(definition: Definition, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every parameter of an execution, converted from the strings of StartPipelineExecution.

    Raises
    ------
    ValidationError
        If a parameter is unknown, has no value, or has a value of another type or outside the enumeration.
    """
    unknown = sorted(set(given) - set(definition.parameters))
    if unknown:
        declared = ", ".join(definition.parameters) or "none"
        raise ValidationError(
            f"Parameters [{', '.join(unknown)}] are not defined in the pipeline, which has: {declared}"
        )
    values = {name: parameter.default for name, parameter in definition.parameters.items()}
    for name, text in given.items():
        parameter = definition.parameters[name]
        values[name] = _converted(parameter, text)
        _check_value(parameter, values[name])
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ValidationError(f"Parameters [{', '.join(missing)}] have no default and no value was given")
    return values


def _converted(parameter: Parameter, text: str) -> Any:
    try:
        if parameter.kind == "Integer":
            return int(text)
        if parameter.kind == "Float":
            return float(text)
    except ValueError:
        return text  # of the wrong type: the validation reports it
    if parameter.kind == "Boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def _steps(rows: list[Document], branch: tuple[str, bool] | None = None) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    for row in rows:
        step = _step(row, branch)
        found = {step.name: step}
        if step.kind == "Condition":
            found |= _steps(step.arguments.get("IfSteps") or [], (step.name, True))
            for nested in _steps(step.arguments.get("ElseSteps") or [], (step.name, False)).values():
                _add(found, nested)
        for each in found.values():
            _add(steps, each)
    return steps


def _add(steps: dict[str, Step], step: Step) -> None:
    if step.name in steps:
        raise ValidationError(f"Step names must be unique: '{step.name}' occurs twice")
    steps[step.name] = step


def _step(row: Document, branch: tuple[str, bool] | None) -> Step:
    name, kind = row.get("Name", ""), row.get("Type", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValidationError(f"Step name '{name}' must match {_NAME.pattern}")
    if kind not in _STEP_TYPES:
        raise UnsupportedOperation(
            f"Step '{name}' has the type '{kind}', which the local SageMaker does not support:"
            f" it supports {', '.join(_STEP_TYPES)}"
        )
    arguments = row.get("Arguments") or {}
    own = {key: value for key, value in arguments.items() if key not in _NESTED}
    body = tuple(_steps(arguments.get("ForEachBody") or []).values()) if kind == "ForEach" else ()
    inside = {each.name for each in body}
    from_body = [need for each in body for need in each.needs if need not in inside]
    needs = dict.fromkeys([*referred_steps(own), *from_body, *([branch[0]] if branch else [])], "Completed")
    return Step(name, kind, arguments, row, needs | _depends_on(row), branch, body)


def _depends_on(row: Document) -> dict[str, str]:
    """Parse DependsOn: names, or names with a trigger (SDK v3's `StepDependency`)."""
    needs = {}
    for item in row.get("DependsOn") or []:
        entry = {"Step": item, "Trigger": "Completed"} if isinstance(item, str) else item
        if not isinstance(entry, dict) or set(entry) != {"Step", "Trigger"} or entry["Trigger"] not in _TRIGGERS:
            raise ValidationError(
                f"Step '{row.get('Name')}' depends on {json.dumps(item)}: the name of a step was expected, or"
                f' {{"Step": name, "Trigger": one of {", ".join(_TRIGGERS)}}}'
            )
        needs[entry["Step"]] = entry["Trigger"]
    return needs


def _check_step(step: Step, definition: Definition) -> None:
    for name in sorted(step.needs):
        if name not in definition.steps:
            raise ValidationError(f"Step '{step.name}' refers to the step '{name}', which is not in the pipeline")
    own = {key: value for key, value in step.arguments.items() if key not in _NESTED}
    for reference in references(own):
        _check_reference(step, reference, definition)
    _check_options(step, own)
    if step.kind == "ForEach":
        _check_for_each(step, definition)
    elif step.kind in REQUESTS:
        try:
            check_request(REQUESTS[step.kind], step.arguments, dynamic=True)
        except ValidationError as error:
            raise ValidationError(f"Step '{step.name}': {error.message}") from error
    elif step.kind == "Condition":
        for condition in step.arguments.get("Conditions") or []:
            _check_condition(step, condition)
    elif step.kind in _TARGETS:
        if not isinstance(step.document.get(_TARGETS[step.kind]), str | dict):
            raise ValidationError(f"Step '{step.name}': {_TARGETS[step.kind]} is required")
    elif not isinstance(step.arguments.get("ErrorMessage", ""), str | dict):
        raise ValidationError(f"Step '{step.name}': ErrorMessage must be a string or an expression")


def _check_options(step: Step, own: Document) -> None:
    """Check what a step of any type may have."""
    for source in json_gets(own):
        if not isinstance(source.get("Path"), str):
            raise ValidationError(
                f"Step '{step.name}': the Path of a Std:JsonGet is {json.dumps(source.get('Path'))}: text was expected,"
                " expressions are not allowed there"
            )
    cache_config.check(step.name, step.document.get("CacheConfig") or {})
    for policy in step.document.get("RetryPolicies") or []:
        check_policy(step.name, policy)


def _check_for_each(step: Step, definition: Definition) -> None:
    if "IterableItems" not in step.arguments or not step.body:
        raise ValidationError(f"Step '{step.name}': IterableItems and a ForEachBody of at least one step are required")
    concurrency = step.arguments.get("MaxConcurrency")
    if not isinstance(concurrency, int) or not 1 <= concurrency <= _MOST_CONCURRENT:
        raise ValidationError(f"Step '{step.name}': MaxConcurrency {concurrency!r} is not from 1 to {_MOST_CONCURRENT}")
    for each in step.body:
        taken = [name for name in definition.steps if re.fullmatch(rf"{re.escape(each.name)}(-\d+)?", name)]
        if taken:
            raise ValidationError(f"Step '{step.name}': its body's '{each.name}' clashes with the step '{taken[0]}'")
        if each.kind in ("Condition", "Fail", "ForEach"):
            raise ValidationError(f"Step '{step.name}': a {each.kind} step is not allowed in a ForEachBody")
    inside = Definition(definition.parameters, {**definition.steps, **{each.name: each for each in step.body}})
    for each in step.body:
        _check_step(each, inside)
    _refuse_cycles({each.name: each for each in step.body})


def _check_reference(step: Step, reference: str, definition: Definition) -> None:
    root, *rest = path_of(reference)
    if root == "Parameters" and rest and rest[0] in definition.parameters:
        return
    if root == "Execution" and rest and rest[0] in _EXECUTION_FACTS:
        return
    if (root == "ForEach" and rest[:1] == ["CurrentItem"]) or (root == "IterationOutput" and len(rest) > 1):
        return
    if root == "Steps" and len(rest) > 1:
        source = definition.steps[rest[0]]
        if rest[1] != "PropertyFiles" or (len(rest) > 2 and rest[2] in source.property_files):
            return
        raise ValidationError(
            f"Step '{step.name}' refers to a property file that step '{source.name}' does not declare: '{reference}'"
        )
    raise ValidationError(f"Step '{step.name}' refers to '{reference}', which is not in the pipeline")


def _check_condition(step: Step, condition: Document) -> None:
    kind = condition.get("Type")
    wanted = {"In": ("QueryValue", "Values"), "Not": ("Condition",), "Or": ("Conditions",)}.get(
        str(kind), ("LeftValue", "RightValue") if kind in _BINARY_CONDITIONS else ()
    )
    if not wanted:
        raise ValidationError(f"Step '{step.name}': '{kind}' is not a type of condition")
    missing = [name for name in wanted if name not in condition]
    if missing:
        raise ValidationError(f"Step '{step.name}': a condition of type {kind} needs {', '.join(missing)}")
    for nested in [condition["Condition"]] if kind == "Not" else condition.get("Conditions", []):
        _check_condition(step, nested)


def _refuse_cycles(steps: Mapping[str, Step]) -> None:
    try:
        TopologicalSorter(
            {step.name: [need for need in step.needs if need in steps] for step in steps.values()}
        ).prepare()
    except CycleError as error:
        raise ValidationError(f"The steps depend on each other in a cycle: {' -> '.join(error.args[1])}") from error
