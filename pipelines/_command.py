"""What the console scripts have in common: a module becomes a pipeline.

Nothing heavy is imported before the options have been understood.
"""

import argparse
import logging
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_road.environment import Environment


def make_pipeline(options: argparse.Namespace) -> tuple[Any, "Environment"]:
    """Prepare the environment, import the module that the options name and get its pipeline.

    Returns
    -------
    pipeline : sagemaker.mlops.workflow.pipeline.Pipeline
    environment : Environment
    """
    _quiet_sdk()
    # 0.3 s, which `-h` is spared.
    from model_road.environment import ENVIRONMENTS  # noqa: PLC0415
    from pipelines import module as user_module  # noqa: PLC0415

    environment = ENVIRONMENTS[options.environment](options.region, options.role_arn)
    module = user_module.load(options.module_name, Path.cwd())
    environment.offer_sample_data(user_module.sample_data(module, options.kwargs))
    defaults = {**environment.arguments, **_kms_key(options.kms_key_arn, module)}
    return user_module.get_pipeline(module, options.kwargs, defaults), environment


def _kms_key(arn: str | None, module: ModuleType) -> dict[str, str]:
    """Give the argument that names the key; say so where the function has no such argument, as nothing else would."""
    from pipelines.module import accepted_by  # noqa: PLC0415

    given = {"kms_key_arn": arn} if arn else {}
    if given and not accepted_by(module.get_pipeline, given):
        print(
            f"{module.__name__}.get_pipeline() takes no kms_key_arn: what its jobs write is encrypted with a key that "
            f"it names itself, or else with S3's own key, aws/s3, but not with {arn}",
            file=sys.stderr,
        )
    return given


def definition(pipeline: Any) -> str:
    """Give the definition of a pipeline, JSON; what a step makes wrong shows only here."""
    from pipelines.module import blame  # noqa: PLC0415

    with blame(f"defining the pipeline {pipeline.name}"):
        return str(pipeline.definition())


def _quiet_sdk() -> None:
    """Keep the SDK's notices off the screen; it would switch on the notices of every library, too."""
    logging.basicConfig(level=logging.WARNING)
    # The second one sets itself to INFO, unless it has a level.
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(sagemaker|pydantic)(\.|$)")
