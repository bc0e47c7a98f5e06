"""An answer in parts: what a script's generator yields goes out as it is made.

The generator runs in the model's thread, as every slow call; its chunks go to the event loop, no faster than the caller
reads them. A stream that fails before its first chunk is answered as any failure; after it, the connection is broken
off, since its 200 is on the way already.
"""

import asyncio
from collections.abc import Callable, Iterator

from serving.connection import Connection
from serving.message import Response
from serving.runner import Runner

Ended = Callable[[BaseException | None, bool], None]
"""Gets the error, if there was one, and whether a chunk had gone out before."""


class Stream:
    """One streamed answer.

    Parameters
    ----------
    runner : Runner
    connection : Connection
    chunks : iterator of bytes or str
    response : Response
        Without its body.
    ended : callable(error, began)
        Called in the event loop, once.
    """

    def __init__(
        self, runner: Runner, connection: Connection, chunks: Iterator[bytes | str], response: Response, ended: Ended
    ) -> None:
        self._runner = runner
        self._connection = connection
        self._chunks = chunks
        self._response = response
        self._ended = ended
        self._began = False
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Send it, chunk by chunk."""
        self._runner.in_thread(self._pump)

    def _pump(self) -> None:
        try:
            for chunk in self._chunks:
                self._runner.alive()
                self._connection.writable.wait()
                if self._connection.gone:
                    break
                self._loop.call_soon_threadsafe(self._send, chunk.encode() if isinstance(chunk, str) else bytes(chunk))
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._broken, error)
        else:
            self._loop.call_soon_threadsafe(self._whole)
        finally:
            close = getattr(
                self._chunks, "close", None
            )  # a generator's finally clauses run here, not at some later time
            if close is not None:
                close()

    def _begin(self) -> None:
        if not self._began:
            self._began = True
            if not self._connection.gone:
                self._connection.begin(self._response)

    def _send(self, chunk: bytes) -> None:
        self._begin()
        self._connection.send(chunk)

    def _whole(self) -> None:
        self._begin()
        self._connection.finish()
        self._ended(None, True)

    def _broken(self, error: BaseException) -> None:
        if self._began:
            self._connection.abort()
        self._ended(error, self._began)
