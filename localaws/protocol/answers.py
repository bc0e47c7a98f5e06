"""Answers of our services that are unlike AWS's: found, and written down.

Where LOCALAWS_ANSWERS_FILE names a file, each answer is held against the model that botocore has of it: required
members, unknown ones, types, enumerations, patterns, lengths, ranges, times as numbers; and each refusal against the
errors that its operation declares. What an SDK of AWS would not expect is a line in that file. The test suite sets the
variable and fails on such a line.
"""

import math
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from localaws.api_errors import ApiError
from localaws.document import Document
from localaws.protocol.shapes import broken_constraints

VARIABLE = "LOCALAWS_ANSWERS_FILE"
# The errors that any operation may answer with (Common Error Types of each service's API reference), and those that
# local AWS says of itself.
_COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "InternalFailure",
        "ThrottlingException",
        "ValidationException",
        "SerializationException",
        "UnsupportedOperation",
        "InsufficientStorage",
    }
)

# What AWS answers, and the model does not allow:
_BEYOND = re.compile(
    "|".join(
        (
            r"Value '\[\]'",  # "buildsNotFound": [] in the AWS CLI's examples, of at least one item in the model
            r"Value '\{\}'",  # "tags": {} of a log group without any, of at least one in the model
            r"Value null at 'modelPackageName'",  # a version's, in the guide's "View the Details of a Model Version"
            r"Value 'CompletedWithFailures'",  # of a pipeline execution, as SDK v3 knows it
            r".* at '\S*\.metricDefinitions' .* length",  # more of XGBoost's own than a request may define
        )
    )
)


def note_answer(operation: OperationModel, answer: Document) -> None:
    """Write down what is wrong with an answer, if the variable is set and something is."""
    if _file() and operation.output_shape:
        _write(operation, answer_faults(operation.output_shape, answer))


def note_refusal(operation: OperationModel, error: ApiError) -> None:
    """Write down an error that the operation does not declare, if the variable is set."""
    if _file() and not _is_declared(operation, error.code):
        declared = ", ".join(sorted(_codes(operation))) or "none"
        _write(operation, [f"the error {error.code} ({error.message}) is none of its own: {declared}"])


def answer_faults(shape: StructureShape, answer: Document) -> list[str]:
    """Return what a shape of botocore's model does not allow in an answer, each as a sentence."""
    try:
        broken = broken_constraints(shape, answer)
    except ApiError as error:
        broken = [error.message]
    return [fault for fault in broken if not _BEYOND.match(fault)] + list(_odd_times(shape, answer, ""))


def _odd_times(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield each time that is no number, unless its shape says that it is text."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, item in value.items():
            if name in shape.members and item is not None:
                yield from _odd_times(shape.members[name], item, f"{path}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            yield from _odd_times(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for item in value.values():
            yield from _odd_times(shape.value, item, f"{path}.*")
    elif shape.type_name == "timestamp" and not _is_time(shape, value):
        yield f"the time {value!r} at {path} is no number of seconds"


def _is_time(shape: Shape, value: Any) -> bool:
    if shape.serialization.get("timestampFormat", "").startswith("iso"):
        return isinstance(value, str)
    return isinstance(value, int | float) and math.isfinite(value)


def _is_declared(operation: OperationModel, code: str) -> bool:
    return code in _COMMON_ERRORS or code in _codes(operation)


def _codes(operation: OperationModel) -> frozenset[str]:
    return frozenset(shape.metadata.get("error", {}).get("code", shape.name) for shape in operation.error_shapes)


@cache
def _file() -> Path | None:
    text = os.environ.get(VARIABLE)
    return Path(text) if text else None


def _write(operation: OperationModel, faults: list[str]) -> None:
    path = _file()
    if path is not None and faults:
        name = f"{operation.service_model.service_name}.{operation.name}"
        with path.open("a") as lines:
            lines.writelines(f"{name}: {fault}\n" for fault in faults)
