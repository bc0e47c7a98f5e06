"""What a project asks of SageMaker's quotas: by its stages and by the definitions of its pipelines."""

from typing import Any

import pytest

from deploy.check import needs
from deploy.check.finding import Status
from deploy.check.needs import Job
from deploy.check.quotas import verdict
from deploy.commands.doctor import SAMPLE

PARAMETERS = [
    {"Name": "Type", "Type": "String", "DefaultValue": "ml.t3.medium"},
    {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
]
OF_PARAMETERS = {"InstanceType": {"Get": "Parameters.Type"}, "InstanceCount": {"Get": "Parameters.Count"}}
LARGE = {"InstanceType": "ml.m5.large", "InstanceCount": 2}


def step(kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Name": "Step", "Type": kind, "Arguments": arguments}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            step("Processing", {"ProcessingResources": {"ClusterConfig": OF_PARAMETERS}}),
            [("processing job", "ml.t3.medium", 3)],
        ),
        (
            step("QualityCheck", {"ProcessingResources": {"ClusterConfig": LARGE}}),
            [("processing job", "ml.m5.large", 2)],
        ),
        (step("Training", {"ResourceConfig": LARGE}), [("training job", "ml.m5.large", 2)]),
        (
            step("Training", {"ResourceConfig": LARGE, "EnableManagedSpotTraining": True}),
            [("spot training job", "ml.m5.large", 2)],
        ),
        (
            step("Training", {"ResourceConfig": {"InstanceGroups": [LARGE, OF_PARAMETERS]}}),
            [("training job", "ml.m5.large", 2), ("training job", "ml.t3.medium", 3)],
        ),
        (step("Transform", {"TransformResources": LARGE}), [("transform job", "ml.m5.large", 2)]),
        (
            step(
                "Tuning",
                {
                    "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxParallelTrainingJobs": 4}},
                    "TrainingJobDefinition": {"ResourceConfig": LARGE},
                },
            ),
            [("training job", "ml.m5.large", 8)],
        ),
        (
            step("Condition", {"IfSteps": [step("Training", {"ResourceConfig": LARGE})], "ElseSteps": []}),
            [("training job", "ml.m5.large", 2)],
        ),
        # Only an execution knows what an earlier step has given.
        (
            step("Training", {"ResourceConfig": {"InstanceType": {"Get": "Steps.Choose.OutputParameters['type']"}}}),
            [("training job", "", 1)],
        ),
        (step("RegisterModel", {}), []),
        (step("Fail", {"ErrorMessage": "no"}), []),
    ],
)
def test_what_a_step_runs_on(made: dict[str, Any], expected: list[tuple[str, str, int]]) -> None:
    found = list(needs.jobs({"Parameters": PARAMETERS, "Steps": [made]}))
    assert found == [Job("Step", *each) for each in expected]


def test_a_pipeline_needs_its_largest_job_and_pipelines_run_at_once() -> None:
    small = {**step("Training", {"ResourceConfig": {**LARGE, "InstanceCount": 1}}), "Name": "Small"}
    large = {**step("Training", {"ResourceConfig": LARGE}), "Name": "Large"}
    [need] = needs.of_pipelines({"one": {"Steps": [small, large]}, "two": {"Steps": [small]}})
    assert (need.quota, need.asked, need.at_most) == ("ml.m5.large for training job usage", 2, 3)
    assert (need.who, need.when) == ("Large of one takes 2", "one and two at once take 3")


def test_a_serverless_stage_needs_no_instance() -> None:
    serverless = {"ServerlessMemorySizeInMB": "2048", "EndpointInstanceType": "ml.m5.large"}
    assert needs.of_stages([serverless]) == []


def quotas(**values: float) -> dict[str, dict[str, Any]]:
    """Quotas for training jobs, by the size of ml.m5."""
    names = {size: f"ml.m5.{size} for training job usage" for size in values}
    return {names[size]: {"QuotaName": names[size], "QuotaCode": "L-1", "Value": values[size]} for size in values}


def test_who_has_none_of_a_type_is_told_what_there_is() -> None:
    [need] = needs.of_pipelines({"p": {"Steps": [step("Training", {"ResourceConfig": LARGE})]}})
    said = verdict(need, "sagemaker", quotas(large=0.0, xlarge=4.0, medium=1.0) | {"ml.m5.large for x": {"Value": 9}})
    assert (said.status, said.why) == (Status.FAILED, "0, and Step of p takes 2")
    assert said.action.startswith("`aws service-quotas request-service-quota-increase --service-code sagemaker")
    assert said.action.endswith("--quota-code L-1 --desired-value 2`, or take what the account has: ml.m5.xlarge (4)")


def test_the_sample_needs_what_new_accounts_have_for_processing() -> None:
    """tests/models/lr/test_definition.py holds this table against the definitions."""
    found = {need.quota for need in needs.of_pipelines(SAMPLE)}
    assert found == {
        "ml.t3.medium for processing job usage",
        "ml.m5.large for training job usage",
        "ml.m5.large for transform job usage",
    }
