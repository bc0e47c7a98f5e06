"""What the supervisor writes about itself and its servers to a file, for the commands."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from localaws.settings import Ports


@dataclass(frozen=True)
class ServerRecord:
    """One server.

    Attributes
    ----------
    name : str
        Of `localaws.settings.SERVER_NAMES`.
    pid : int or None
        None while it waits to be started again.
    port : int
    health_path : str
        Answers 200 to a GET once the server is ready.
    started_at : float
        Seconds since the epoch.
    restarts : int
        How often it was started again since the supervisor's start.
    """

    name: str
    pid: int | None
    port: int
    health_path: str
    started_at: float
    restarts: int


@dataclass(frozen=True)
class Record:
    """The supervisor and its servers.

    Attributes
    ----------
    pid : int
        The supervisor's.
    ports : Ports
    started_at : float
        Seconds since the epoch.
    servers : tuple of ServerRecord
    failure : str or None
        Why the supervisor gave up.
    """

    pid: int
    ports: Ports
    started_at: float
    servers: tuple[ServerRecord, ...]
    failure: str | None


def write_record(path: Path, record: Record) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(asdict(record), indent=2) + "\n")
    scratch.replace(path)


def read_record(path: Path) -> Record | None:
    """Return the file's content; None if there is no file, or another version wrote it."""
    try:
        content = json.loads(path.read_text())
        servers = tuple(ServerRecord(**server) for server in content.pop("servers"))
        return Record(ports=Ports(**content.pop("ports")), servers=servers, **content)
    except (OSError, ValueError, TypeError, KeyError):
        return None
