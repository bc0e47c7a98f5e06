"""A CSV body of 6 MB, as batch transform sends it: our server compared with polars in one process.

63,000 rows of ten features and the linear regression of `pipelines/lr`. On one side a POST over a keep-alive
connection, from the first byte sent to the last byte of the predictions read. On the other side, without HTTP or a
server: polars reads the same bytes, the same model predicts, polars writes the predictions. In turns; medians.

Target: the server takes at most 1.5 times as long.
"""

import argparse
import http.client
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars

from benchmarks.machine import description
from benchmarks.serving.process import running
from benchmarks.serving.servers import OURS, SERVERS
from benchmarks.serving.workloads import Workload, prepare

N_ROWS = 63_000
AIM = 1.5


def main() -> int:
    """Run the benchmark and print its table; return 1 if the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_batch", description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--runs", type=int, default=15, help="counted runs of each (default: %(default)s)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="serving-batch-") as folder:
        workload = prepare(Path(folder) / "models")[1]
        body = csv_body(workload.rows)
        with running(SERVERS[OURS], workload, 1, None, Path(folder) / "server") as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            ways = {
                "serving, over HTTP": lambda: ask(connection, body),
                "polars, in the process": ours_aside(workload, body),
            }
            first, second = (np.loadtxt(io.BytesIO(way())) for way in ways.values())
            np.testing.assert_allclose(first, second, rtol=1e-9)
            seconds = in_turns(ways, runs)
    return report(seconds, body, runs)


def csv_body(rows: np.ndarray) -> bytes:
    """Return `N_ROWS` rows, repeated, with enough digits for 6 MB."""
    text = "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows.tolist())
    lines = text.splitlines()
    return "".join(f"{lines[number % len(lines)]}\n" for number in range(N_ROWS)).encode()


def ask(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    """Return the server's predictions."""
    connection.request("POST", "/invocations", body, {"Content-Type": "text/csv", "Accept": "text/csv"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != http.client.OK:
        raise SystemExit(f"the server answered {response.status}: {answer[:300]!r}")
    return answer


def ours_aside(workload: Workload, body: bytes) -> Callable[[], bytes]:
    """Return a function that does the same work with polars, without a server."""
    sys.path.insert(0, str(workload.model_dir / "code"))
    import inference  # noqa: PLC0415 - it lies beside the model

    model: Any = inference.model_fn(str(workload.model_dir))

    def work() -> bytes:
        rows = polars.read_csv(body, has_header=False).to_numpy()
        written = io.BytesIO()
        polars.DataFrame({"prediction": model.predict(rows)}).write_csv(written, include_header=False)
        return written.getvalue()

    return work


def in_turns(ways: dict[str, Callable[[], bytes]], runs: int) -> dict[str, list[float]]:
    """Return the seconds of each way, run by run."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def report(seconds: dict[str, list[float]], body: bytes, runs: int) -> int:
    """Print the table."""
    print(f"{description('polars', 'numpy')}; {runs} counted runs of each, in turn; {len(body) / 1e6:.2f} MB.\n")
    print("| what | min ms | median ms | max ms |\n|---|---:|---:|---:|")
    for name, values in seconds.items():
        figures = [1000 * value for value in (min(values), statistics.median(values), max(values))]
        print(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
    served, aside = (statistics.median(values) for values in seconds.values())
    print(f"\nServing over polars: {served / aside:.2f} (target: at most {AIM})")
    return int(served / aside > AIM)


if __name__ == "__main__":
    sys.exit(main())
