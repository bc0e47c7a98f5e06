"""Which version a rollback goes back to, read from a real registry."""

import pytest

from deploy import milestones, packages
from deploy.commands import release
from deploy.milestones import Milestone
from deploy.packages import Package
from deploy.project import Project
from model_road import model_packages
from model_road.errors import NoModelError
from tests.deploy.conftest import Registry


@pytest.fixture
def project(registry: Registry) -> Project:
    made = Project("mine", registry.group, registry.bucket, None, None, "")
    # What boto3.Session() would find in the environment of `local-aws env`.
    vars(made)["sagemaker"] = registry.local_aws.client("sagemaker")
    return made


def deployed(project: Project, arn: str, hour: int, owner: str = "mine") -> Package:
    """Write on a version that it came to production."""
    package = packages.describe(project.sagemaker, arn)
    milestone = Milestone(milestones.DEPLOYED, f"2026-01-31T{hour:02}:00:00Z", "config")
    milestones.write(project.sagemaker, package, owner, milestones.PRODUCTION, milestone)
    return packages.describe(project.sagemaker, arn)


def test_it_is_the_version_that_came_there_last_and_is_still_approved(registry: Registry, project: Project):
    arns = [registry.register("Approved") for _ in range(5)]
    deployed(project, arns[0], 2)
    deployed(project, arns[1], 1)
    rejected = deployed(project, arns[2], 3)
    packages.set_approval(project.sagemaker, rejected, "Rejected", "it fails")
    deployed(project, arns[3], 4, owner="another-project")
    serving = deployed(project, arns[4], 5)
    assert release.previous(project, serving).arn == arns[0]


def test_a_second_rollback_does_not_bring_back_what_the_first_left(registry: Registry, project: Project):
    first, second, third = (deployed(project, registry.register("Approved"), hour) for hour in (1, 2, 3))
    withdrawn = milestones.now(milestones.WITHDRAWN, "config")
    milestones.write(project.sagemaker, third, project.name, milestones.APPROVAL, withdrawn)
    serving = deployed(project, second.arn, 4)
    assert release.previous(project, serving).arn == first.arn
    approved = milestones.now(model_packages.APPROVED, "config")
    milestones.write(project.sagemaker, third, project.name, milestones.APPROVAL, approved)
    assert release.previous(project, serving).arn == third.arn


def test_what_codepipeline_has_brought_back_after_a_rollback_is_a_version_like_any_other(
    registry: Registry, project: Project
):
    first, second = (deployed(project, registry.register("Approved"), hour) for hour in (1, 2))
    withdrawn = Milestone(milestones.WITHDRAWN, "2026-01-31T03:00:00Z", "config")
    milestones.write(project.sagemaker, second, project.name, milestones.APPROVAL, withdrawn)
    serving = deployed(project, registry.register("Approved"), 5)
    assert release.previous(project, serving).arn == first.arn
    deployed(project, second.arn, 4)
    assert release.previous(project, serving).arn == second.arn


def test_the_first_version_in_production_has_none_before_it(registry: Registry, project: Project):
    registry.register("Approved")
    serving = deployed(project, registry.register("Approved"), 1)
    with pytest.raises(NoModelError, match="nothing to go back to"):
        release.previous(project, serving)


def test_what_is_written_on_a_version_leaves_the_rest_as_it_was(registry: Registry, project: Project):
    package = deployed(project, registry.register("Approved"), 1)
    milestones.write(project.sagemaker, package, "mine", milestones.TEST, milestones.now(milestones.PASSED, "config"))
    after = packages.describe(project.sagemaker, package.arn)
    assert after.status == "Approved"
    assert milestones.was_in_production(after, "mine")
    assert milestones.read(after.metadata, "mine", milestones.TEST) is not None
