"""Find a log by its name, and print it; or list what there is."""

from collections.abc import Callable, Iterator
from datetime import datetime

from localaws.command.logs.kinds import KINDS
from localaws.command.logs.log import Clients, Kind, Log
from localaws.errors import UnknownLogError

_MOST_LISTED = 5


def find(clients: Clients, name: str, kind_name: str | None, since: datetime | None) -> Log:
    """Return the log of the only thing of a name.

    Parameters
    ----------
    clients : callable
    name : str
    kind_name : str or None
        The kind that is meant.
    since : datetime or None
        From when on.

    Raises
    ------
    UnknownLogError
        There is none, and the message lists what there is; or there are several.
    """
    kinds = [kind for kind in KINDS if kind_name in (None, kind.name)]
    found = [(kind, log) for kind in kinds if (log := kind.find(clients, name, since)) is not None]
    if len(found) > 1:
        ways = "\n".join(f"  local-aws logs {name} --type {kind.name:<14} {log.name}" for kind, log in found)
        raise UnknownLogError(f"{name!r} may be several things. Say which:\n{ways}")
    if not found:
        rows = "\n".join(f"  {row}" for row in rows_of(clients, kinds))
        what = f"There is no {kind_name or 'job, build, function, endpoint or execution'} {name!r}."
        raise UnknownLogError(f"{what} {f'The latest:{chr(10)}{rows}' if rows else 'There is no log yet.'}")
    return found[0][1]


def show_list(clients: Clients, kind_name: str | None, say: Callable[[str], None]) -> None:
    """Print the latest of each kind."""
    rows = list(rows_of(clients, [kind for kind in KINDS if kind_name in (None, kind.name)]))
    for row in rows:
        say(row)
    if not rows:
        say("nothing has written a log yet")


def rows_of(clients: Clients, kinds: list[Kind]) -> Iterator[str]:
    """Yield a row for each of the latest things of some kinds, with a heading before the first."""
    entries = [(kind, entry) for kind in kinds for entry in kind.latest(clients, _MOST_LISTED)]
    if entries:
        yield f"{'TYPE':<14} {'CREATED':<19} {'STATUS':<12} NAME"
    for kind, entry in entries:
        yield f"{kind.name:<14} {entry.created.astimezone():%Y-%m-%d %H:%M:%S} {entry.status:<12} {entry.name}"
