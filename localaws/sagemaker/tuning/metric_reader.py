"""The values of a metric, read from a training job's log while the job writes it."""

from pathlib import Path
from typing import BinaryIO

from localaws.sagemaker.jobs.metric_pattern import MetricPattern

_CHUNK_BYTES = 1024 * 1024


class MetricReader:
    """Follows one metric in a log.

    The file stays open, so that the last lines can be read after the job has ended and its folder is deleted.

    Parameters
    ----------
    log : Path
        The file; created if the container has not begun to write it.
    pattern : MetricPattern
    """

    def __init__(self, log: Path, pattern: MetricPattern) -> None:
        self._pattern = pattern
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
        while data := self._file.read(_CHUNK_BYTES) if self._file else b"":
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self.values.extend(self._pattern.values(line.decode("utf-8", errors="replace")))
            self._rest = self._rest[:_CHUNK_BYTES]  # a line that does not end
        return self.values

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
