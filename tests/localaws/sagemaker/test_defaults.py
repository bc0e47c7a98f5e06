"""What AWS adds to a request: the table of it agrees with botocore's model, and reaches every depth of a document."""

from typing import Any

import pytest
from botocore.model import StructureShape

from localaws.protocol.answers import answer_faults
from localaws.protocol.model import service_model
from localaws.sagemaker.families.defaults import DEFAULTS, completed

Document = dict[str, Any]


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_row_is_a_structure_and_its_members_are_valid(name: str) -> None:
    shape = service_model("sagemaker").shape_for(name)
    assert isinstance(shape, StructureShape)
    assert set(DEFAULTS[name]) <= set(shape.members)
    missing = "Member must not be null"  # the members that the request has
    assert [fault for fault in answer_faults(shape, dict(DEFAULTS[name])) if missing not in fault] == []


def test_a_training_job_that_says_little() -> None:
    channel: Document = {"ChannelName": "a", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/a"}}}
    given: Document = {
        "InputDataConfig": [channel, channel | {"CompressionType": "Gzip"}],
        "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
        "StoppingCondition": {"MaxWaitTimeInSeconds": 90_000},
        "HyperParameters": {"StoppingCondition": "x"},
    }
    found = completed("DescribeTrainingJob", given)
    assert found == {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "InputDataConfig": [
            channel | {"CompressionType": "None", "RecordWrapperType": "None"},
            channel | {"CompressionType": "Gzip", "RecordWrapperType": "None"},
        ],
        "OutputDataConfig": {"KmsKeyId": "", "S3OutputPath": "s3://b/out"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400, "MaxWaitTimeInSeconds": 90_000},
        "HyperParameters": {"StoppingCondition": "x"},
    }
    assert "KmsKeyId" not in given["OutputDataConfig"]
    assert completed("DescribeTrainingJob", found) == found


def test_a_tuning_job_says_what_version_2_of_the_sdk_reads() -> None:
    """``HyperparameterTuner.attach`` reads these members without asking whether they are there."""
    job = {
        "HyperParameterTuningJobConfig": {"Strategy": "Random", "ParameterRanges": {}},
        "TrainingJobDefinition": {"AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"}},
    }
    found = completed("DescribeHyperParameterTuningJob", job)
    assert found["HyperParameterTuningJobConfig"] == {
        "Strategy": "Random",
        "TrainingJobEarlyStoppingType": "Off",
        "ParameterRanges": {
            "IntegerParameterRanges": [],
            "ContinuousParameterRanges": [],
            "CategoricalParameterRanges": [],
        },
    }
    assert found["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"] == []
