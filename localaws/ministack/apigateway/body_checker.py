"""Bodies are checked where nobody waits for it: small ones at once, large ones in a process of their own.

Reading 10 MB of JSON takes a fifth of a second, in which the interpreter is not shared with other threads: so it is
another interpreter's. ``python -m localaws.ministack.apigateway.body_checker`` answers requests on its standard input
until that ends, as it does when the server ends: the model's text and the body, each after its length; the answer is
JSON. Such a process starts with the first large body, and anew when it has died.
"""

import asyncio
import json
import queue
import struct
import subprocess
import sys
from contextlib import suppress
from typing import IO, cast

from localaws.ministack.apigateway.body_model import objection

_AT_ONCE_BYTES = 32_768
_PROCESSES = 2
_LENGTHS = struct.Struct("<QQ")
_LENGTH = struct.Struct("<Q")


class CheckFailedError(Exception):
    """A process has died of a body, twice."""


class BodyChecker:
    """Checks bodies against models."""

    def __init__(self) -> None:
        self._free: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for _ in range(_PROCESSES):
            self._free.put(_Process())

    async def objection(self, model: str, body: bytes) -> str | None:
        """Say what a model has against a body: see `body_model.objection`.

        Raises
        ------
        CheckFailedError
        """
        if len(body) <= _AT_ONCE_BYTES:
            return objection(model, body)
        return await asyncio.to_thread(self._elsewhere, model, body)

    def _elsewhere(self, model: str, body: bytes) -> str | None:
        process = self._free.get()
        try:
            for _ in range(2):
                with suppress(OSError, EOFError):
                    return process.objection(model, body)
                process.end()
        finally:
            self._free.put(process)
        raise CheckFailedError


class _Process:
    """A process that checks, started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def objection(self, model: str, body: bytes) -> str | None:
        """Ask the process."""
        if self._process is None:
            command = [sys.executable, "-P", "-m", __spec__.name]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        question, answer = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        text = model.encode()
        question.write(_LENGTHS.pack(len(text), len(body)) + text)
        question.write(body)
        question.flush()
        (length,) = _LENGTH.unpack(_read(answer, _LENGTH.size))
        found: str | None = json.loads(_read(answer, length))
        return found

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _read(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError
    return data


def main() -> None:
    """Answer requests until there are no more."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            of_text, of_body = _LENGTHS.unpack(_read(questions, _LENGTHS.size))
            text = _read(questions, of_text).decode()
            answer = json.dumps(objection(text, _read(questions, of_body))).encode()
            answers.write(_LENGTH.pack(len(answer)) + answer)
            answers.flush()


if __name__ == "__main__":
    main()
