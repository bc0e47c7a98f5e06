"""Who may go to production, decided by what is written on the package."""

from datetime import UTC, datetime

import pytest

from deploy import milestones
from deploy.errors import NotReleasedError
from deploy.packages import Package

CONFIG = "p-staging-1"
PASSED = f"Passed 2026-01-31T12:00:00Z {CONFIG}"
APPROVED = f"Approved 2026-01-31T12:05:00Z {CONFIG} arn:aws:iam::000000000000:user/ann"


def package(status: str = "Approved", **facts: str) -> Package:
    metadata = {f"p/{name}": value for name, value in facts.items()}
    return Package("arn:g/1", 1, status, "", datetime.now(UTC), metadata, {"ModelPackageGroupName": "g"})


def test_tested_and_approved_may_go():
    milestones.check_released(package(StagingTest=PASSED, StagingApproval=APPROVED), "p", CONFIG)


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (package(), "g/1 has not been tested in staging"),
        (package(StagingTest="nonsense"), "has not been tested"),
        (package(StagingTest=PASSED.replace("Passed", "Failed"), StagingApproval=APPROVED), "failed the test"),
        (
            package(StagingTest=PASSED.replace("-1", "-0"), StagingApproval=APPROVED),
            r"then p-staging-0, now p-staging-1",
        ),
        (package(StagingTest=PASSED), "has not been approved"),
        (package(StagingTest=PASSED, StagingApproval=APPROVED.replace("-1 ", "-0 ")), "has not been approved"),
        (package(StagingTest=PASSED, StagingApproval=APPROVED.replace("Approved", "Withdrawn")), "was withdrawn"),
        (package("Rejected", StagingTest=PASSED, StagingApproval=APPROVED), "g/1 is Rejected in the registry"),
        (package("PendingManualApproval", StagingTest=PASSED, StagingApproval=APPROVED), "is PendingManualApproval"),
    ],
)
def test_everything_else_is_refused_with_what_to_do(candidate: Package, why: str):
    with pytest.raises(NotReleasedError, match=why) as refused:
        milestones.check_released(candidate, "p", CONFIG)
    assert "`deploy-model " in str(refused.value)


def test_a_test_that_was_passed_counts_whenever_it_was():
    assert milestones.check_passed(package(StagingTest=PASSED.replace("-1", "-0")), "p").config_name == "p-staging-0"
    with pytest.raises(NotReleasedError, match="failed the test"):
        milestones.check_passed(package(StagingTest=PASSED.replace("Passed", "Failed")), "p")


def test_a_failed_test_says_which_check_and_its_figures():
    """In the letters that a value of CustomerMetadataProperties may have."""
    why = milestones.plain("Metrics: r2 is 0.1, and the package's evaluation found 0.47")
    assert why == "Metrics: r2 is 0.1 and the package s evaluation found 0.47"
    failed = milestones.now(milestones.FAILED, CONFIG, why)
    with pytest.raises(NotReleasedError, match=rf"failed the test in staging at .* \({why}\): `deploy-model test`"):
        milestones.check_passed(package(StagingTest=str(failed)), "p")


def test_another_projects_facts_do_not_count():
    with pytest.raises(NotReleasedError):
        milestones.check_released(package(StagingTest=PASSED, StagingApproval=APPROVED), "q", CONFIG)


def test_a_record_is_read_as_it_was_written():
    milestone = milestones.now(milestones.PASSED, CONFIG, "arn:aws:sts::1:assumed-role/a b/session")
    assert milestones.read({"p/StagingTest": str(milestone)}, "p", milestones.TEST) == milestone
    assert not milestones.was_in_production(package(), "p")
    assert milestones.was_in_production(package(Production=f"Deployed 2026-01-31T12:00:00Z {CONFIG}"), "p")
