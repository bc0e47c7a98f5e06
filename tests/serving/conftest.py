"""The real server as a real process, and real HTTP to it."""

import http.client
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Reply:
    """An HTTP response, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running server, with the log lines that it has written so far."""

    process: subprocess.Popen[str]
    port: int
    log: list[str] = field(default_factory=list)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        connection = self.connect()
        try:
            return ask(connection, method, path, body, **headers)
        finally:
            connection.close()

    def invoke(self, body: Any, content_type: str = "application/json", **headers: str) -> Reply:
        return self.request("POST", "/invocations", body, **{"Content-Type": content_type}, **headers)


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def write_model(folder: Path, script: str | None) -> Path:
    """Make a model directory with an inference.py and a NumPy model, y = 2 a + 3 b."""
    (folder / "code").mkdir(parents=True)
    (folder / "weights.txt").write_text("2 3")
    if script is not None:
        (folder / "code" / "inference.py").write_text(script)
    return folder


def command(model_dir: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "serving", "--model-dir", str(model_dir), "--host", "127.0.0.1", *options]


def environment(**variables: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SAGEMAKER_")}
    return {**kept, **variables}


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start a server on a script's text, or on a prepared model directory; all end with the module.

    One worker, unless the variables say otherwise: then it is known which one answers.
    """
    servers: list[Server] = []

    def _start(script: str | None = None, model_dir: Path | None = None, **variables: str) -> Server:
        variables = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"} | variables
        model_dir = model_dir or write_model(tmp_path_factory.mktemp("model") / "m", script)
        process = subprocess.Popen(
            command(model_dir, "--port", "0"), env=environment(**variables), stdout=subprocess.PIPE, text=True
        )
        server = Server(process, 0)
        servers.append(server)
        server.port = _port(server)
        return server

    yield _start
    for server in servers:
        server.process.kill()
        server.process.wait()


def _port(server: Server) -> int:
    """Follow the log in a thread, which also keeps the pipe from filling, and wait for the line that says ready."""
    ports: queue.Queue[int | None] = queue.Queue()

    def follow() -> None:
        assert server.process.stdout
        for line in server.process.stdout:
            server.log.append(line)
            if '"ready"' in line:
                ports.put(json.loads(line)["port"])
        ports.put(None)

    threading.Thread(target=follow, daemon=True).start()
    port = ports.get(timeout=60)
    assert port is not None, f"the server ended: {server.log}"
    return port


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files by their paths below `folder`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def refused(model_dir: Path, **variables: str) -> str:
    """What the server says on stderr when it does not start."""
    ended = subprocess.run(
        command(model_dir, "--port", "0"),
        check=False,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    return ended.stderr
