"""The values of a metric, read from a training job's log while the job writes it."""

import math
import re
from pathlib import Path
from typing import BinaryIO


class MetricReader:
    """Follows one metric in a log.

    The file stays open, so that the last lines can be read after the job has ended and its folder is deleted.

    Parameters
    ----------
    log : Path
        The file; created if the container has not begun to write it.
    regex : str
        The ``Regex`` of the ``MetricDefinition``: its first group is the number.
    """

    def __init__(self, log: Path, regex: str) -> None:
        self._pattern = re.compile(regex)
        self._file: BinaryIO | None = None
        try:
            self._file = log.open("a+b")
            self._file.seek(0)
        except FileNotFoundError:
            pass  # the job has ended already: its final metric is in its document
        self._rest = b""
        self.values: list[float] = []

    def read(self) -> list[float]:
        """Return all values so far."""
        data = self._rest + (self._file.read() if self._file else b"")
        *lines, self._rest = data.split(b"\n")
        for line in lines:
            for match in self._pattern.finditer(line.decode("utf-8", errors="replace")):
                self._add(match)
        return self.values

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _add(self, match: re.Match[str]) -> None:
        try:
            value = float(match[1])
        except (IndexError, ValueError):
            return  # not a number: final_metrics skips it, too
        if math.isfinite(value):
            self.values.append(value)
