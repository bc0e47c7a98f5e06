"""All checks of a staged endpoint in order, each reported as it ends."""

import time
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError
from deploy.packages import Package
from deploy.project import Project
from deploy.test import problems, records
from deploy.test.checks import CHECKS, CheckError, Expectations, Subject
from deploy.test.invocation import Endpoint
from deploy.test.report import Result


def subject(project: Project, endpoint_name: str, package: Package, evaluation: Any, expected: Expectations) -> Subject:
    """Prepare the test of an endpoint with the records that its package was evaluated on.

    Raises
    ------
    DeployError
        When the package does not say which those are, or what it says of its problem cannot be.
    """
    try:
        uri, target = package.metadata["TestDataUrl"], package.metadata["TargetColumn"]
    except KeyError as error:
        raise DeployError(
            f"{package.short_name} does not say which records it was evaluated on: its CustomerMetadataProperties lack "
            f"{error}. Register models with TestDataUrl and TargetColumn, as pipelines/lr/pipeline.py does."
        ) from error
    # Without retries: a test must not hide failures.
    runtime = project.session.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}))
    problem = problems.read(problems.describe(evaluation, package.metadata))
    found = records.read(project.s3, uri, target, problem)
    return Subject(project.sagemaker, project.s3, Endpoint(endpoint_name, runtime, problem), found, expected)


def run(subject: Subject) -> Iterator[Result]:
    """Run every check, also after one that failed; yield how each ended."""
    for name, check in CHECKS.items():
        begin = time.perf_counter()
        try:
            detail, passed = check(subject), True
        except (CheckError, ClientError, BotoCoreError) as error:
            detail, passed = str(error), False
        yield Result(name, passed, detail, time.perf_counter() - begin)
