"""Writes of several files that happen all or not at all, whenever the process is killed.

The new files are written beside, then a plan that says where they go, then each takes its place. What has a plan when
the next process starts takes its place then; what has none goes.
"""

import contextlib
import itertools
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

Content = bytes | str
_PLAN = ".plan"


class Writes:
    """The folder of the files that have no place yet, on the disk on which they will have one.

    Parameters
    ----------
    folder : Path
        Made when it is absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers, self._lock = itertools.count(), threading.Lock()

    def recover(self) -> None:
        """Finish the writes that have a plan, and forget the others."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for plan in self._folder.glob(f"*{_PLAN}"):
            with contextlib.suppress(OSError):  # it was not acknowledged
                self._carry_out(plan)
        for left in self._folder.iterdir():
            left.unlink()

    def write(self, files: Sequence[tuple[str, Content]]) -> None:
        """Write files, given their paths; the folders exist.

        Raises
        ------
        OSError
            They could not be written; those that are there are as they were.
        """
        with self._lock:
            numbers = [next(self._numbers) for _ in (*files, None)]
        written = [(self._folder / str(number), path) for number, (path, _) in zip(numbers, files, strict=False)]
        plan = self._folder / f"{numbers[-1]}{_PLAN}"
        try:
            for (beside, _), (_, content) in zip(written, files, strict=True):
                _write(beside, content)
            if len(files) == 1:
                written[0][0].replace(written[0][1])
                return
            draft = plan.with_suffix(".draft")
            _write(draft, json.dumps([(beside.name, path) for beside, path in written]))
            draft.replace(plan)
        except OSError:
            for beside, _ in written:
                beside.unlink(missing_ok=True)
            plan.with_suffix(".draft").unlink(missing_ok=True)
            raise
        self._carry_out(plan)

    def _carry_out(self, plan: Path) -> None:
        for beside, path in json.loads(plan.read_text()):
            if (self._folder / beside).exists():
                Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (self._folder / beside).replace(path)
        plan.unlink()


def _write(path: Path, content: Content) -> None:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
