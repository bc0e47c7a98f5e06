"""A change to MiniStack, and the order in which changes are made.

MiniStack has no plug-in API: a hook puts a function of ours in the place of one of MiniStack's, most often around it.
Where two hooks replace the same function, ``after`` says which of them is the outer one; otherwise any order will do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter


class HookOrderError(ValueError):
    """The hooks name each other in a way that leaves no order to install them in."""


@dataclass(frozen=True)
class Hook:
    """A change to a service of MiniStack.

    Attributes
    ----------
    service : str
        The folder of `localaws.ministack` that the hook belongs to, such as ``cloudformation``.
    install : callable()
        Makes the change: a function, or a partial of one. The function's name is the hook's.
    after : tuple of str
        The names of the hooks that have to be installed before.
    """

    service: str
    install: Callable[[], None]
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the function that makes the change."""
        function = self.install.func if isinstance(self.install, partial) else self.install
        return str(function.__name__)


def in_order(hooks: Sequence[Hook]) -> list[Hook]:
    """Return hooks so that each comes after those that it names.

    Raises
    ------
    HookOrderError
        Two hooks have one name, a hook names one that does not exist, or hooks name each other in a circle.
    """
    by_name = {hook.name: hook for hook in hooks}
    if len(by_name) < len(hooks):
        names = [hook.name for hook in hooks]
        raise HookOrderError(
            f"More than one hook is called {', '.join(sorted({n for n in names if names.count(n) > 1}))}"
        )
    for hook in hooks:
        if unknown := [name for name in hook.after if name not in by_name]:
            raise HookOrderError(f"{hook.name} is to come after {', '.join(unknown)}: there is no such hook")
    try:
        order = list(TopologicalSorter({hook.name: hook.after for hook in hooks}).static_order())
    except CycleError as error:
        raise HookOrderError(f"Each of these hooks is to come after the next: {' <- '.join(error.args[1])}") from error
    return [by_name[name] for name in order]


def install(hooks: Sequence[Hook]) -> None:
    """Install hooks, each after those that it names.

    Raises
    ------
    HookOrderError
        There is no such order.
    HookMissingError
        The installed MiniStack lacks something that a hook needs.
    """
    for hook in in_order(hooks):
        hook.install()
