"""What CloudFormation asks of the provisioner of a resource type, and what all provisioners have in common."""

import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from botocore.exceptions import ClientError

from localaws.document import Document
from localaws.ministack.cloudformation.attempts import ATTEMPT

Provisioned = tuple[str, Document]
"""Physical id (what Ref gives) and attributes (what GetAtt gives)."""


class IncompleteError(ValueError):
    """Something was made, or changed, and failed after that: a rollback must undo it.

    Parameters
    ----------
    physical_id : str
        Of what is there now.
    reason : str
        The reason in the stack's events.
    """

    def __init__(self, physical_id: str, reason: str) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


note_made: ContextVar[Callable[[str], None] | None] = ContextVar("note_made", default=None)
"""Writes a resource that is being made into its stack, given its physical id; None outside a stack's operation."""


def tell_made(physical_id: str) -> None:
    """Say that a resource exists that is still waited for: its stack knows it even after a kill."""
    note = note_made.get()
    if note is not None:
        note(physical_id)


def call(operation: Callable[..., Any], /, **request: Any) -> Document:
    """Call a service, and return its answer.

    Raises
    ------
    ValueError
        It refuses; the text is the reason in the stack's events.
    """
    try:
        answer: Document = operation(**request)
    except ClientError as error:
        raise ValueError(error.response["Error"]["Message"]) from error
    return answer


def generated_name(stack_name: str, logical_id: str, longest: int) -> str:
    """Return a name as CloudFormation makes it: stack, logical id and twelve characters of the attempt's."""
    attempt = ATTEMPT.get()
    suffix = f"-{attempt.seed if attempt is not None else secrets.token_hex(6)}"
    return f"{stack_name}-{logical_id}"[: longest - len(suffix)] + suffix


class Provisioner(Protocol):
    """Creates, updates and deletes the resources of one type; called in a worker thread.

    Each raises ValueError when it cannot; the text is the reason in the stack's events. IncompleteError, when something
    is there that was not there before.
    """

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        """Create one, and return when it is there."""

    def find(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
        """Return what this attempt has made before a kill; None if it has made nothing that would stay behind."""

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        """Change one in place, or create another: then the physical id is a new one."""

    def delete(self, physical_id: str, properties: Document) -> None:
        """Delete one, if it is there."""


def found_again(provisioner: Provisioner, logical_id: str, properties: Document, stack_name: str) -> Provisioned | None:
    """Return what this attempt has made, when it was begun before a kill; None when there is nothing."""
    attempt = ATTEMPT.get()
    again = attempt is not None and attempt.again
    return provisioner.find(logical_id, properties, stack_name) if again else None
