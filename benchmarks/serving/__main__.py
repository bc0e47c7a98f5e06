"""``python -m benchmarks.serving``: the whole comparison, or a part of it."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks.machine import description
from benchmarks.serving import environment, report, rounds, workloads, wrk
from benchmarks.serving.process import StartError
from benchmarks.serving.servers import SERVERS, Server

_CONNECTIONS = (1, 8, 64)


def main() -> int:
    """Run the comparison; return 1 if a server was left out, otherwise 0."""
    options = _parser().parse_args()
    console = Console(stderr=True)
    try:
        wrk.find()
        with tempfile.TemporaryDirectory(prefix="serving-") as folder:
            return _compare(options, Path(folder), console)
    except (wrk.LoadError, StartError) as error:
        console.print(f"benchmarks.serving: {error}", style="red", markup=False)
        return 1


def _compare(options: argparse.Namespace, folder: Path, console: Console) -> int:
    with console.status("training the models") as status:
        models = [one for one in workloads.prepare(folder / "models") if one.name in options.workloads]
        environments, left_out = install(options.servers, options.cache, status.update)
        plan = rounds.Plan(environments, models, options.connections, options.rounds, options.seconds, options.workers)
        plan, wrong = rounds.check(plan, folder, status.update)
        left_out += wrong
        for reason in left_out:
            console.print(f"left out: {reason}", style="yellow", markup=False)
        results = rounds.run(plan, folder, status.update)
    parts = [
        f"{description()}; {plan.workers} workers each; medians of {plan.rounds} interleaved rounds of "
        f"{plan.seconds:g} s a point.",
        *(f"Left out: {reason.splitlines()[0]}" for reason in left_out),
        *report.tables(plan, results),
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)
    return 1 if left_out else 0


def install(names: list[str], cache: Path, say: Callable[[str], None]) -> tuple[dict[str, Path | None], list[str]]:
    """Return each server's environment, and the reasons for those that are missing."""
    environments: dict[str, Path | None] = {}
    missing = []
    for name in names:
        server = SERVERS[name]
        say(f"installing {name}")
        try:
            _check_programs(name, server)
            requirements = server.requirements
            environments[name] = environment.ensure(cache, name, requirements) if requirements else None
        except OSError as error:
            missing.append(str(error))
    return environments, missing


def _check_programs(name: str, server: Server) -> None:
    for program, package in server.debian.items():
        if not shutil.which(program, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])):
            raise FileNotFoundError(f"{name} needs {program}: apt-get install -y {package}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), metavar="NAME")
    parser.add_argument("--workloads", nargs="+", choices=["json", "csv"], default=["json", "csv"], metavar="NAME")
    parser.add_argument("--connections", nargs="+", type=int, default=_CONNECTIONS, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of load at each point (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="workers of each server (%(default)s)")
    parser.add_argument("--cache", type=Path, default=environment.default_cache(), help="environments (%(default)s)")
    parser.add_argument("--output", type=Path, help="also write the tables to this file, in Markdown")
    parser.epilog = f"Servers: {', '.join(SERVERS)}."
    return parser


if __name__ == "__main__":
    sys.exit(main())
