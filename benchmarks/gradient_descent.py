"""Gradient descent on many rows, compared with the alternatives.

For each size of the data: 15,001 updates of `pipelines.lr`'s LinearRegression, scikit-learn's LinearRegression, NumPy's
lstsq, the textbook's loop (a few updates timed, the rest extrapolated), and `numpy.sum(X)`: one pass over the data,
a lower bound for everything that reads them.

Each measurement is a process of its own, which creates the data (standard normal, float64), runs the method once on a
few rows to load what it needs, and then once on all. The methods take turns, so that a change of the machine's load
affects them all; the table gives the medians. Memory is the growth of the process's peak resident size, without the
data.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import description

N_UPDATES = 15_001
SIZES = ((1_000_000, 10), (10_000_000, 10), (1_000_000, 100))
QUICK_SIZES = ((20_000, 10), (200_000, 10), (20_000, 100))

_LOOPED_UPDATES = 3
_BLOCK = 10_000


@dataclass(frozen=True)
class Measurement:
    """One run of a method.

    Attributes
    ----------
    seconds : float
        Wall time.
    megabytes : float
        Growth of the process's peak resident size, in 10**6 bytes.
    coef : list of float
        The coefficients found; empty if the method does not return any.
    """

    seconds: float
    megabytes: float
    coef: list[float]


def make_data(n_samples: int, n_features: int) -> tuple[Any, Any]:
    """Create X and y block by block, so that no temporary array raises the memory to compare with."""
    generator = np.random.default_rng(0)
    coef = np.linspace(-1.0, 1.0, n_features)
    X, y = np.empty((n_samples, n_features)), np.empty(n_samples)
    for first in range(0, n_samples, _BLOCK):
        rows = X[first : first + _BLOCK]
        generator.standard_normal(out=rows)
        y[first : first + _BLOCK] = rows @ coef + generator.standard_normal(len(rows))
    return X, y


def gradient_descent(X: Any, y: Any) -> Any:
    from pipelines.lr.linear_regression import LinearRegression  # noqa: PLC0415 -- each process loads its own method only

    return LinearRegression(max_iter=N_UPDATES).fit(X, y).coef_


def scikit_learn(X: Any, y: Any) -> Any:
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415

    return LinearRegression().fit(X, y).coef_


def lstsq(X: Any, y: Any) -> Any:
    return np.linalg.lstsq(np.column_stack((X, np.ones(len(X)))), y, rcond=None)[0][:-1]


def textbook_loop(X: Any, y: Any) -> None:
    w = np.random.RandomState(0).normal(size=X.shape[1] + 1)
    for _ in range(_LOOPED_UPDATES):
        residuals = X @ w[:-1] + w[-1] - y
        w -= 0.1 * 2.0 / len(X) * np.append(X.T @ residuals, residuals.sum())


def one_pass(X: Any, y: Any) -> None:  # noqa: ARG001 -- a method takes the data, whatever it needs of them
    np.sum(X)


METHODS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "one_pass": ("one pass, `numpy.sum(X)`", one_pass),
    "gradient_descent": ("gradient descent, 15,001 updates", gradient_descent),
    "lstsq": ("`numpy.linalg.lstsq`", lstsq),
    "scikit_learn": ("scikit-learn `LinearRegression`", scikit_learn),
    "textbook_loop": ("textbook's loop, 15,001 updates, reckoned", textbook_loop),
}


def measure_here(method: str, n_samples: int, n_features: int) -> Measurement:
    """Run a method once in this process."""
    _, run = METHODS[method]
    X, y = make_data(n_samples, n_features)
    run(X[:1000], y[:1000])
    before = _peak_memory()
    start = time.perf_counter()
    coef = run(X, y)
    seconds = time.perf_counter() - start
    if run is textbook_loop:
        seconds *= N_UPDATES / _LOOPED_UPDATES
    return Measurement(seconds, _peak_memory() - before, [] if coef is None else coef.tolist())


def measure(method: str, n_samples: int, n_features: int) -> Measurement:
    """Run a method once in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gradient_descent", "--measure", method, str(n_samples), str(n_features)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Measurement(**json.loads(done.stdout))


def _peak_memory() -> float:
    """Return the peak resident size so far, in 10**6 bytes.

    From /proc, as getrusage's figure starts from that of the parent process.
    """
    with Path("/proc/self/status").open(encoding="ascii") as file:
        kibibytes = next(line.split()[1] for line in file if line.startswith("VmHWM"))
    return int(kibibytes) * 1024 / 1e6


def table(n_samples: int, n_features: int, runs: dict[str, list[Measurement]]) -> str:
    """Return the medians and their ratios as a Markdown table."""
    seconds = {method: statistics.median(run.seconds for run in runs[method]) for method in runs}
    lines = [
        f"### {n_samples:,} x {n_features}\n",
        "| method | seconds | in passes | in gradient descents | extra memory, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for method, measurements in runs.items():
        memory = statistics.median(run.megabytes for run in measurements)
        lines.append(
            f"| {METHODS[method][0]} | {_short(seconds[method])} | {_short(seconds[method] / seconds['one_pass'])} "
            f"| {_short(seconds[method] / seconds['gradient_descent'])} | {memory:.0f} |"
        )
    ours, exact = (np.array(runs[method][0].coef) for method in ("gradient_descent", "scikit_learn"))
    lines.append(f"\nGreatest difference from scikit-learn's coefficients: {np.abs(ours - exact).max():.1e}.\n")
    return "\n".join(lines)


def _short(number: float) -> str:
    """Format a number with three digits, or as an integer if it has more."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description="Compare gradient descent with other ways of fitting a line; prints Markdown tables.",
        epilog="The full run needs 4 GiB of memory and about five minutes; --quick a few seconds.",
    )
    parser.add_argument("--quick", action="store_true", help="small data: shows that it works, not how fast it is")
    parser.add_argument("--runs", type=int, default=3, help="runs of each method (3)")
    parser.add_argument("--measure", nargs=3, metavar=("METHOD", "ROWS", "COLUMNS"), help="one run, as JSON")
    options = parser.parse_args()
    if options.measure:
        method, n_samples, n_features = options.measure
        print(json.dumps(vars(measure_here(method, int(n_samples), int(n_features)))))
        return
    runs = f"medians of {options.runs} interleaved runs, each a process of its own"
    print(f"{description('numpy', 'scikit-learn')}; {runs}.\n", flush=True)
    for size in QUICK_SIZES if options.quick else SIZES:
        rounds = [{method: measure(method, *size) for method in METHODS} for _ in range(options.runs)]
        measured = {method: [one[method] for one in rounds] for method in METHODS}
        print(table(*size, measured), flush=True)


if __name__ == "__main__":
    main()
