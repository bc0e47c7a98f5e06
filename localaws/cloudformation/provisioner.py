"""What CloudFormation asks of whoever makes the resources of a type."""

from typing import Any, Protocol

Document = dict[str, Any]
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


class Provisioner(Protocol):
    """Creates, updates and deletes the resources of one type; called in a worker thread.

    Each raises ValueError when it cannot; the text is the reason in the stack's events. IncompleteError, when something
    is there that was not there before.
    """

    def create(self, logical_id: str, properties: Document, stack_name: str) -> Provisioned:
        """Create one, and return when it is there."""

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        """Change one in place, or create another: then the physical id is a new one."""

    def delete(self, physical_id: str, properties: Document) -> None:
        """Delete one, if it is there."""
