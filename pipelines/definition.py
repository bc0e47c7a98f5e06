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

from model_road import platform_settings
from model_road.environment import ENVIRONMENTS, Environment
from model_road.errors import UsageError
from pipelines import module as user_module
from pipelines.installed import check_sdk


def make_pipeline(options: argparse.Namespace) -> tuple[Any, Environment]:
    """Prepare the environment, import the module that the options name and get its pipeline.

    Returns
    -------
    pipeline : sagemaker.mlops.workflow.pipeline.Pipeline
    environment : Environment
    """
    _quiet_sdk()
    user_module.check(options.module_name, Path.cwd())
    check_sdk()
    environment = ENVIRONMENTS[options.environment](options.region, options.role_arn)
    module = user_module.load(options.module_name, Path.cwd())
    environment.offer_sample_data(user_module.sample_data(module, options.kwargs))
    asked = _asked_by_the_project(os.environ)
    _refuse_to_drop({name: value for name, value in asked.items() if name not in options.kwargs}, module)
    # Who does not take it registers versions that do not say which commit built them; `deploy.build` says so then.
    commit = {"commit_id": options.commit_id} if options.commit_id else {}
    defaults = {**environment.arguments, **commit, **_kms_key(options.kms_key_arn, module), **asked}
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


def _asked_by_the_project(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that a build's variables stand for: network, key of volumes and limit of its jobs.

    Raises
    ------
    UsageError
        The limit is no number.
    """
    limit = environ.get("MAX_RUNTIME_IN_SECONDS") or ""
    if limit and not limit.isdecimal():
        raise UsageError(f"MAX_RUNTIME_IN_SECONDS is {limit!r}, not a number of seconds")
    found = {
        "network_config": platform_settings.network_config(platform_settings.of_build(environ)),
        "volume_kms_key_arn": environ.get("VOLUME_KMS_KEY_ARN"),
        "max_runtime_in_seconds": int(limit or 0),
    }
    return {name: value for name, value in found.items() if value}


def _refuse_to_drop(asked: Mapping[str, Any], module: ModuleType) -> None:
    """Refuse a function that does not take what the project asks of its jobs, such as to stay in a network.

    Raises
    ------
    UsageError
    """
    taken = user_module.accepted_by(module.get_pipeline, asked)
    missing = [name for name in asked if name not in taken]
    if missing:
        raise UsageError(
            f"{module.__name__}.get_pipeline() takes no {' and no '.join(missing)}, which the project asks of its jobs "
            "(SUBNET_IDS, ENABLE_NETWORK_ISOLATION, VOLUME_KMS_KEY_ARN or MAX_RUNTIME_IN_SECONDS): let it take that, "
            "and give it to steps.job_settings or to its steps"
        )


def _quiet_sdk() -> None:
    """Keep the SDK's notices off the screen; it would switch on the notices of every library, too."""
    logging.basicConfig(level=logging.WARNING)
    # The second one sets itself to INFO, unless it has a level.
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(sagemaker|pydantic)(\.|$)")
