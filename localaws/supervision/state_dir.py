"""The state folder: what is where in it, which supervisor uses it, and how it is deleted.

::

    .localaws/
        local-aws.json          marks the folder as ours: nothing else is ever deleted
        lock                    held by the supervisor while it runs
        supervisor.json         what the supervisor last wrote about itself (`localaws.supervision.record`)
        sagemaker-config.yaml   the SageMaker SDK's configuration
        logs/                   supervisor.log, ministack.log, sagemaker.log, services.log
        ministack/  sagemaker/  services/    the servers' own data
        outbox/                 the e-mails that AWS would have sent (`localaws.ministack.sns`)
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import StateDirError
from localaws.supervision import lock
from localaws.supervision.record import Record, read_record

_MARKER = "local-aws.json"
_MARKER_CONTENT = {"made_by": "local-aws", "format": 1}


@dataclass(frozen=True)
class StateDir:
    """The folder that holds everything that local AWS keeps."""

    path: Path

    @property
    def lock_path(self) -> Path:
        """Return the path of the supervisor's lock."""
        return self.path / "lock"

    @property
    def record_path(self) -> Path:
        """Return the path of the supervisor's record."""
        return self.path / "supervisor.json"

    @property
    def sdk_config_path(self) -> Path:
        """Return the path of the SageMaker SDK's configuration."""
        return self.path / "sagemaker-config.yaml"

    @property
    def outbox_path(self) -> Path:
        """Return the folder of the e-mails."""
        return self.path / "outbox"

    def data_path(self, server: str) -> Path:
        """Return the folder in which the server of this name keeps its data."""
        return self.path / server

    def log_path(self, server: str) -> Path:
        """Return the path of the log of a server, or of the ``supervisor``."""
        return self.path / "logs" / f"{server}.log"

    def is_ours(self) -> bool:
        """Return whether `create` made this folder."""
        try:
            content = json.loads((self.path / _MARKER).read_text())
        except (OSError, ValueError):
            return False
        return isinstance(content, dict) and content.get("made_by") == _MARKER_CONTENT["made_by"]

    def check_ours(self) -> None:
        """Raise StateDirError for a folder that `create` did not make."""
        if not self.is_ours():
            raise StateDirError(
                f"{self.path} is not a state folder of local AWS (it has no {_MARKER}). Nothing was deleted."
            )

    def create(self) -> None:
        """Make the folder, if it is not there.

        Raises
        ------
        StateDirError
            The path holds something else, or cannot be written.
        """
        if self.is_ours():
            return
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            foreign = [path for path in self.path.iterdir() if not path.name.startswith((_MARKER, "lock", "logs"))]
            # Asked again, after the look: another start may have made the folder meanwhile, marker first.
            if foreign and not self.is_ours():
                raise StateDirError(
                    f"{self.path} holds files that are not local AWS's. Name an empty or new folder with --state-dir."
                )
            (self.path / "logs").mkdir(exist_ok=True)
            unfinished = self.path / f"{_MARKER}.{os.getpid()}"
            unfinished.write_text(json.dumps(_MARKER_CONTENT) + "\n")
            unfinished.replace(self.path / _MARKER)
        except OSError as error:
            raise StateDirError(
                f"{self.path} cannot be used as the state folder: {error.strerror}. Name another with --state-dir."
            ) from error

    def close_to_others(self) -> None:
        """Let no other user of the machine into the folder, which an earlier version may have made for all."""
        self.path.chmod(0o700)

    def supervisor_pid(self) -> int | None:
        """Return the pid of the running supervisor; None if there is none."""
        return lock.holder(self.lock_path)

    def running(self) -> Record | None:
        """Return the record of the running supervisor; None without one, or before it has written a record."""
        pid = self.supervisor_pid()
        record = self.last_record()
        return record if pid is not None and record is not None and record.pid == pid else None

    def last_record(self) -> Record | None:
        """Return what the last supervisor wrote, whether it is running or not."""
        return read_record(self.record_path)

    def remove(self) -> list[str]:
        """Delete the folder.

        Returns
        -------
        list of str
            What it held, sorted.

        Raises
        ------
        StateDirError
            The folder was not made by `create`.
        """
        self.check_ours()
        entries = sorted(entry.name for entry in self.path.iterdir())
        # The marker goes last: a deletion that was interrupted can be repeated.
        for entry in entries:
            if entry != _MARKER:
                _delete(self.path / entry)
        shutil.rmtree(self.path)
        return entries


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
