"""Which requests CloudFormation refuses before it begins anything, and in which words."""

from collections.abc import Collection, Mapping
from typing import Any

_GONE = "DELETE_COMPLETE"
_NOT_UPDATED = frozenset(
    {"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"}
)
_CREATED_BY_CHANGE_SETS = "REVIEW_IN_PROGRESS"


def check_parameters(declared: Collection[str], given: Collection[str]) -> None:
    """Refuse parameters that a template does not have.

    Raises
    ------
    ValueError
        In CloudFormation's words.
    """
    unknown = [name for name in given if name not in declared]
    if unknown and not declared:
        raise ValueError("Parameter values specified for a template which does not require them.")
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")


def refusal(kind: str, stack: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a stack prevents one of its name (CREATE), or cannot be changed by a change set (UPDATE).

    Returns
    -------
    code, message : str
        None when nothing speaks against it.
    """
    status = stack["StackStatus"]
    if status in (_GONE, _CREATED_BY_CHANGE_SETS):
        return None
    if kind == "CREATE":
        return "AlreadyExistsException", f"Stack [{stack['StackName']}] already exists"
    if kind == "UPDATE" and (status in _NOT_UPDATED or status.endswith("_IN_PROGRESS")):
        return "ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated."
    return None


def check_nulls(value: Any, path: str = "") -> None:
    """Refuse null values of a template, wherever they are.

    Raises
    ------
    ValueError
        In CloudFormation's words.
    """
    if value is None:
        raise ValueError(f"[{path}] 'null' values are not allowed in templates")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        check_nulls(item, f"{path}/{key}")
