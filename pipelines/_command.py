"""What the console scripts have in common: a module becomes a pipeline, and an error becomes a sentence and a
status.

Status 0 is success, 1 that the work could not be done, 2 a mistake in the command (argparse's own status
too), 130 an interruption by Ctrl-C. Nothing heavy is imported before the options have been understood.
"""

import argparse
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from pipelines.environment import Environment

INTERRUPTED = 130


def exit_status(work: Callable[[], int]) -> int:
    """Do the work of a command; print why it could not be done, if so, in one sentence.

    Only a defect of this package still ends in a stack trace.
    """
    try:
        return work()
    except PipelineError as error:
        _complain(error)
        return error.exit_status
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except Exception as error:
        return _aws_status(error)


def make_pipeline(options: argparse.Namespace) -> tuple[Any, "Environment"]:
    """Prepare the environment, import the module that the options name and get its pipeline.

    Returns
    -------
    pipeline : sagemaker.mlops.workflow.pipeline.Pipeline
    environment : Environment
    """
    _quiet_sdk()
    # 0.3 s, which `-h` is spared.
    from pipelines import module as user_module  # noqa: PLC0415
    from pipelines.environment import ENVIRONMENTS  # noqa: PLC0415

    environment = ENVIRONMENTS[options.environment](options.region, options.role_arn)
    module = user_module.load(options.module_name, Path.cwd())
    environment.upload_sample_data(module, options.kwargs)
    return user_module.get_pipeline(module, options.kwargs, environment.arguments), environment


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


def _aws_status(error: Exception) -> int:
    """Tell an error of the AWS SDK in its own words; raise any other again."""
    # Imported by whatever raised it, if it is one.
    from botocore import exceptions  # noqa: PLC0415

    if isinstance(error, exceptions.NoCredentialsError | exceptions.NoRegionError):
        _complain(f"{error} Add --local to run on this machine, without an AWS account.")
        return UsageError.exit_status
    if isinstance(error, exceptions.BotoCoreError | exceptions.ClientError):
        _complain(error)
        return PipelineError.exit_status
    raise error


def _complain(message: object) -> None:
    print(f"{Path(sys.argv[0]).stem}: {message}", file=sys.stderr)
