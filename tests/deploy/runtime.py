"""An endpoint that answers as a test says: for functions that ask it, and have to word what may go wrong."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Runtime(ThreadingHTTPServer):
    """An endpoint that answers as it is told, in the order in which it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.slow_seconds, self.hang_ups = 0.0, 0

    def forget(self) -> None:
        """Begin anew."""
        self.answers.clear()
        self.asked.clear()
        self.slow_seconds, self.hang_ups = 0.0, 0

    def predict(self, *predictions: object) -> None:
        """Answer with predictions, as CSV."""
        self.answers.append((200, {"Content-Type": "text/csv"}, "\n".join(map(str, predictions)).encode()))

    def error(self, status: int, code: str, **members: Any) -> None:
        """Answer with an error, as SageMaker writes it."""
        self.answers.append((status, {"x-amzn-errortype": code}, {"Message": "m", **members}))


class Endpoint(BaseHTTPRequestHandler):
    """One connection to it."""

    protocol_version = "HTTP/1.1"
    server: Runtime

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        if self.server.slow_seconds:
            time.sleep(self.server.slow_seconds)
            self.close_connection = True
            return
        if self.server.hang_ups:
            self.server.hang_ups -= 1
            self.close_connection = True
            return
        status, headers, document = self.server.answers.pop(0)
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Runtime]:
    """An endpoint at a port of its own."""
    with Runtime() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
