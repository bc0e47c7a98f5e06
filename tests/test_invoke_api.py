"""invoke_api.py with records of another model than the sample's."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "invoke_api.py"


class Sums(BaseHTTPRequestHandler):
    """An API whose model adds two numbers."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        rows = json.loads(body)["x"]
        right = all(len(row) == 2 for row in rows)
        sums = ["much" if sum(row) > 99 else sum(row) for row in rows]
        answer = json.dumps((sums if self.path == "/batch" else sums[0]) if right else {"message": "2 expected"})
        self.send_response(200 if right else 400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sums) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def invoke(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--url", url, "--api-key", "key", "--calls", "3", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ})


def test_records_of_ones_own_are_sent(url: str, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text("1,2\n\n3,4\n")
    done = invoke(url, "--records", str(file))
    assert done.returncode == 0, done.stderr
    assert "/stream  3.0 for x = [[1.0, 2.0]]\n/batch   2 predictions\nLatency" in done.stdout


def test_a_target_is_compared_with(url: str, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text("a,y,b\n1,3,2\n3,8,4\n")
    done = invoke(url, "--records", str(file), "--target-column", "y")
    assert done.returncode == 0, done.stderr
    assert "/batch   2 predictions, R2 0.9200 on the test set\n" in done.stdout


def test_one_record_has_no_r2(url: str, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text("a,y,b\n1,3,2\n")
    assert "R2 nan" in invoke(url, "--records", str(file), "--target-column", "y").stdout


def test_labels_have_no_r2(url: str, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text("a,y,b\n100,1,2\n")
    done = invoke(url, "--records", str(file), "--target-column", "y")
    assert (done.returncode, "a prediction is 'much'" in done.stderr) == (1, True), done.stderr


def test_the_samples_records_are_refused_with_what_to_do(url: str) -> None:
    done = invoke(url)
    assert done.returncode == 1
    assert "/stream answered 400 (2 expected): " in done.stderr
    assert "--records FILE" in done.stderr


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n", (), "could not convert string to float: 'a'; a header is read where --target-column"),
        ("a,b\n1,2\n", ("--target-column", "y"), "has no column 'y'; it has a, b"),
        ("a,b\n", ("--target-column", "b"), "has no record"),
        ("a,b\n1\n", ("--target-column", "b"), "records are lines of numbers"),
        (None, (), "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(
    url: str, tmp_path: Path, text: str | None, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "records.csv"
    if text is not None:
        file.write_text(text)
    done = invoke(url, "--records", str(file), *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
