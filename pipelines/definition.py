"""From the options of a console script to a pipeline, and to its definition."""

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from model_road.environment import ENVIRONMENTS, Environment
from model_road.errors import UsageError
from pipelines import module as user_module


def make_pipeline(options: argparse.Namespace) -> tuple[Any, Environment]:
    """Prepare the environment, import the module that the options name and get its pipeline.

    Returns
    -------
    pipeline : sagemaker.mlops.workflow.pipeline.Pipeline
    environment : Environment
    """
    _quiet_sdk()
    environment = ENVIRONMENTS[options.environment](options.region, options.role_arn)
    module = user_module.load(options.module_name, Path.cwd())
    environment.offer_sample_data(user_module.sample_data(module, options.kwargs))
    limit = _max_runtime(os.environ, module)
    # Who does not take it registers versions that do not say which commit built them; `deploy.build` says so then.
    commit = {"commit_id": options.commit_id} if options.commit_id else {}
    defaults = {**environment.arguments, **commit, **_kms_key(options.kms_key_arn, module), **limit}
    return user_module.get_pipeline(module, options.kwargs, defaults), environment


def to_json(pipeline: Any) -> str:
    """Return the definition of a pipeline; some mistakes in a step show only here."""
    with user_module.blame(f"defining the pipeline {pipeline.name}"):
        return str(pipeline.definition())


def _kms_key(arn: str | None, module: ModuleType) -> dict[str, str]:
    """Return the argument that names the key; warn where the function has no such argument, as nothing else would."""
    given = {"kms_key_arn": arn} if arn else {}
    if given and not user_module.accepted_by(module.get_pipeline, given):
        print(
            f"{module.__name__}.get_pipeline() takes no kms_key_arn: what its jobs write is encrypted with a key that "
            f"it names itself, or else with S3's own key, aws/s3, but not with {arn}",
            file=sys.stderr,
        )
    return given


def _max_runtime(environ: Mapping[str, str], module: ModuleType) -> dict[str, int]:
    """Return the argument that limits the jobs, where the project has another limit than the models'.

    Raises
    ------
    UsageError
        The function has no such argument: its jobs would have another limit than the one that is asked for.
    """
    text = environ.get("MAX_RUNTIME_IN_SECONDS") or ""
    if text and not text.isdecimal():
        raise UsageError(f"MAX_RUNTIME_IN_SECONDS is {text!r}, not a number of seconds")
    given = {"max_runtime_in_seconds": int(text)} if text else {}
    if given and not user_module.accepted_by(module.get_pipeline, given):
        raise UsageError(
            f"{module.__name__}.get_pipeline() takes no max_runtime_in_seconds, which the project asks of its jobs "
            f"(MAX_RUNTIME_IN_SECONDS={text}): let it take it, and give it to its steps"
        )
    return given


def _quiet_sdk() -> None:
    """Keep the SDK's notices off the screen; it would switch on the notices of every library, too."""
    logging.basicConfig(level=logging.WARNING)
    # The second one sets itself to INFO, unless it has a level.
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(sagemaker|pydantic)(\.|$)")
