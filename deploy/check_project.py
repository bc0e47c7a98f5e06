"""`check-project`: check that everything the system needs exists and is well configured.

It reads the project's stacks, looks at everything in them through the API of its service, and prints what it found
and what to do. It changes nothing. See deploy/check/.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy.options import ENVIRONMENT_OPTIONS, add_project_name_option
from model_road import aws, command
from model_road.environment import ENVIRONMENTS
from model_road.options import add_environment_options

if TYPE_CHECKING:
    from rich.console import Console

_LOG_COLUMNS = 180


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = parser().parse_args(arguments)
    return command.exit_status(lambda: _run(parsed))


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    made = argparse.ArgumentParser(
        prog="check-project",
        description="Check that everything the project's system needs exists and is well configured. Changes nothing.",
        epilog="Exit status: 0 nothing failed (warnings and unknowns are possible), 1 something "
        "did, or there is no such project, 2 the command is wrong, 130 Ctrl-C",
    )
    add_project_name_option(made, "SageMakerProjectName")
    made.add_argument(
        "--stack-name",
        metavar="NAME",
        help="the stack of project.yml (the one that has this SageMakerProjectName)",
    )
    made.add_argument(
        "--format", choices=["table", "json"], default="table", help="for a person or a program (%(default)s)"
    )
    made.add_argument("--all", dest="every", action="store_true", help="include what is ok in the table")
    add_environment_options(
        made,
        role_help="ignored; accepted so that scripts can pass the same options as to `deploy-model`",
        local_help="check AWS on this machine: start it if necessary, with its default bucket and role",
    )
    return made


def _run(parsed: argparse.Namespace) -> int:
    # They import botocore and rich: 0.3 s, which `-h` is spared.
    from deploy.check import report, system  # noqa: PLC0415
    from deploy.check.examination import examine  # noqa: PLC0415
    from deploy.check.finding import Status  # noqa: PLC0415

    ENVIRONMENTS[parsed.environment](parsed.region, parsed.role_arn)
    session = aws.session()
    project = system.read(
        system.shared_clients(session.client), parsed.project_name, parsed.stack_name, _options(parsed)
    )
    findings = examine(project)
    if parsed.format == "json":
        print(report.as_json(findings))
    else:
        report.as_table(_console(), findings, every=parsed.every)
    return int(any(finding.verdict.status is Status.FAILED for finding in findings))


def _console() -> "Console":
    """Make a console as wide as the terminal; in a log file wide enough for a table of sentences."""
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_LOG_COLUMNS)


def _options(parsed: argparse.Namespace) -> str:
    """Return the region and environment options of this command, for proposed `deploy-model` commands."""
    region = ["--region", parsed.region] if parsed.region else []
    return " ".join([*region, *ENVIRONMENT_OPTIONS[parsed.environment]])


if __name__ == "__main__":
    sys.exit(main())
