"""From the options of a console script to a pipeline, and to its definition."""

import argparse
import logging
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from model_road.environment import ENVIRONMENTS, Environment
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
    defaults = {**environment.arguments, **_kms_key(options.kms_key_arn, module)}
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


def _quiet_sdk() -> None:
    """Keep the SDK's notices off the screen; it would switch on the notices of every library, too."""
    logging.basicConfig(level=logging.WARNING)
    # The second one sets itself to INFO, unless it has a level.
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(sagemaker|pydantic)(\.|$)")
