"""Debian's Chromium, without a window: it opens a page, which reports what its script has found out."""

import json
import shutil
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

_SECONDS = 120
# None of the first asks anybody outside: the machine may have no network.
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


def report_of_page(html: str, host: str, folder: Path, names: tuple[str, ...] = ()) -> Any:
    """Serve a page, open it, and return what it posts to ``/report``, as JSON.

    Parameters
    ----------
    html : str
    host : str
        The page's host name; like `names` it means this machine, for the browser alone.
    folder : Path
        For the browser's profile.
    names : tuple of str
    """
    reports: Queue[Any] = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(html, reports))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rules = ",".join(f"MAP {name} 127.0.0.1" for name in (host, *names))
    command = [_chromium(), *_OPTIONS, f"--user-data-dir={folder}", f"--host-resolver-rules={rules}"]
    browser = subprocess.Popen(
        [*command, f"http://{host}:{server.server_port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return reports.get(timeout=_SECONDS)
    except Empty:
        raise AssertionError(f"the page reported nothing within {_SECONDS} s") from None
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
        server.server_close()


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise AssertionError("this test needs Chromium, which is not on PATH; Debian: apt-get install chromium")
    return found


def _handler(html: str, reports: "Queue[Any]") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(html.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(b"")
            reports.put(json.loads(body))

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_arguments: Any) -> None:
            """Print nothing."""

    return Handler


def filled(html: str, values: Mapping[str, str]) -> str:
    """Return a page with a constant in its script for each value."""
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
    return html.replace("<script>", f"<script>{constants}", 1)
