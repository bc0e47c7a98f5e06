"""The options that both console scripts take, named as in the scripts of AWS's SageMaker project templates.

Those evaluate `--kwargs` and `--tags`; here they are read as data: JSON, or else a Python literal, which is what build
specifications written for the templates contain. Nothing heavy is imported here, so that `-h` answers at once.
"""

import argparse
import ast
import json
import os
from typing import Any

from model_road.options import add_environment_options

DEFAULT_MODULE = "pipelines.lr.pipeline"


def add_module_options(parser: argparse.ArgumentParser) -> None:
    """Add what it takes to make a pipeline of a module: its name, arguments, region and where AWS is."""
    parser.add_argument(
        *("-n", "--module-name"),
        default=DEFAULT_MODULE,
        help="module that defines get_pipeline(), for example %(default)s (the default)",
    )
    parser.add_argument(
        *("-kwargs", "--kwargs"),
        type=parse_kwargs,
        default={},
        metavar="DICT",
        help='arguments of get_pipeline() as JSON or a Python literal: \'{"pipeline_name": "Mine"}\'',
    )
    parser.add_argument(
        "--kms-key-arn",
        default=os.environ.get("KMS_KEY_ARN") or None,
        metavar="ARN",
        help="KMS key of what the jobs write to S3, for a get_pipeline() that takes kms_key_arn ($KMS_KEY_ARN); "
        "S3's own key, aws/s3, otherwise",
    )
    parser.add_argument(
        "--commit-id",
        default=os.environ.get("COMMIT_ID") or None,
        metavar="ID",
        help="the commit that this is, for a get_pipeline() that takes commit_id: the versions say that it built them "
        "($COMMIT_ID)",
    )
    add_environment_options(
        parser,
        role_help="execution role of pipeline and jobs; by default your own role",
        local_help="use AWS on this machine: start it if necessary, create bucket and role, upload sample data",
    )


def parse_kwargs(text: str) -> dict[str, Any]:
    """Read the arguments of get_pipeline(): a JSON object or a Python dict literal with names as keys."""
    value = _parse_literal(text)
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise argparse.ArgumentTypeError(f"expected a dict of named arguments, got {text!r}")
    return value


def parse_tags(text: str) -> list[dict[str, str]]:
    """Read tags: a list of {"Key": ..., "Value": ...}, JSON or Python."""
    value = _parse_literal(text)
    if not isinstance(value, list) or not all(_is_tag(tag) for tag in value):
        raise argparse.ArgumentTypeError(
            f'expected a list of tags, \'[{{"Key": "team", "Value": "ml"}}]\', got {text!r}'
        )
    return value


def _is_tag(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"Key", "Value"}
        and all(isinstance(part, str) for part in value.values())
    )


def _parse_literal(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"neither JSON nor a Python literal: {text!r}") from error
