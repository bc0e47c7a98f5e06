"""How findings are shown: a table for people, JSON for programs; and what the command's status is then."""

import json
import os
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from deploy.check.finding import Finding, Status

_LOG_COLUMNS = 180
_STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "bold red", Status.UNKNOWN: "cyan"}


def show(findings: Sequence[Finding], form: str, *, every: bool, options: str = "") -> int:
    """Print the findings as `table` or `json`; return the exit status of the command that found them.

    Parameters
    ----------
    findings : sequence of Finding
    form : {"table", "json"}
    every : bool
        Whether those are shown, too, that are ok.
    options : str
        The options of the user's command that proposed commands repeat.
    """
    findings = [finding.completed(options) for finding in findings]
    if form == "json":
        print(as_json(findings))
    else:
        as_table(_console(), findings, every=every)
    return int(any(finding.verdict.status is Status.FAILED for finding in findings))


def as_table(console: Console, findings: Sequence[Finding], *, every: bool) -> None:
    """Print a table of the findings and how many there are of each status.

    Parameters
    ----------
    console : Console
    findings : sequence of Finding
    every : bool
        Whether those are shown, too, that are ok.

    What is unknown of many things for the same reason is one row; the JSON has them all.
    """
    # Folded, not cut: names and commands can be read to their end.
    columns = (Column(name, overflow="fold") for name in ("Status", "What", "Check", "Why", "What to do next"))
    table = Table(*columns, box=None, pad_edge=False)
    shown = [finding for finding in findings if every or finding.verdict.status is not Status.OK]
    for alike in _together(shown):
        said = alike[0].verdict
        word = Text(said.status.value, style=_STYLES[said.status])
        more = f" and {len(alike) - 1} more of this kind" if len(alike) > 1 else ""
        table.add_row(word, alike[0].resource + more, alike[0].check, Text(said.why), Text(said.action))
    if table.row_count:
        console.print(table)
    console.print(summary(findings), highlight=False)


def _together(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Return what is unknown for one reason in one list, and every other finding in one of its own."""
    rows: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        is_unknown = finding.verdict.status is Status.UNKNOWN
        rows.setdefault((finding.check, finding.verdict) if is_unknown else number, []).append(finding)
    return list(rows.values())


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as JSON: all of them, and how many there are of each status."""
    document = {"Findings": [finding.document for finding in findings], "Summary": _counts(findings)}
    return json.dumps(document, indent=2)


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each status."""
    return ", ".join(f"{number} {status}" for status, number in _counts(findings).items())


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.verdict.status for finding in findings)
    return {status.value: counted[status] for status in Status}


def _console() -> Console:
    """Make a console as wide as the terminal; in a log file wide enough for a table of sentences."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_LOG_COLUMNS)
