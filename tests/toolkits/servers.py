"""The servers that are compared: this project's, and AWS's two.

| server | where it answers on AWS |
|---|---|
| serving | this project's image |
| sagemaker-containers | the scikit-learn and XGBoost images: gunicorn and Flask |
| sagemaker-inference | endpoints with many models, and the PyTorch image; here behind multi-model-server (Java) |
"""

import http.client
import random
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from localaws.containers.container import Container
from localaws.sagemaker.jobs.model_server import is_healthy
from tests.toolkits.places import JudgeError, Place, end_of

_START_SECONDS = 60
_ANSWER_SECONDS = 30
_MOST_OF_JAVA = 32_767
_MULTI_MODEL_SERVER = "from sagemaker_inference import model_server; model_server.start_model_server()"


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes
    ----------
    media_type : str
        Without parameters: Flask adds a charset to every text.
    """

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int

    def ask(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send an invocation on a connection of its own; where no answer comes, the status is 0."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.putrequest("POST", "/invocations", skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            media_type = (response.getheader("Content-Type") or "").partition(";")[0].strip()
            return Reply(response.status, media_type, response.read())
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, "", repr(error).encode())
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return is_healthy(self.port)


def serving(_place: Place) -> Sequence[str]:
    """Return the command line of this project's server."""
    return [sys.executable, "-m", "serving", "--host", "127.0.0.1"]


def sagemaker_containers(place: Place) -> Sequence[str]:
    """Return the command line of the scikit-learn image's server."""
    return [str(place.python.with_name("serve"))]


def sagemaker_inference(place: Place) -> Sequence[str]:
    """Return the command line of the server with sagemaker-inference's own handler, which needs java."""
    return [str(place.python), "-c", _MULTI_MODEL_SERVER]


@contextmanager
def running(place: Place, argv: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """Start a server on a folder with the model in model/, its /opt/ml; wait until it is ready.

    Raises
    ------
    JudgeError
        It does not start.
    """
    port, log = _free_port(), folder.with_suffix(".log")
    given = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", **variables, "SAGEMAKER_BIND_TO_PORT": str(port)}
    with Container(folder, place.command(argv, given), log) as container:
        server, deadline = Server(port), time.monotonic() + _START_SECONDS
        while not server.is_ready():
            if container.poll() is not None or time.monotonic() > deadline:
                raise JudgeError(f"{place.name}: {argv[0]} does not start:\n{end_of(log)}")
            time.sleep(0.1)
        yield server


def _free_port() -> int:
    """Return a port that is free at this moment, and that multi-model-server accepts."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = random.randrange(20_000, _MOST_OF_JAVA)
            probe.bind(("127.0.0.1", port))
            return port
