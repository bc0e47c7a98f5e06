"""What the project knows of a model package, kept on the package: in its CustomerMetadataProperties.

A registry's approval says that a version may leave the registry. That it passed the test in staging, that a person then
approved what ran there, and that it has been in production are facts about a version *in a project*. They are stored on
the version itself, under `<project>/<fact>`, so that they outlive stacks and endpoints and are shown in Studio:

    model-road/StagingTest       Passed 2026-01-31T12:00:00Z model-road-staging-1a2b3c
    model-road/StagingApproval   Approved 2026-01-31T12:05:00Z model-road-staging-1a2b3c arn:aws:iam::...:user/ann
    model-road/Production        Deployed 2026-01-31T12:06:00Z model-road-production-4d5e6f

The third word is the endpoint configuration that was tested, approved or deployed: a staging that has been changed
since its test has to be tested again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.errors import NotReleasedError
from deploy.packages import Package
from model_road.model_packages import APPROVED

TEST, APPROVAL, PRODUCTION = "StagingTest", "StagingApproval", "Production"
PASSED, FAILED, WITHDRAWN, DEPLOYED = "Passed", "Failed", "Withdrawn", "Deployed"

# CustomerMetadataValue's limit.
_VALUE_LENGTH = 256


@dataclass(frozen=True)
class Milestone:
    """A fact about a version in a project: a verdict, when, on which endpoint configuration, and by whom.

    Of a test that has failed, `by` is the checks by which it has.
    """

    verdict: str
    time: str
    config_name: str
    by: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verdict, self.time, self.config_name, self.by)))[:_VALUE_LENGTH]


def now(verdict: str, config_name: str, by: str = "") -> Milestone:
    """Make a milestone of this moment."""
    return Milestone(verdict, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), config_name, by)


def plain(text: str) -> str:
    """Return a text without what no value of CustomerMetadataProperties may have; source: its pattern in the API."""
    return " ".join(re.sub(r"[^\w .:/=+\-@]", " ", text).split())


def read(metadata: Mapping[str, str], project_name: str, fact: str) -> Milestone | None:
    """Read a milestone from the CustomerMetadataProperties of a version; None when it has none of ours."""
    words = metadata.get(f"{project_name}/{fact}", "").split(" ", 3)
    return Milestone(*words) if len(words) >= 3 else None


def write(sagemaker: Any, package: Package, project_name: str, fact: str, milestone: Milestone) -> None:
    """Write a milestone on a version; other properties stay as they are."""
    sagemaker.update_model_package(
        ModelPackageArn=package.arn, CustomerMetadataProperties={f"{project_name}/{fact}": str(milestone)}
    )


def check_passed(package: Package, project_name: str) -> Milestone:
    """Make sure that a version passed the test in staging, at whatever time; return the test's milestone.

    Raises
    ------
    NotReleasedError
    """
    test = read(package.metadata, project_name, TEST)
    if test is None:
        raise NotReleasedError(
            f"{package.short_name} has not been tested in staging: `deploy-model staging`, then `deploy-model test`"
        )
    if test.verdict != PASSED:
        why = f" ({test.by})" if test.by else ""
        raise NotReleasedError(
            f"{package.short_name} failed the test in staging at {test.time}{why}: `deploy-model test`"
        )
    return test


def check_tested(package: Package, project_name: str, config_name: str) -> None:
    """Make sure that a version passed the test on the endpoint configuration that staging runs.

    Raises
    ------
    NotReleasedError
    """
    test = check_passed(package, project_name)
    if test.config_name != config_name:
        raise NotReleasedError(
            f"staging has changed since {package.short_name} was tested (then {test.config_name}, now {config_name}): "
            "run `deploy-model test` again"
        )


def check_released(package: Package, project_name: str, config_name: str) -> None:
    """Make sure that a version may go to production: approved in the registry, tested, approved in staging.

    Raises
    ------
    NotReleasedError
    """
    if package.status != APPROVED:
        raise NotReleasedError(
            f"{package.short_name} is {package.status} in the registry: `deploy-model approve-model {package.arn}`"
        )
    check_tested(package, project_name, config_name)
    approval = read(package.metadata, project_name, APPROVAL)
    if approval and approval.verdict == WITHDRAWN:
        raise NotReleasedError(
            f"the approval of {package.short_name} was withdrawn at {approval.time}, when production was rolled back: "
            "if that was wrong, `deploy-model approve`"
        )
    if approval is None or approval.config_name != config_name:
        raise NotReleasedError(f"{package.short_name} has not been approved in staging: `deploy-model approve`")


def was_in_production(package: Package, project_name: str) -> bool:
    """Return whether a version has served in production before."""
    return read(package.metadata, project_name, PRODUCTION) is not None


def was_withdrawn(package: Package, project_name: str) -> bool:
    """Return whether a rollback has withdrawn a version that has not been approved or deployed to production since."""
    approval, production = (read(package.metadata, project_name, fact) for fact in (APPROVAL, PRODUCTION))
    if approval is None or approval.verdict != WITHDRAWN:
        return False
    # CodePipeline keeps its approvals to itself: that one was given is seen by what came of it.
    return production is None or production.time <= approval.time
