"""What metric data cost: written, asked for, and kept, in points a second, milliseconds and bytes.

Two parts, on this machine:

- points: a million or ten of them, in 1,000 metrics, a row for each metric and second, written in calls of 1,000 as
  PutMetricData brings them. Then a local AWS is started on the file, and asked as its users ask it. While it works out
  the largest query, another client makes small calls: none should wait 50 ms for it.
- day: an endpoint with 50 requests a second, behind an API, for a day: what its metrics take on the disk and in memory
  after each hour, with the rolling up that a day brings. The latencies of each second all differ.
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from localaws.ministack.cloudwatch.data.aggregate import single, together
from localaws.ministack.cloudwatch.data.distribution import RELATIVE_ERROR
from localaws.ministack.cloudwatch.data.metric import Datum, Metric, Scope, Window
from localaws.ministack.cloudwatch.data.statistic import statistic
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.settings import ACCOUNT_ID, REGION
from tests.conftest import LocalAws, local_aws_command, start_local_aws

OWN = Scope(ACCOUNT_ID, REGION)
METRICS, RATE = 1000, 50
PERCENTILES = ("p50", "p90", "p99")
# Metrics of a request: those that are always one value, and those that are durations.
_FLAT, _DURATIONS = 10 + 6 + 4, 4 + 2 + 1


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=float, default=1e6, help="how many are written (default: 1e6)")
    parser.add_argument("--hours", type=int, default=0, help="how many hours of a busy endpoint (default: none)")
    options = parser.parse_args()
    print(description())
    with tempfile.TemporaryDirectory() as folder:
        if options.hours:
            day(Path(folder), options.hours)
        else:
            points(Path(folder), int(options.points))


def points(folder: Path, number: int) -> None:
    """Write points, and ask a local AWS for them."""
    state_dir = folder / "state"
    start_local_aws(state_dir)  # and stopped again: a state folder is one that local AWS has made
    local_aws_command("stop", state_dir=state_dir)
    store_dir = state_dir / "ministack"
    store = MetricStore(store_dir / "metrics.sqlite")
    metrics = [Metric(OWN, "Benchmark", f"Metric{n:04}") for n in range(METRICS)]
    now, began = int(time.time()), time.perf_counter()
    for second in range(number // METRICS):
        moment, value = (now - second) * 1000, float(second % 97)
        store.write(Datum(metric, moment, single(value, 1.0), "None", 1) for metric in metrics)
    took = time.perf_counter() - began
    print(f"{number:,} points: {number / took:,.0f} a second written, ", end="")
    print(f"{size(store_dir) / 1e6:,.0f} MB on the disk, {memory(os.getpid()):.0f} MB in memory", flush=True)
    began = time.perf_counter()
    aws = start_local_aws(state_dir)
    try:
        print(f"local-aws start: {time.perf_counter() - began:.1f} s")
        ask(aws, number // METRICS)
    finally:
        local_aws_command("stop", state_dir=state_dir)


def ask(aws: LocalAws, seconds: int) -> None:
    """Time the calls, and others beside the largest."""
    cloudwatch, now = aws.client("cloudwatch"), time.time()
    before = memory(aws.pids()["ministack"])

    def data(number: int, stat: str) -> Callable[[], Any]:
        queries = [
            {"Id": f"m{n}", "MetricStat": {"Metric": metric(n), "Period": 60, "Stat": stat}} for n in range(number)
        ]
        times = {"StartTime": now - seconds - 60, "EndTime": now + 60}
        return lambda: cloudwatch.get_metric_data(MetricDataQueries=queries, **times)

    for name, call in (
        ("GetMetricData, 1 metric, Sum by minutes", data(1, "Sum")),
        ("GetMetricData, 1 metric, p99 by minutes", data(1, "p99")),
        ("GetMetricData, 100 metrics, Sum", data(100, "Sum")),
        ("ListMetrics, a page of 500", lambda: cloudwatch.list_metrics(Namespace="Benchmark")),
        ("PutMetricData, 1 datum", lambda: put(cloudwatch)),
    ):
        print(f"{name}: {least(call):.1f} ms")
    print(f"GetMetricData, 500 metrics, Sum: {least(data(500, 'Sum'), 3):.0f} ms; ", end="")
    waits = beside(aws, data(500, "Sum"))
    print(f"a call beside it: median {waits[len(waits) // 2]:.1f} ms, {waits[-1]:.1f} ms at most of {len(waits)}")
    print(f"local AWS's server: {before:.0f} MB before, {memory(aws.pids()['ministack']):.0f} MB after")


def metric(number: int) -> dict[str, str]:
    """Return a metric as queries name it."""
    return {"Namespace": "Benchmark", "MetricName": f"Metric{number:04}"}


def put(cloudwatch: Any) -> None:
    """Put a datum."""
    cloudwatch.put_metric_data(Namespace="Benchmark", MetricData=[{"MetricName": "Metric0000", "Value": 1.0}])


def beside(aws: LocalAws, call: Callable[[], Any]) -> list[float]:
    """Return how long small calls take while another is worked out, in milliseconds, in order."""
    cloudwatch, waits = aws.client("cloudwatch"), []
    cloudwatch.list_dashboards()
    working = multiprocessing.get_context("fork").Process(target=lambda: [call() for _ in range(3)])
    working.start()
    while working.is_alive():
        waits.append(milliseconds(cloudwatch.list_dashboards))
        time.sleep(0.005)
    return sorted(waits)


def least(call: Callable[[], Any], times: int = 20) -> float:
    """Return the median of some calls, in milliseconds."""
    return sorted(milliseconds(call) for _ in range(times))[times // 2]


def milliseconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def day(folder: Path, hours: int) -> None:
    """Report a busy endpoint's metrics for some hours, and roll them up each minute."""
    store, spread = MetricStore(folder / "metrics.sqlite"), random.Random(0)
    flat = [Metric(OWN, "AWS/SageMaker", f"Flat{n}") for n in range(_FLAT)]
    durations = [Metric(OWN, "AWS/SageMaker", f"Duration{n}") for n in range(_DURATIONS)]
    start, seen = int(time.time()) // 3600 * 3600, Counter[float]()
    for second in range(hours * 3600):
        moment = (start + second) * 1000
        latencies = [float(round(spread.lognormvariate(8, 0.5))) for _ in range(RATE)]
        seen.update(latencies)
        one, many = single(1.0, RATE), together(single(value, 1.0) for value in latencies)
        store.write(
            [Datum(each, moment, one, "Count", 1) for each in flat]
            + [Datum(each, moment, many, "Microseconds", 1) for each in durations]
        )
        if second % 60 == 0:
            for number in store.numbers():
                store.roll_up(number, start + second)
        if second % 3600 == 3599:
            print(f"hour {second // 3600 + 1:2d}: {size(folder) / 1e6:6.1f} MB on the disk, ", end="")
            print(f"{memory(os.getpid()):.0f} MB in memory", flush=True)
    of_day = Window(start * 1000, (start + hours * 3600) * 1000, hours * 3_600_000)
    [kept] = store.read(durations[0], of_day, values=True)["Microseconds"].values()
    exact = together(single(*each) for each in seen.items())
    for name in PERCENTILES:
        true, found = statistic(name).of(exact) or 0, statistic(name).of(kept) or 0
        print(f"{name}: {true:.1f}, kept as {found:.1f}, {found / true - 1:+.2%} (stated: {RELATIVE_ERROR:.0%})")
    print(f"{exact.count:,.0f} requests in {exact.count * (_FLAT + _DURATIONS):,.0f} values")


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def memory(pid: int) -> float:
    """Return the memory of a process, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
