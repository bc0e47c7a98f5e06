"""One worker: an event loop, a model, and the connections that the supervisor hands over.

A worker is forked by the supervisor, with the model in its memory already or to be loaded by itself. Through a socket
it gets the connections' file descriptors, and says when it is ready. When that socket ends, because the supervisor
stops or died, the worker answers what it was asked and ends too.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable

import uvloop

from serving.app import App
from serving.board import Board, Row
from serving.chain import Served
from serving.connection import Connections
from serving.errors import StartError
from serving.settings import Settings

READY = b"R"
CANNOT_START = 3  # the exit code of a worker that cannot load its model

# How long a connection may be silent, once the server is asked to stop, and still be answered: what a caller had sent
# before it could know.
_LAST_CALL_SECONDS = 0.05
_DESCRIPTORS = 64

log = logging.getLogger(__name__)


def run_worker(
    load: Callable[[], Served | None], control: socket.socket, board: Board, number: int, settings: Settings
) -> int:
    """Serve until the supervisor says to stop; return the exit code.

    Parameters
    ----------
    load : callable() -> Served or None
        None is for the multi-model mode, which begins with nothing.
    control : socket
        The worker's end of a pair.
    board : Board
    number : int
        Which worker this is, from 0.
    settings : Settings
    """
    # The supervisor decides: a terminal's Ctrl-C, or a SIGTERM to the whole group, reaches it too. Not SIG_IGN, which
    # the model's own child processes would inherit.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    try:
        model = load()
    except StartError as error:
        report(error)
        return CANNOT_START
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Worker(model, control, board, board.row(number), settings).serve())
    return 0


def report(error: StartError) -> None:
    """Report why nothing can be served: in the log with the traceback, on stderr in a sentence."""
    log.error("not started: %s", error, exc_info=error.__cause__)
    print(f"serving: {error}", file=sys.stderr, flush=True)


class _Worker:
    def __init__(
        self, model: Served | None, control: socket.socket, board: Board, row: Row, settings: Settings
    ) -> None:
        app = App(model, board, row, settings)
        self._connections = Connections(app.handle, settings, row)
        self._control = control
        self._timeout = settings.timeout
        self._stopping = asyncio.Event()
        self._accepting: set[asyncio.Task[object]] = set()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._control.setblocking(False)
        loop.add_reader(self._control, self._take_connections)
        self._control.send(READY)
        while not self._stopping.is_set():
            self._connections.sweep()
            await _wait(self._stopping, 1)
        await asyncio.sleep(_LAST_CALL_SECONDS)
        self._connections.drain()
        for _ in range(int(self._timeout / 0.01)):
            if not self._connections.open:
                break
            await asyncio.sleep(0.01)

    def _take_connections(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _DESCRIPTORS, _DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            connection.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(self._connections.new, connection))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)
        if not data:
            loop.remove_reader(self._control)
            self._stopping.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
