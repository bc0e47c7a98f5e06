"""The output parameters of Lambda and callback steps."""

from typing import Any

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.expressions import as_text
from localaws.sagemaker.pipelines.steps.context import StepFailed

_TYPES: dict[str, tuple[type, ...]] = {"String": (str,), "Integer": (int,), "Float": (int, float), "Boolean": (bool,)}


def output_parameters(step: Step, given: Document) -> Document:
    """Return the declared output parameters by name, with the given values.

    Raises
    ------
    StepFailed
        If one is missing, or has another type than declared.
    """
    found: Document = {}
    for declared in step.document.get("OutputParameters") or []:
        name, kind = declared["OutputName"], declared["OutputType"]
        if name not in given:
            raise StepFailed(f"ClientError: the output '{name}' is missing: there are {', '.join(given) or 'none'}")
        value = _converted(given[name], kind)
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "Boolean"):
            raise StepFailed(f"ClientError: the output '{name}' is {value!r}, which is not of type {kind}")
        found[name] = value
    return found


def as_list(outputs: Document) -> list[Document]:
    """Return output parameters as the API lists them; their values are strings there."""
    return [{"Name": name, "Value": as_text(value)} for name, value in outputs.items()]


def _converted(value: Any, kind: str) -> Any:
    """Convert a callback's value, which is a string whatever its declared type, and a function's number to a String.

    A function that returns ``"statusCode": 200`` for an output of type String is AWS's own example of a Lambda step.
    """
    if kind == "String" and isinstance(value, bool | int | float):
        return as_text(value)
    if not isinstance(value, str) or kind == "String":
        return value
    if kind == "Boolean":
        return {"true": True, "false": False}.get(value, value)
    try:
        return int(value) if kind == "Integer" else float(value)
    except ValueError:
        return value
