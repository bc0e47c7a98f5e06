"""The options that several commands have. Nothing heavy is imported here, so that `-h` answers at once."""

import argparse
import re
import shlex
from collections.abc import Mapping

# How an environment of `model_road.environment` is chosen on the command line.
ENVIRONMENT_OPTIONS: Mapping[str, tuple[str, ...]] = {"account": (), "laptop": ("--local",)}


def add_environment_options(parser: argparse.ArgumentParser, role_help: str, local_help: str) -> None:
    """Add --role-arn, --region and --local, which choose an environment of `model_road.environment`."""
    parser.add_argument(*("-role-arn", "--role-arn"), metavar="ARN", type=role_arn, help=role_help)
    parser.add_argument("--region", help="AWS region; by default that of the environment or profile")
    parser.add_argument(
        "--local",
        dest="environment",
        action="store_const",
        const="laptop",
        default="account",
        help=local_help,
    )


def environment_words(parsed: argparse.Namespace) -> str:
    """Return the options of --region, --role-arn and --local as they were given, for proposed commands."""
    given = {"--region": parsed.region, "--role-arn": parsed.role_arn}
    words = [f"{name} {shlex.quote(value)}" for name, value in given.items() if value]
    return " ".join([*words, *ENVIRONMENT_OPTIONS[parsed.environment]])


def role_arn(text: str) -> str:
    """Read the ARN of a role."""
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: expected an ARN such as arn:aws:iam::123456789012:role/MyRole")
    return text


def parse_assignment(text: str) -> tuple[str, str]:
    """Read KEY=VALUE; the value may hold anything, further equal signs included."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value


def add_parameters_option(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --parameters KEY=VALUE ..., which may be given several times: a list of pairs."""
    parser.add_argument(
        "--parameters",
        nargs="+",
        action="extend",
        type=parse_assignment,
        default=[],
        metavar="KEY=VALUE",
        help=help_text,
    )
