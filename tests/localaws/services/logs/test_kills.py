"""What PutLogEvents has acknowledged survives kill -9."""

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import free_ports, until
from tests.localaws.services.logs.conftest import now

GROUP = {"logGroupName": "g"}


def call(port: int, operation: str, **request: Any) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"X-Amz-Target": f"Logs_20140328.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        connection.request("POST", "/", json.dumps(request).encode(), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        assert response.status == http.client.OK, answer
        return answer
    finally:
        connection.close()


@contextlib.contextmanager
def server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The server of the services alone; killed in the end."""
    options = ["--port", str(port), "--state-dir", str(folder), "--endpoint-url", "http://127.0.0.1:9"]
    process = subprocess.Popen([sys.executable, "-m", "localaws.services", *options])

    def answers() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            call(port, "DescribeLogGroups")
            return True
        return False

    try:
        until(answers)
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    port, acknowledged = free_ports().services, list[str]()

    def write_on(stream: str) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in range(100_000):
                message = f"{stream} {number}"
                events = [{"timestamp": now(), "message": message}]
                call(port, "PutLogEvents", **GROUP, logStreamName=stream, logEvents=events)
                acknowledged.append(message)

    with server(tmp_path, port) as process:
        call(port, "CreateLogGroup", **GROUP)
        for stream in ("a", "b"):
            call(port, "CreateLogStream", **GROUP, logStreamName=stream)
        writers = [threading.Thread(target=write_on, args=(stream,)) for stream in ("a", "b")]
        for writer in writers:
            writer.start()
        until(lambda: len(acknowledged) > 100)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join()
    with server(tmp_path, port):
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = call(port, "FilterLogEvents", **GROUP, **token)
            found += [event["message"] for event in answer["events"]]
            if "nextToken" not in answer:
                break
            token = {"nextToken": answer["nextToken"]}
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
    assert len(found) - len(acknowledged) <= len(writers)  # what was written, and not yet said
