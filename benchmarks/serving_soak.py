"""The model server under steady load for a long time: no errors, no growth of memory, no slower answers.

1. The peak: wrk with 64 connections, each sending as soon as it is answered.
2. Fewer connections, each sending as soon as it is answered, that together reach the wanted share of the peak. Their
   number is found by trying, and is adjusted to the rate every ten seconds. Timers that pace connections cost wrk so
   much that on few cores it does not reach such a rate.
3. That load in periods of ten seconds, for as many minutes as wanted; the proportional set size of all processes in
   the middle of each period, the 99th percentile and the errors of each.

Exits with 1 if there was an error, if the wanted rate was missed by more than 5 %, if memory grew by more than 5 %
after the first minute, or if the last quarter's p99 is more than a quarter above the first quarter's.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.machine import description
from benchmarks.serving import wrk
from benchmarks.serving.process import Running, running
from benchmarks.serving.servers import OURS, SERVERS
from benchmarks.serving.workloads import Request, prepare

PEAK_CONNECTIONS = 64
PERIOD_SECONDS = 10
MOST_GROWTH = 0.05
MOST_MISSED = 0.05
MOST_P99_RISE = 0.25
_TRIES = 5
_TRY_SECONDS = 3
_FIRST_MINUTE = 60 // PERIOD_SECONDS


@dataclass(frozen=True)
class Period:
    """The measurements of ten seconds."""

    load: wrk.Load
    memory_mb: float


def main() -> int:
    """Soak the server and print the measurements; return 1 if a requirement is not met."""
    options = _parser().parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="serving-soak-") as folder:
        workload = prepare(Path(folder) / "models")[0]
        request = SERVERS[OURS].request(workload)
        with (
            running(SERVERS[OURS], workload, options.workers, None, Path(folder) / "server") as server,
            console.status("looking for the peak") as status,
        ):
            place = Path(folder)
            wrk.load(server.port, request, PEAK_CONNECTIONS, _TRY_SECONDS, place)
            peak = wrk.load(server.port, request, PEAK_CONNECTIONS, PERIOD_SECONDS, place).rate
            connections = fewer_connections(server, request, options.share * peak, place)
            periods: list[Period] = []
            count = max(2, round(options.minutes * 60 / PERIOD_SECONDS))
            while len(periods) < count:
                periods.append(soak(server, request, connections, place))
                connections = adjusted(connections, options.share * peak, periods[-1].load.rate)
                status.update(f"{len(periods)} of {count}: {told(periods[-1])}")
    return report(options, peak, connections, periods)


def fewer_connections(server: Running, request: Request, rate: float, folder: Path) -> int:
    """Return how many connections reach this rate."""
    connections = PEAK_CONNECTIONS // 2
    for _ in range(_TRIES):
        seen = wrk.load(server.port, request, connections, _TRY_SECONDS, folder).rate
        connections = adjusted(connections, rate, seen)
    return connections


def adjusted(connections: int, wanted: float, seen: float) -> int:
    """Return the number of connections that brings the rate nearer to `wanted`; the rate grows far more slowly."""
    return min(PEAK_CONNECTIONS, max(1, round(connections * (wanted / seen) ** 2)))


def soak(server: Running, request: Request, connections: int, folder: Path) -> Period:
    """Load the server for ten seconds, and measure its memory in the middle."""
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(wrk.load, server.port, request, connections, PERIOD_SECONDS, folder)
        try:
            load.result(timeout=PERIOD_SECONDS / 2)
        except TimeoutError:
            memory_mb = server.memory_mb()
        return Period(load.result(), memory_mb)


def told(period: Period) -> str:
    """Return a period as one line."""
    load = period.load
    return f"{load.rate:,.0f} req/s, p99 {load.p99_us:,.0f} us, {load.errors} errors, {period.memory_mb:.1f} MB"


def report(options: argparse.Namespace, peak: float, connections: int, periods: Sequence[Period]) -> int:
    """Print the table and the requirements that are not met."""
    quarter = max(1, len(periods) // 4)
    errors = sum(period.load.errors for period in periods)
    growth = growth_of(periods)
    p99 = [statistics.median(one.load.p99_us for one in part) for part in (periods[:quarter], periods[-quarter:])]
    rate = statistics.median(period.load.rate for period in periods)
    print(f"{description()}; {options.workers} workers, {connections} connections, {options.minutes:g} minutes.\n")
    print("| what | seen | demanded |\n|---|---:|---:|")
    print(f"| peak, req/s | {peak:,.0f} | |")
    print(f"| rate, req/s (share of the peak) | {rate:,.0f} ({rate / peak:.0%}) | {options.share:.0%} |")
    print(f"| errors | {errors} | 0 |")
    print(
        f"| memory at the end, MB (growth since the first minute) | {periods[-1].memory_mb:.1f} ({growth:+.1%}) | ",
        end="",
    )
    print(f"at most {MOST_GROWTH:+.0%} |")
    print(f"| p99 us, first quarter, last quarter | {p99[0]:,.0f}, {p99[1]:,.0f} | at most {MOST_P99_RISE:+.0%} |")
    missed = rate < options.share * peak * (1 - MOST_MISSED)
    return int(missed or errors > 0 or growth > MOST_GROWTH or p99[1] > p99[0] * (1 + MOST_P99_RISE))


def growth_of(periods: Sequence[Period]) -> float:
    """Return the relative growth of memory from the end of the first minute to the end; medians of three periods."""
    first = min(_FIRST_MINUTE, len(periods) // 4)
    before = statistics.median(period.memory_mb for period in periods[first : first + 3])
    return statistics.median(period.memory_mb for period in periods[-3:]) / before - 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="minutes of steady load (%(default)s)")
    parser.add_argument("--share", type=float, default=0.8, help="share of the peak (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="workers of the server (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
