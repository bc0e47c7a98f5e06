"""A filter pattern, whatever its kind."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from localaws.services.logs.errors import InvalidParameter
from localaws.services.logs.patterns.columns import Columns
from localaws.services.logs.patterns.json_objects import JsonObjects
from localaws.services.logs.patterns.terms import Terms


class Pattern(Protocol):
    """What all kinds can do."""

    @property
    def contains(self) -> Sequence[Sequence[str]]:
        """A message that matches contains at least one text of each; so a search can leave the others out unread."""

    def matches(self, message: str) -> bool:
        """Return whether a message matches."""

    def value(self, selector: str, message: str) -> str | None:
        """Return what ``$.latency`` or ``$bytes`` stands for in a message that matches; None if for nothing."""

    def values(self, message: str) -> Mapping[str, str]:
        """Return what the pattern's own selectors stand for in a message that matches."""


def parse(text: str) -> Pattern:
    """Return the pattern that a text describes.

    Raises
    ------
    InvalidParameter
        It describes none.
    """
    stripped = text.strip()
    try:
        if stripped.startswith("{"):
            return JsonObjects(stripped)
        if stripped.startswith("["):
            return Columns(stripped)
        return Terms(stripped)
    except ValueError as error:
        raise InvalidParameter(f"Invalid filter pattern: {error}") from error
