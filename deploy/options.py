"""What the options of `deploy-model` and `check-project` have in common: the project's name, places, numbers, reports.

Nothing heavy is imported here, so that `-h` answers at once.
"""

import argparse
import math
import os
import re
from collections.abc import Callable

from model_road.options import parse_assignment

DEFAULT_GROUP = "LinearRegression"
DEFAULT_PROJECT = os.environ.get("SAGEMAKER_PROJECT_NAME", "model-road")

# As the templates have it.
_PROJECT_NAME = "[a-z0-9](-*[a-z0-9])*"


def add_project_name_option(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add --project-name, which is that of CodeBuild's environment unless it is given."""
    parser.add_argument(
        "--project-name",
        default=DEFAULT_PROJECT,
        type=project_name,
        help=f"{meaning} ($SAGEMAKER_PROJECT_NAME, or %(default)s)",
    )


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add --format and --all, which say how findings are shown."""
    parser.add_argument(
        "--format", choices=["table", "json"], default="table", help="for a person or a program (%(default)s)"
    )
    parser.add_argument("--all", dest="every", action="store_true", help="include what is ok in the table")


def project_name(text: str) -> str:
    """Read a project's name: as SageMaker allows it, but in lower case, as SageMaker writes names in its ARNs."""
    if not (len(text) <= 32 and re.fullmatch(_PROJECT_NAME, text)):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected 1 to 32 lower-case letters, digits and hyphens, with a letter or digit first and last"
        )
    return text


def s3_folder(text: str) -> str:
    """Read the URI of a folder in S3; return it with a trailing slash."""
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+/\S+", text):
        raise argparse.ArgumentTypeError(f"expected s3://bucket/folder/, got {text!r}")
    return f"{text.rstrip('/')}/"


def threshold(text: str) -> tuple[str, float]:
    """Read METRIC=LIMIT."""
    name, value = parse_assignment(text)
    return name, _number(value, float, -1e300, 1e300)


def count(text: str) -> int:
    """Read how many, 1 to 10,000."""
    return int(_number(text, int, 1, 10_000))


def percent(text: str) -> int:
    """Read a share in percent, 1 to 99."""
    return int(_number(text, int, 1, 99))


def share(text: str) -> float:
    """Read a share, 0 to 1."""
    return _number(text, float, 0, 1)


def positive(text: str) -> float:
    """Read a number above 0."""
    return _number(text, float, 0.001, 86_400_000)


def _number(text: str, kind: Callable[[str], float], least: float, most: float) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")
    return number
