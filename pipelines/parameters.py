"""The parameters of an execution: what the user gave, checked against what the pipeline declares.

SageMaker would refuse them too, but only after code and definition have been uploaded, and one at a time.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from model_road.errors import UsageError


def check(declared: Sequence[Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, str]:
    """Check values by the declarations of a pipeline definition (Name, Type, DefaultValue, EnumValues).

    Returns
    -------
    dict of str to str
        The given values, as StartPipelineExecution takes them.

    Raises
    ------
    UsageError
        Naming every problem: an unknown name, a value of the wrong type or out of the enumeration, a
        parameter without default for which no value is given.
    """
    by_name = {parameter["Name"]: parameter for parameter in declared}
    problems = [f"{name}: no such parameter" for name in given if name not in by_name]
    problems += [
        f"{name}: needs a value ({parameter['Type']})"
        for name, parameter in by_name.items()
        if "DefaultValue" not in parameter and name not in given
    ]
    for name, value in given.items():
        problem = _problem(by_name[name], value) if name in by_name else None
        if problem:
            problems.append(f"{name}={value}: {problem}")
    if problems:
        known = ", ".join(f"{name} ({parameter['Type']})" for name, parameter in by_name.items())
        raise UsageError(f"--parameters: {'; '.join(problems)}. The pipeline takes: {known or 'none'}.")
    return dict(given)


def _problem(parameter: Mapping[str, Any], value: str) -> str | None:
    allowed = parameter.get("EnumValues")
    if allowed and value not in allowed:
        return f"must be one of {', '.join(allowed)}"
    return None if _TYPES[parameter["Type"]](value) else f"not a valid {parameter['Type']}"


def _is_integer(value: str) -> bool:
    return value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()


def _is_float(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and "_" not in value
    except ValueError:
        return False


_TYPES: Mapping[str, Callable[[str], bool]] = {
    "String": lambda value: True,  # noqa: ARG005 -- any text is a string
    "Integer": _is_integer,
    "Float": _is_float,
    "Boolean": lambda value: value.lower() in ("true", "false"),
}
