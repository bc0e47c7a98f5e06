"""`check-project`: check that everything the system needs exists and is well configured.

It reads the project's stacks, looks at everything in them through the API of its service, and prints what it found
and what to do. It changes nothing. See deploy/check/.
"""

import argparse
import sys
from collections.abc import Sequence

from deploy.options import add_project_name_option, add_report_options
from model_road import aws, command
from model_road.environment import ENVIRONMENTS
from model_road.options import ENVIRONMENT_OPTIONS, add_environment_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = parser().parse_args(arguments)
    return command.exit_status(lambda: _run(parsed), _proposed(parsed))


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
    add_report_options(made)
    add_environment_options(
        made,
        role_help="ignored; accepted so that scripts can pass the same options as to `deploy-model`",
        local_help="check AWS on this machine: start it if necessary, with its default bucket and role",
    )
    return made


def _run(parsed: argparse.Namespace) -> int:
    # They import botocore and rich: 0.3 s, which `-h` is spared.
    from deploy.check import report, system  # noqa: PLC0415
    from deploy.check.asking import shared_clients  # noqa: PLC0415
    from deploy.check.catalog import CATALOG  # noqa: PLC0415
    from deploy.check.examination import examine  # noqa: PLC0415

    ENVIRONMENTS[parsed.environment](parsed.region, parsed.role_arn)
    session = aws.session()
    project = system.read(shared_clients(session.client), parsed.project_name, parsed.stack_name, _options(parsed))
    return report.show(examine(CATALOG, project), parsed.format, every=parsed.every, options=_proposed(parsed))


def _proposed(parsed: argparse.Namespace) -> str:
    """Return the options that every proposed command repeats."""
    return f"--project-name {parsed.project_name} {_options(parsed)}".rstrip()


def _options(parsed: argparse.Namespace) -> str:
    """Return the region and environment options of this command, for proposed `deploy-model` commands."""
    region = ["--region", parsed.region] if parsed.region else []
    return " ".join([*region, *ENVIRONMENT_OPTIONS[parsed.environment]])


if __name__ == "__main__":
    sys.exit(main())
