"""The tables, in Markdown: one for each workload, then memory and startup time, then the ratios."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.serving.rounds import Measured, Plan, Results
from benchmarks.serving.servers import ECHO, MMS, OURS, SERVERS
from benchmarks.serving.workloads import Workload


def tables(plan: Plan, results: Results) -> Iterator[str]:
    """Yield the report's parts, each a table or a paragraph."""
    for workload in plan.workloads:
        yield f"### {workload.title}\n\n{speed(plan, results, workload)}"
    yield f"### Memory and start\n\n{cost(plan, results)}"
    if OURS in plan.environments:
        yield f"### Ratios\n\n{ratios(plan, results)}"


def speed(plan: Plan, results: Results, workload: Workload) -> str:
    """Return requests per second, latencies and errors at each number of connections."""
    counts = [str(count) for count in plan.connections]
    heads = [*(f"{what} at {count}" for what in ("req/s", "p50 us", "p99 us") for count in counts), "errors"]
    rows = []
    for name in plan.environments:
        measured = results[name, workload.name]
        figures = [
            *(measured.rate(count) for count in plan.connections),
            *(measured.p50_us(count) for count in plan.connections),
            *(measured.p99_us(count) for count in plan.connections),
            sum(measured.errors(count) for count in plan.connections),
        ]
        rows.append([SERVERS[name].title, *(f"{figure:,.0f}" for figure in figures)])
    return _table(["server", *heads], rows)


def cost(plan: Plan, results: Results) -> str:
    """Return the memory after the load and the seconds to the first correct answer, for the first workload."""
    rows = []
    for name in plan.environments:
        measured = results[name, plan.workloads[0].name]
        memory = statistics.median(measured.memory_mb)
        start = statistics.median(measured.start_seconds)
        title = SERVERS[name].title
        rows.append([title, f"{memory:,.0f}", f"{memory / plan.workers:,.0f}", f"{start:.2f}"])
    return _table(["server", "memory MB", "per worker MB", "start to first answer s"], rows)


def ratios(plan: Plan, results: Results) -> str:
    """Return the ratios of our server to each peer, to the best ready-made model server, and to the echo."""
    rows = []
    for workload in plan.workloads:
        ours = results[OURS, workload.name]
        for name in plan.environments:
            if name != OURS and not SERVERS[name].echoes:
                theirs = results[name, workload.name]
                rows.append(_row(workload, f"req/s over {name}", _rates(plan, ours, [theirs])))
        ready_made = [results[name, workload.name] for name in plan.environments if SERVERS[name].ready_made]
        if ready_made:
            title = "req/s over the best ready-made model server"
            rows.append(_row(workload, title, _rates(plan, ours, ready_made)))
        if ECHO in plan.environments:
            echo = results[ECHO, workload.name]
            beside = [ours.p50_us(count) / echo.p50_us(count) for count in plan.connections]
            rows.append(_row(workload, "p50 over echo's", beside))
    heads = [f"at {count}" for count in plan.connections]
    text = _table(["workload", "ours", *heads], rows)
    if MMS in plan.environments:
        first = plan.workloads[0].name
        share = _memory(results[OURS, first]) / _memory(results[MMS, first])
        text += f"\n\nMemory per worker over {MMS}'s: {share:.2f}."
    return text


def _rates(plan: Plan, ours: Measured, theirs: Sequence[Measured]) -> list[float]:
    return [ours.rate(count) / max(one.rate(count) for one in theirs) for count in plan.connections]


def _row(workload: Workload, title: str, values: Sequence[float]) -> list[str]:
    return [workload.name, title, *(f"{value:.2f}" for value in values)]


def _memory(measured: Measured) -> float:
    return statistics.median(measured.memory_mb)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
