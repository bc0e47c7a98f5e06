"""`doctor`: whether account, region, quotas, permissions and names suffice for a project, before there is any stack."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.config import Config

from deploy import stages
from deploy.check import needs, report
from deploy.check.asking import shared_clients
from deploy.check.examination import examine
from deploy.check.finding import Finding, Status
from deploy.doctor.catalog import STEPS
from deploy.doctor.launch import Launch
from model_road import aws
from model_road.environment import ENVIRONMENTS
from model_road.errors import UsageError
from model_road.options import ENVIRONMENT_OPTIONS

# Without a network boto3 would otherwise be silent for minutes.
_IMPATIENT = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})

# What the sample's pipelines run on, as their definitions have it: pipelines/lr.
SAMPLE: Mapping[str, Mapping[str, Any]] = {
    "the training pipeline": {
        "Steps": [
            {
                "Name": "Preprocess",
                "Type": "Processing",
                "Arguments": {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.t3.medium"}}},
            },
            {"Name": "Train", "Type": "Training", "Arguments": {"ResourceConfig": {"InstanceType": "ml.m5.large"}}},
        ]
    },
    "the batch pipeline": {
        "Steps": [
            {
                "Name": "Transform",
                "Type": "Transform",
                "Arguments": {"TransformResources": {"InstanceType": "ml.m5.large"}},
            }
        ]
    },
}


def diagnose(parsed: argparse.Namespace) -> int:
    """Look at all that a launch of the project needs, and print what is missing and what to do."""
    launch = _launch(parsed)
    findings: list[Finding] = []
    for catalog in STEPS:
        findings += examine(catalog, launch)
        if any(finding.verdict.status is Status.FAILED for finding in findings):
            break
    return report.show(findings, parsed.format, every=parsed.every, options=launch.options)


def _launch(parsed: argparse.Namespace) -> Launch:
    ENVIRONMENTS[parsed.environment](parsed.region, parsed.role_arn)
    session = aws.session()
    making = Lock()

    @cache
    def client_in(service: str, region: str) -> Any:
        with making:
            return session.client(service, region_name=region, config=_IMPATIENT)

    def regions_of(service: str, partition: str) -> Sequence[str]:
        found: list[str] = session.get_available_regions(service, partition)
        return found

    return Launch(
        client=shared_clients(lambda service: session.client(service, config=_IMPATIENT)),
        client_in=client_in,
        regions_of=regions_of,
        region=session.region_name,
        partition=session.get_partition_for_region(session.region_name),
        project_name=parsed.project_name,
        given_id=parsed.project_id or os.environ.get("SAGEMAKER_PROJECT_ID"),
        given_bucket=parsed.s3_bucket,
        parameters=dict(parsed.parameters),
        launch_role_arn=parsed.launch_role_arn,
        needs=_needs([Path(name) for name in parsed.definitions]),
        options=" ".join([f"--project-name {parsed.project_name}", *ENVIRONMENT_OPTIONS[parsed.environment]]),
    )


def _needs(definitions: Sequence[Path]) -> list[needs.Need]:
    """Return what stages and pipelines need: those of these definitions, or the sample's."""
    configs = [stages.read_config(stages.config_path(stage)).parameters for stage in stages.STAGES]
    given = {path.stem: _read(path) for path in definitions}
    return needs.of_stages(configs) + needs.of_pipelines(given or SAMPLE)


def _read(path: Path) -> Mapping[str, Any]:
    """Read a pipeline's definition.

    Raises
    ------
    UsageError
        When it is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--definitions {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--definitions {path}: is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Steps"), list):
        raise UsageError(f"--definitions {path}: has no Steps; `get-pipeline-definition --file-name {path}` writes one")
    return document
