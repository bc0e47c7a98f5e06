"""CloudWatch Logs with a gigabyte of lines: what writing costs, and what queries cost then.

Log lines of 100 bytes are written through the API, in batches as a job's log is, into one group: half of them into one
stream, the rest into a hundred. Every tenth of the way the lines per second are noted: they should not fall. Then each
query is timed as a client sees it, its first page; and the memory of the server is read.

Clients speak HTTP themselves, without boto3, whose own work would hide the server's.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.control_plane import free_port, running
from benchmarks.machine import description

LINE_BYTES = 100
BATCH = 8_000
STREAMS = 100
PARTS = 10
REPEATS = 7
GROUP = "/benchmark"
RARE_EVERY = 1_000


def main() -> None:
    """Write, query, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000_000, help="lines to write (default: %(default)s)")
    lines = parser.parse_args().lines
    print(description())
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        options = ["--port", str(port), "--state-dir", folder, "--endpoint-url", "http://127.0.0.1:9"]
        with running([sys.executable, "-m", "localaws.services", *options], port):
            client = Client(port)
            start = int(time.time() * 1000) - 3_600_000
            print_writes(client, lines, start)
            files = sum(path.stat().st_size for path in Path(folder).rglob("events.sqlite*"))
            print(f"\n{files / 1e6:,.0f} MB of files; the server has {memory(port)} MB of memory.")
            print_queries(client, start)
            print(f"\nThe server has {memory(port)} MB of memory.")


class Client:
    """Calls of CloudWatch Logs.

    Parameters
    ----------
    port : int
        The server's.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"Logs_20140328.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request,"
            " SignedHeaders=host, Signature=0",
        }
        self._connection.request("POST", "/", json.dumps(request).encode(), headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{operation}: {response.status} {body[:300]!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer


def print_writes(client: Client, lines: int, start: int) -> None:
    """Write everything, an hour's lines, and print how fast."""
    client.call("CreateLogGroup", logGroupName=GROUP)
    names = ["large", *(f"small-{number:03}" for number in range(STREAMS))]
    for name in names:
        client.call("CreateLogStream", logGroupName=GROUP, logStreamName=name)
    print(f"\n{lines:,} lines of {LINE_BYTES} bytes, batches of {BATCH:,}.\n")
    print("| lines there | written, lines/s |\n|---:|---:|")
    batches, written = lines // BATCH, 0
    for part in range(PARTS):
        seconds, before = 0.0, written
        for batch in range(batches * part // PARTS, batches * (part + 1) // PARTS):
            stream = "large" if batch % 2 else names[1 + batch // 2 % STREAMS]
            at = start + 3_500_000 * batch // batches
            events = [{"timestamp": at, "message": line(batch * BATCH + number)} for number in range(BATCH)]
            began = time.perf_counter()
            client.call("PutLogEvents", logGroupName=GROUP, logStreamName=stream, logEvents=events)
            seconds += time.perf_counter() - began
            written += BATCH
        print(f"| {before:,} | {(written - before) / seconds:,.0f} |", flush=True)


def line(number: int) -> str:
    """Return a log line; one of a thousand is an error."""
    level = "ERROR" if number % RARE_EVERY == 0 else "INFO"
    return f"{level} request {number} took {number % 997} ms ".ljust(LINE_BYTES, "x")


def print_queries(client: Client, start: int) -> None:
    """Print what a page of each query takes."""
    group, middle = {"logGroupName": GROUP}, start + 1_750_000
    queries: dict[str, tuple[str, dict[str, Any]]] = {
        "GetLogEvents, the last page": ("GetLogEvents", {"logStreamName": "large", "limit": 100}),
        "GetLogEvents, the first page": (
            "GetLogEvents",
            {"logStreamName": "large", "limit": 100, "startFromHead": True},
        ),
        "FilterLogEvents, a stream's prefix": ("FilterLogEvents", {"logStreamNamePrefix": "small-042", "limit": 100}),
        "FilterLogEvents, a second in the middle": (
            "FilterLogEvents",
            {"startTime": middle, "endTime": middle + 1_000, "limit": 100},
        ),
        "FilterLogEvents, all streams": ("FilterLogEvents", {"limit": 100}),
        "FilterLogEvents, one line in a thousand": ("FilterLogEvents", {"filterPattern": "ERROR", "limit": 100}),
        "FilterLogEvents, nothing": ("FilterLogEvents", {"filterPattern": "nowhere"}),
        "DescribeLogStreams": ("DescribeLogStreams", {}),
        "PutLogEvents of one line": (
            "PutLogEvents",
            {"logStreamName": "small-000", "logEvents": [{"timestamp": int(time.time() * 1000), "message": "m"}]},
        ),
    }
    print(
        f"\nA page of each, {REPEATS} times, milliseconds.\n\n| query | events | median | max |\n|---|---:|---:|---:|"
    )
    for name, (operation, request) in queries.items():
        times, events = [], 0
        for _ in range(REPEATS):
            began = time.perf_counter()
            answer = client.call(operation, **group, **request)
            times.append(1000 * (time.perf_counter() - began))
            events = len(answer.get("events", ()))
        print(f"| {name} | {events} | {statistics.median(times):.1f} | {max(times):.1f} |", flush=True)


def memory(port: int) -> int:
    """Return the megabytes of memory of the server on a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/health")
    pid = json.loads(connection.getresponse().read())["pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    [resident] = [text for text in status.splitlines() if text.startswith("VmRSS")]
    return int(resident.split()[1]) // 1000


if __name__ == "__main__":
    main()
