"""The command line of ``local-aws logs``. It imports nothing heavy: every ``local-aws -h`` builds it."""

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

TYPES = {
    "processing": "a job's name",
    "training": "a job's name",
    "transform": "a job's name",
    "build": "a build's id, or its project's name for the latest",
    "function": "its name",
    "endpoint": "its name, or NAME/VARIANT",
    "pipeline": "a SageMaker pipeline: its name for the latest execution, NAME/EXECUTION, or the execution's ARN",
    "codepipeline": "its name for the latest execution, or NAME/EXECUTION",
    "state-machine": "its name for the latest execution, NAME/EXECUTION, or the execution's ARN",
}
"""What has a log, and how it is named."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DESCRIPTION = """\
What a job, build, function, endpoint or execution has written, whatever its type, and what happened in it.
Without a NAME: the latest of each type, and their names.

"""
_EPILOG = """
examples:
  local-aws logs                         what there is
  local-aws logs demo-build              the latest build of this project
  local-aws logs demo-production --follow --since 10m
  local-aws logs demo --type pipeline    where several types have something called demo
  local-aws logs supervisor              local AWS itself: {servers}
"""


def add_logs_parser(commands: Any, common: argparse.ArgumentParser, servers: Sequence[str]) -> argparse.ArgumentParser:
    """Add it.

    Parameters
    ----------
    commands : the subparsers of ``local-aws``
    common : ArgumentParser
        Its options are those of every command.
    servers : sequence of str
        Which have a log, too.
    """
    logs: argparse.ArgumentParser = commands.add_parser(
        "logs",
        parents=[common],
        help="print the log of a job, build, function, endpoint or execution, or of a server; list them",
        description=_DESCRIPTION + "\n".join(f"  {name:<14} {named}" for name, named in TYPES.items()),
        epilog=_EPILOG.format(servers=", ".join(servers)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    logs.add_argument("name", metavar="NAME", nargs="?", help="of what wrote it; without it, they are listed")
    logs.add_argument("--type", choices=tuple(TYPES), metavar="TYPE", help="which of the above is meant, or listed")
    logs.add_argument(
        *("-f", "--follow"), action="store_true", help="go on until it is over; of a function or endpoint, until Ctrl-C"
    )
    logs.add_argument(
        "--since", type=moment, metavar="TIME", help="what was written since: 30s, 10m, 2h, 1d ago, or 2026-01-31T12:00"
    )
    return logs


def moment(text: str) -> datetime:
    """Return a moment that is said as a time ago, or in ISO 8601: here, unless it says otherwise."""
    if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: say 30s, 10m, 2h, 1d or 2026-01-31T12:00") from None
