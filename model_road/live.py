"""Progress, shown while it happens: drawn in place on a terminal, printed line by line elsewhere.

A `Picture` takes one moment after another. It can be drawn as it is now, and yields what is new in each moment; `View`
chooses which of the two a console gets.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, Self, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live

Moment = TypeVar("Moment")


class Picture(ABC, Generic[Moment]):
    """What is shown of something in progress."""

    @abstractmethod
    def take(self, moment: Moment) -> Iterable[str]:
        """Take in a newer moment; yield a line for each thing that has changed."""

    @abstractmethod
    def draw(self) -> RenderableType:
        """Draw everything as it is now."""


class View(Generic[Moment]):
    """A context in which moments are shown.

    Parameters
    ----------
    picture : Picture
    console : Console, optional
        The standard output by default.
    """

    def __init__(self, picture: Picture[Moment], console: Console | None = None) -> None:
        self._picture = picture
        self._console = console or Console()
        self._stack = ExitStack()
        self._live: Live | None = None
        if self._console.is_terminal:
            # Four times a second, so that durations run.
            self._live = Live(console=self._console, get_renderable=picture.draw, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._stack.enter_context(self._live)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._stack.__exit__(exc_type, exc, exc_tb)

    def show(self, moment: Moment) -> None:
        """Show a newer moment at once."""
        lines = list(self._picture.take(moment))
        if self._live is not None:
            self._live.refresh()
            return
        for line in lines:
            self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
