"""What a large state costs, and whether anything of it is lost: logs, metric data, stacks, and kills at random moments.

First with an empty state, then after `--stacks` stacks, `--log-megabytes` of log lines and `--data-points` data points:

- PutParameter as one client sees it, and how long after its acknowledgement the parameter is in the state's file,
- writes a second of eight clients,
- `local-aws start`, after `local-aws stop` and after kill -9.

Then kill -9 of everything, `--kills` times, at random moments of a stack's creation, update or deletion (a queue, a
parameter, a function, a CodeBuild project, a model, its configuration and its endpoint). After each, what the stack and
the acknowledgements say is compared with what exists: the exit code is 1 if they differ.
"""

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from tests.conftest import LocalAws, local_aws_command, start_local_aws, wait_until_gone
from tests.localaws.killed_stacks import KilledStack
from tests.localaws.saved import wait_until_on_disk

CLIENTS = 8
_CALLS = 200
_DISK_TRIES = 20
_LINE = "x" * 200
_LINES_A_REQUEST = 4_000  # of 10,000 and a megabyte at most
_POINTS_A_REQUEST = 1_000
_LATEST_KILL_SECONDS = 3.0


def main() -> int:
    """Run everything; return 1 if a kill made something lie."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stacks", type=int, default=200, help="(default: %(default)s)")
    parser.add_argument("--log-megabytes", type=int, default=1_000, help="(default: %(default)s)")
    parser.add_argument("--data-points", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--kills", type=int, default=50, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the kills' moments (default: %(default)s)")
    options = parser.parse_args()
    print(description("ministack"))
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        try:
            aws = start_local_aws(state_dir)
            print(f"\n{'state':>8} | {' | '.join(_FIGURES)}", flush=True)
            aws = measure("empty", aws, state_dir)
            began = time.monotonic()
            fill(aws, options)
            print(f"filled in {time.monotonic() - began:.0f} s: {_disk_megabytes(state_dir):.0f} MB", flush=True)
            aws = measure("large", aws, state_dir)
            return run_kills(aws, state_dir, options.kills, random.Random(options.seed))
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


_FIGURES = (
    "PutParameter median, p99 ms",
    "on disk after median, max s",
    "writes/s",
    "MB of memory",
    "start after stop, kill -9 s",
)


def measure(what: str, aws: LocalAws, state_dir: Path) -> LocalAws:
    """Print a row of figures; return the local AWS that was started last."""
    ssm, prefix = aws.client("ssm"), f"/{what}"
    taken = sorted(_timed(lambda number=number: _put(ssm, f"{prefix}/one/{number}")) for number in range(_CALLS))
    on_disk = [_seconds_to_disk(aws, f"{prefix}/disk/{number}") for number in range(_DISK_TRIES)]
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda client: _put_many(aws, f"{prefix}/{client}"), range(CLIENTS)))
    rate = CLIENTS * _CALLS / (time.perf_counter() - began)
    memory = _memory_megabytes(aws.pids()["ministack"])
    local_aws_command("stop", state_dir=state_dir)
    aws, after_stop = _start(state_dir)
    pids = aws.pids().values()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until_gone(pids)
    aws, after_kill = _start(state_dir)
    figures = (
        f"{statistics.median(taken) * 1e3:.1f}, {taken[int(len(taken) * 0.99)] * 1e3:.1f}",
        f"{statistics.median(on_disk):.2f}, {max(on_disk):.2f}",
        f"{rate:.0f}",
        f"{memory:.0f}",
        f"{after_stop:.1f}, {after_kill:.1f}",
    )
    print(f"{what:>8} | {' | '.join(figures)}", flush=True)
    return aws


def fill(aws: LocalAws, options: argparse.Namespace) -> None:
    """Make stacks, log lines and data points."""
    logs, cloudwatch = aws.client("logs"), aws.client("cloudwatch")
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda number: _make_stack(aws, number), range(options.stacks)))
        logs.create_log_group(logGroupName="/large")
        for stream in range(CLIENTS):
            logs.create_log_stream(logGroupName="/large", logStreamName=str(stream))
        requests = options.log_megabytes * 1_000_000 // (_LINES_A_REQUEST * len(_LINE))
        list(pool.map(lambda number: _put_lines(logs, str(number % CLIENTS)), range(requests)))
        list(pool.map(lambda number: _put_points(cloudwatch, number), range(options.data_points // _POINTS_A_REQUEST)))


def run_kills(aws: LocalAws, state_dir: Path, kills: int, chance: random.Random) -> int:
    """Kill everything so often; return the exit code."""
    if not kills:
        return 0
    running = [aws]
    stack = KilledStack(lambda: running.pop() if running else start_local_aws(state_dir))
    lies = 0
    for number in range(1, kills + 1):
        operation = stack.next_operation(chance)
        # As often before the answer, or just after it, as in the middle.
        moment = chance.uniform(0, chance.choice((0.3, _LATEST_KILL_SECONDS)))
        stack.operate_and_be_killed(operation, moment)
        found = stack.lies()
        lies += bool(found)
        print(f"{number:3d}  {operation} killed after {moment:.2f} s: {'; '.join(found) or 'no lie'}", flush=True)
    print(f"{kills} kills, {lies} with a lie")
    return 1 if lies else 0


def _make_stack(aws: LocalAws, number: int) -> None:
    client, name = aws.client("cloudformation"), f"stack-{number}"
    parts = {
        f"{kind}{each}": {"Type": f"AWS::{service}::{kind}", "Properties": properties}
        for each in range(5)
        for service, kind, properties in (
            ("SQS", "Queue", {"QueueName": f"{name}-{each}"}),
            ("SNS", "Topic", {"TopicName": f"{name}-{each}"}),
            ("SSM", "Parameter", {"Name": f"/{name}/{each}", "Type": "String", "Value": _LINE}),
        )
    }
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": parts}))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def _put_lines(logs: Any, stream: str) -> None:
    now = int(time.time() * 1000)
    lines = [{"timestamp": now, "message": _LINE}] * _LINES_A_REQUEST
    logs.put_log_events(logGroupName="/large", logStreamName=stream, logEvents=lines)


def _put_points(cloudwatch: Any, number: int) -> None:
    dimensions = [{"Name": "Series", "Value": str(number % 100)}]
    began = time.time() - _POINTS_A_REQUEST * (number // 100 + 1)
    data = [
        {"MetricName": "Value", "Dimensions": dimensions, "Timestamp": began + second, "Value": float(second)}
        for second in range(_POINTS_A_REQUEST)
    ]
    cloudwatch.put_metric_data(Namespace="Large", MetricData=data)


def _put_many(aws: LocalAws, prefix: str) -> None:
    ssm = aws.client("ssm")
    for number in range(_CALLS):
        _put(ssm, f"{prefix}/{number}")


def _put(ssm: Any, name: str) -> None:
    ssm.put_parameter(Name=name, Value=_LINE, Type="String")


def _seconds_to_disk(aws: LocalAws, name: str) -> float:
    """How long after its acknowledgement a parameter is in the state's file."""
    _put(aws.client("ssm"), name)
    began = time.monotonic()
    wait_until_on_disk(aws, name)
    return time.monotonic() - began


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _start(state_dir: Path) -> tuple[LocalAws, float]:
    began = time.perf_counter()
    aws = start_local_aws(state_dir)
    return aws, time.perf_counter() - began


def _memory_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _disk_megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
