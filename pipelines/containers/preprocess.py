"""Split raw CSV files into a training and a test set: the processing job before training.

Every `*.csv` under the input folder, subfolders too, is read in name order as if they were one table. Each has a header
line; the columns may stand in another order in each. The last `--test-rows` rows of the table are the test set, or,
with `--random-state`, so many rows drawn at random (for data that are sorted by what is predicted); the others are the
training set. Both are written with a header line, the features in the order of `--feature-columns`, the target last:

    output/train/train.csv    output/test/test.csv

Every number is written as the shortest text that reads back as the same float64 (Python's `repr`), so nothing is lost.
With `--labels` the target is a text, else a number.
The rows stream through; only the test set is held in memory, whatever the size of the input.

All wrong cells are counted and the first few named by file, row and column before anything is kept. The reason of a
failure goes to /opt/ml/output/message, from where SageMaker takes a processing job's ExitMessage. Nothing but the
standard library is imported: the script is done before NumPy would be.
"""

import argparse
import csv
import math
import random
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO

import job

Row = list[float | str]

_PROBLEMS_SHOWN = 5


@dataclass
class Problems:
    """What is wrong with the input: the first few in words, all of them counted."""

    shown: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, problem: str) -> None:
        self.count += 1
        if len(self.shown) < _PROBLEMS_SHOWN:
            self.shown.append(problem)

    def refuse(self) -> None:
        """Raise ValueError if there are any."""
        if self.count:
            more = f"; and {self.count - len(self.shown)} more" if self.count > len(self.shown) else ""
            raise ValueError(f"{self.count} problem(s) in the input: {'; '.join(self.shown)}{more}")


@dataclass(frozen=True)
class Columns:
    """The columns to keep.

    Attributes
    ----------
    names : sequence of str
        The target last.
    labels : bool
        Whether the target is a text.
    """

    names: Sequence[str]
    labels: bool


class TestSet(Protocol):
    """Chooses the test set out of rows that stream by."""

    def put(self, row: Row) -> Row | None:
        """Take a row; return one that is not in the test set after all."""

    def rows(self) -> Iterable[Row]:
        """Return the test set."""


class LastRows:
    """The rows at the end."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._rows: deque[Row] = deque()

    def put(self, row: Row) -> Row | None:
        self._rows.append(row)
        return self._rows.popleft() if len(self._rows) > self._count else None

    def rows(self) -> Iterable[Row]:
        return self._rows


class RandomRows:
    """Rows drawn with equal chances, in one pass: Vitter (1985), "Random Sampling with a Reservoir", algorithm R."""

    def __init__(self, count: int, random_state: int) -> None:
        self._count = count
        self._random = random.Random(random_state)  # noqa: S311 -- a sample, no secret
        self._rows: list[Row] = []
        self._seen = 0

    def put(self, row: Row) -> Row | None:
        self._seen += 1
        if len(self._rows) < self._count:
            self._rows.append(row)
            return None
        place = self._random.randrange(self._seen)
        if place >= self._count:
            return row
        self._rows[place], replaced = row, self._rows[place]
        return replaced

    def rows(self) -> Iterable[Row]:
        return self._rows


def split(input_dir: Path, output_dir: Path, columns: Columns, test_set: TestSet) -> tuple[int, int]:
    """Write the training and the test set.

    Parameters
    ----------
    input_dir : Path
        Holds the CSV files.
    output_dir : Path
    columns : Columns
    test_set : TestSet
        Chooses the rows to test with.

    Returns
    -------
    tuple of (int, int)
        Rows of the training and of the test set.

    Raises
    ------
    ValueError
        When the input lacks a column, holds a cell which is no finite number, or has no row to train on.
    """
    problems = Problems()
    n_train = 0
    partial = output_dir / "train" / "train.csv.partial"
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("w", encoding="utf-8") as train:
            train.write(",".join(map(_quoted, columns.names)) + "\n")
            for row in read_rows(input_dir, columns, problems):
                if (other := test_set.put(row)) is not None:
                    train.write(_line(other))
                    n_train += 1
        problems.refuse()
        kept = list(test_set.rows())
        if n_train == 0:
            raise ValueError(
                f"the input has {len(kept)} row(s), all of which are asked for the test set: none is left to train on;"
                " give more data or a smaller --test-rows"
            )
        partial.replace(partial.with_suffix(""))
    finally:
        partial.unlink(missing_ok=True)
    _write_test(output_dir / "test" / "test.csv", columns.names, kept)
    return n_train, len(kept)


def read_rows(input_dir: Path, columns: Columns, problems: Problems) -> Iterator[Row]:
    """Read the columns of all files; rows with a problem are reported and left out."""
    paths = sorted(path for path in input_dir.rglob("*") if path.suffix.lower() == ".csv" and path.is_file())
    if not paths:
        raise ValueError(f"no *.csv file under {input_dir}: is the input's S3 prefix right?")
    for path in paths:
        name = path.relative_to(input_dir).as_posix()
        with path.open(encoding="utf-8-sig", newline="") as file:
            try:
                yield from _read_file(file, name, columns, problems)
            except (csv.Error, UnicodeDecodeError) as error:
                problems.add(f"{name} is not CSV in UTF-8: {error}")


def _read_file(file: TextIO, name: str, columns: Columns, problems: Problems) -> Iterator[Row]:
    lines = csv.reader(file, strict=True)
    header = next(lines, None)
    if not header:
        problems.add(f"{name} is empty: a header line is expected")
        return
    places = _find_columns(header, name, columns.names, problems)
    if places is None:
        return
    label = places.pop() if columns.labels else None
    n_rows = 0
    for cells in lines:
        if not cells:  # an empty line
            continue
        n_rows += 1
        row = _read_row(cells, len(header), places, label)
        if row is None:
            for problem in _explain(cells, header, places, label):
                problems.add(f"{name}, row {lines.line_num}{problem}")
        else:
            yield row
    if n_rows == 0:
        problems.add(f"{name} has a header line but no row")


def _find_columns(header: Sequence[str], name: str, columns: Sequence[str], problems: Problems) -> list[int] | None:
    names = [cell.strip() for cell in header]
    wrong = [
        f"{name}, row 1: column {column!r} {'appears twice' if column in names else 'is missing'}"
        f" (the header has {', '.join(map(repr, names))})"
        for column in columns
        if names.count(column) != 1
    ]
    for problem in wrong:
        problems.add(problem)
    return None if wrong else [names.index(column) for column in columns]


def _read_row(cells: Sequence[str], width: int, places: Sequence[int], label: int | None) -> Row | None:
    """Read a row the fast way; None when anything is wrong with it."""
    if len(cells) != width:
        return None
    try:
        numbers = [float(cells[place]) for place in places]
    except ValueError:
        return None
    # Python reads 1_000 as a number; a data file that says so is wrong.
    if not all(map(math.isfinite, numbers)) or any("_" in cells[place] for place in places):
        return None
    if label is None:
        return [*numbers]
    text = cells[label].strip()
    return [*numbers, text] if text else None


def _explain(cells: Sequence[str], header: Sequence[str], places: Sequence[int], label: int | None) -> Iterator[str]:
    if len(cells) != len(header):
        yield f" has {len(cells)} cell(s), the header {len(header)}"
        return
    for place in places:
        if _read_row(cells, len(header), [place], None) is None:
            yield f", column {header[place].strip()!r}: {_what_is_wrong(cells[place])}"
    if label is not None and not cells[label].strip():
        yield f", column {header[label].strip()!r}: {_what_is_wrong('')}"


def _what_is_wrong(cell: str) -> str:
    if not cell.strip():
        return "the cell is empty"
    shown = repr(cell if len(cell) <= 40 else cell[:40] + "...")
    try:
        float(cell.replace("_", "x"))
    except ValueError:
        return f"{shown} is not a number"
    return f"{shown} is not a finite number"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\r\n') else name


def _line(row: Row) -> str:
    return ",".join(_quoted(cell) if isinstance(cell, str) else repr(cell) for cell in row) + "\n"


def _write_test(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(map(_quoted, columns)) + "\n")
        file.writelines(map(_line, rows))


def _column_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a comma-separated list of different column names")
    return names


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 or more")
    return number


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = job.processing_parser("Split CSV files into a training and a test set.")
    parser.add_argument("--input-dir", type=Path, default=Path("/opt/ml/processing/input/data"))
    parser.add_argument("--output-dir", type=Path, default=Path("/opt/ml/processing/output"))
    parser.add_argument("--feature-columns", type=_column_names, default=["bmi"], help="comma-separated (bmi)")
    parser.add_argument("--target-column", default="target", help="the column to predict (target)")
    parser.add_argument("--labels", action="store_true", help="the target is a text, not a number")
    parser.add_argument("--test-rows", type=_positive, default=20, help="how many rows are the test set (20)")
    parser.add_argument("--random-state", type=int, help="draw the test set with this seed; else it is the last rows")
    options: argparse.Namespace = parser.parse_args(arguments)
    if options.target_column in options.feature_columns:
        parser.error(f"the target column {options.target_column!r} is among --feature-columns")
    return options


def preprocess(options: argparse.Namespace) -> None:
    """Split what the options name, and say how many rows there are."""
    columns = Columns([*options.feature_columns, options.target_column], options.labels)
    count, random_state = options.test_rows, options.random_state
    test_set = LastRows(count) if random_state is None else RandomRows(count, random_state)
    n_train, n_test = split(options.input_dir, options.output_dir, columns, test_set)
    print(f"{n_train} rows to train on, {n_test} to test on; columns {', '.join(columns.names)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job, and exit with its code."""
    sys.exit(job.run(lambda: preprocess(_parse(arguments)), job.message_file(arguments)))


if __name__ == "__main__":
    main()
