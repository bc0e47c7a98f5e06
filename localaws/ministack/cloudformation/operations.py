"""A stack's operation as it is kept with the stack, so that another process can take it up."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.document import Document

KEPT = "_operation"
"""Where a stack has the operation that is under way."""
# An operation whose carrying out ends this very process would be carried out for ever.
_MOST_TIMES = 3
_DEPLOYMENT = "deployment"


@dataclass(frozen=True)
class Operation:
    """An operation under way.

    Attributes
    ----------
    document : dict
        As it is kept: JSON.
    """

    document: Document

    @classmethod
    def begin(
        cls, stack: Document, kind: str, arguments: tuple[Any, ...], options: Mapping[str, Any], token: str
    ) -> "Operation":
        """Begin one, and keep it with its stack in place of the one that it is a part of."""
        document = {
            "Id": secrets.token_hex(8),
            "Kind": kind,
            "Arguments": [_plain(each) for each in arguments],
            "Options": {name: _plain(value) for name, value in options.items()},
            "Token": token,
            "Times": 1,
            "DeleteOnFailure": bool(stack.get(KEPT, {}).get("DeleteOnFailure")),
        }
        stack[KEPT] = document
        return cls(document)

    @property
    def id(self) -> str:
        """Return its id, by which its attempts are known."""
        return str(self.document["Id"])

    @property
    def kind(self) -> str:
        """Return what it does."""
        return str(self.document["Kind"])

    def end(self, stack: Document) -> None:
        """Keep it no longer, unless the stack has another one by now."""
        if stack.get(KEPT, {}).get("Id") == self.id:
            del stack[KEPT]

    def may_be_taken_up(self) -> bool:
        """Say whether it may be carried out once more, and count."""
        self.document["Times"] += 1
        return bool(self.document["Times"] <= _MOST_TIMES)

    def done(self, stack: Document) -> dict[str, Document]:
        """Return the resources that a deployment is done with, by logical id: they are as it has left them."""
        if self.kind != _DEPLOYMENT:
            return {}
        options = self.document["Options"]
        before = (options.get("previous_stack") or {}).get("_resources", {})
        complete = "UPDATE_COMPLETE" if options.get("is_update") else "CREATE_COMPLETE"
        return {
            name: record
            for name, record in stack["_resources"].items()
            if record["ResourceStatus"] == complete and record != before.get(name)
        }


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value
