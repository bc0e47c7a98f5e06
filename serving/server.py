"""The HTTP server: uvicorn on uvloop and httptools, from a bound port to the last answer.

The port is bound before the model is loaded, so that a taken port is reported at once, but not listened on
until the model can answer: a health check that only connects is not misled.
"""

import logging
import signal
import socket
from types import FrameType

import uvicorn

from serving.app import App
from serving.errors import StartError
from serving.settings import Settings

# Longer than the idle time of what may stand in front (an Application Load Balancer: 60 s), so that it is
# never this server which closes a connection on which the next request is already under way.
_KEEP_ALIVE_SECONDS = 75

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn's server, which says so in the log once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for bound in sockets or []:
            host, port = bound.getsockname()[:2]
            log.info("ready", extra={"fields": {"host": host, "port": port}})


def bind(host: str, port: int) -> socket.socket:
    """Bind the port, without listening yet.

    Raises
    ------
    StartError
        The port is taken, or the host is not one of this machine.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise StartError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --host or --port."
        ) from error
    return bound


def serve(app: App, bound: socket.socket, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then answer what was accepted, at most for one invocation's time-out."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.timeout,
    )
    server = _Server(config)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # For a signal before uvicorn installs its handlers, and for the one that uvicorn raises again after its
    # shutdown: being asked to stop is no failure, the exit code is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run(sockets=[bound])
    log.info("stopped")
