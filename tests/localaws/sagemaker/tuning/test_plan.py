"""What a tuning job's request means for its training jobs."""

from typing import Any

import pytest

from localaws.sagemaker.tuning.plan import Plan, resource_config, resources

Document = dict[str, Any]


def request(**definition: Any) -> Document:
    """A request with one range and one objective."""
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1"]}]},
        },
        "TrainingJobDefinition": {"AlgorithmSpecification": {"TrainingImage": "python"}, **definition},
    }


def test_a_training_request_has_static_and_tuned_hyperparameters() -> None:
    (definition,) = Plan.of(request(StaticHyperParameters={"epochs": "3"}, RoleArn="role"), 0).definitions
    made = definition.training_request("job", {"x": "1"}, [{"Key": "a", "Value": "b"}])
    assert made["HyperParameters"] == {"epochs": "3", "x": "1", "_tuning_objective_metric": "score"}
    assert (made["TrainingJobName"], made["RoleArn"], made["Tags"]) == ("job", "role", [{"Key": "a", "Value": "b"}])


def test_what_is_described_has_the_objective_and_the_resources() -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
    given = request(StaticHyperParameters={"epochs": "3"}, HyperParameterTuningResourceConfig=resources)
    (definition,) = Plan.of(given, 0).definitions
    assert definition.described["StaticHyperParameters"] == {"epochs": "3", "_tuning_objective_metric": "score"}
    assert definition.described["ResourceConfig"] == resources
    (again,) = Plan.of(request(**definition.described), 0).definitions  # as a warm start's author copies it
    assert again.static == {"epochs": "3"}


def test_each_training_job_has_checkpoints_of_its_own() -> None:
    checkpoints = {"S3Uri": "s3://bucket/checkpoints/", "LocalPath": "/opt/ml/checkpoints"}
    (definition,) = Plan.of(request(CheckpointConfig=checkpoints), 0).definitions
    made = definition.training_request("job", {"x": "1"}, [])["CheckpointConfig"]
    assert made == {"S3Uri": "s3://bucket/checkpoints/job", "LocalPath": "/opt/ml/checkpoints"}


def test_resources_come_from_either_place() -> None:
    plain = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
    other = plain | {"InstanceType": "ml.c5.xlarge"}
    assert resource_config({"ResourceConfig": plain}) == plain
    assert resource_config({"HyperParameterTuningResourceConfig": plain | {"VolumeKmsKeyId": "key"}}) == plain | {
        "VolumeKmsKeyId": "key"
    }
    several = {"InstanceConfigs": [other, plain], "AllocationStrategy": "Prioritized"}
    assert resource_config({"HyperParameterTuningResourceConfig": several}) == other


@pytest.mark.parametrize(
    ("band", "static", "expected"),
    [
        ({"MinResource": 2, "MaxResource": 9}, {"epochs": "20"}, (2, 9)),
        ({}, {"n_epochs": "20"}, (1, 20)),
        ({}, {"epochs": "many"}, (1, 0)),
    ],
)
def test_hyperbands_resources(band: Document, static: dict[str, str], expected: tuple[int, int]) -> None:
    config = {"StrategyConfig": {"HyperbandStrategyConfig": band}}
    assert resources(config, {"StaticHyperParameters": static}) == expected
