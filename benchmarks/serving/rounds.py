"""The interleaved rounds: in each, every server in turn is started, warmed up, loaded, measured and stopped.

So other activity on the machine affects all of them, and each start is a measurement of its own.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.serving import wrk
from benchmarks.serving.process import StartError, running
from benchmarks.serving.servers import SERVERS
from benchmarks.serving.workloads import Workload

WARM_UP_SECONDS = 2
WARM_UP_CONNECTIONS = 8


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Attributes
    ----------
    environments : mapping of str to Path or None
        The servers that take part, each with its virtual environment.
    """

    environments: dict[str, Path | None]
    workloads: Sequence[Workload]
    connections: Sequence[int]
    rounds: int
    seconds: float
    workers: int


@dataclass
class Measured:
    """The measurements of one server on one workload: a value for each round."""

    loads: dict[int, list[wrk.Load]] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)

    def rate(self, connections: int) -> float:
        """Return the requests per second."""
        return statistics.median(load.rate for load in self.loads[connections])

    def p50_us(self, connections: int) -> float:
        """Return the median latency."""
        return statistics.median(load.p50_us for load in self.loads[connections])

    def p99_us(self, connections: int) -> float:
        """Return the latency that one request in a hundred exceeds."""
        return statistics.median(load.p99_us for load in self.loads[connections])

    def errors(self, connections: int) -> int:
        """Return the errors of all rounds."""
        return sum(load.errors for load in self.loads[connections])


Results = dict[tuple[str, str], Measured]


def check(plan: Plan, folder: Path, say: Callable[[str], None]) -> tuple[Plan, list[str]]:
    """Have every server answer every workload once; return the plan without those that fail, and their messages."""
    wrong = {}
    for name in plan.environments:
        say(f"checking {name}")
        try:
            for workload in plan.workloads:
                place = folder / f"check-{name}-{workload.name}"
                with running(SERVERS[name], workload, plan.workers, plan.environments[name], place):
                    pass
        except StartError as error:
            wrong[name] = str(error)
    right = {name: environment for name, environment in plan.environments.items() if name not in wrong}
    return replace(plan, environments=right), list(wrong.values())


def run(plan: Plan, folder: Path, say: Callable[[str], None]) -> Results:
    """Run all rounds; return the measurements by server and workload."""
    results: Results = {(name, workload.name): Measured() for name in plan.environments for workload in plan.workloads}
    for number in range(1, plan.rounds + 1):
        for name in plan.environments:
            for workload in plan.workloads:
                place = folder / f"{number}-{name}-{workload.name}"
                say(f"round {number} of {plan.rounds}: {name}, {workload.name}")
                _measure(plan, name, workload, place, results[name, workload.name])
    return results


def _measure(plan: Plan, name: str, workload: Workload, folder: Path, measured: Measured) -> None:
    server = SERVERS[name]
    request = server.request(workload)
    with running(server, workload, plan.workers, plan.environments[name], folder) as process:
        wrk.load(process.port, request, WARM_UP_CONNECTIONS, WARM_UP_SECONDS, folder)
        for connections in plan.connections:
            load = wrk.load(process.port, request, connections, plan.seconds, folder)
            measured.loads.setdefault(connections, []).append(load)
        measured.memory_mb.append(process.memory_mb())
        measured.start_seconds.append(process.start_seconds)
