"""The check of requests against botocore's service model."""

from typing import Any

import pytest

from localaws.sagemaker.errors import SerializationError, ValidationError
from localaws.sagemaker.service_model import answer, check_request, declares_error


@pytest.mark.parametrize(
    ("operation", "request_", "sentence"),
    [
        (
            "DescribeTrainingJob",
            {},
            "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            "DescribeTrainingJob",
            {"TrainingJobName": "a_b"},
            "Value 'a_b' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        (
            "DescribeTrainingJob",
            {"TrainingJobName": "a" * 64},
            "Member must have length less than or equal to 63",
        ),
        ("ListTrainingJobs", {"MaxResults": 0}, "Member must have value greater than or equal to 1"),
        (
            "ListTrainingJobs",
            {"SortBy": "Colour"},
            "Value 'Colour' at 'sortBy' failed to satisfy constraint: Member must satisfy enum value set: "
            "[Name, CreationTime, Status]",
        ),
        ("ListTrainingJobs", {"Colour": "red"}, "Unknown member 'Colour'"),
        (
            "AddTags",
            {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m", "Tags": [{"Key": "", "Value": "x"}]},
            "at 'tags.1.member.key'",
        ),
    ],
)
def test_broken_constraints_in_awss_words(operation: str, request_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        check_request(operation, request_)
    assert sentence in refused.value.message


def test_all_broken_constraints_are_counted() -> None:
    with pytest.raises(ValidationError, match=r"^2 validation errors detected: "):
        check_request("ListTrainingJobs", {"SortBy": "Colour", "MaxResults": 0})


@pytest.mark.parametrize("value", ["3", True, 1.5, None])
def test_another_json_type_cannot_be_converted(value: Any) -> None:
    if value is None:
        check_request("ListTrainingJobs", {"MaxResults": None})
        return
    with pytest.raises(SerializationError, match="can not be converted to a integer"):
        check_request("ListTrainingJobs", {"MaxResults": value})


def test_a_steps_arguments_may_hold_expressions_and_lack_names() -> None:
    cluster = {"InstanceCount": {"Get": "Parameters.Count"}, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
    arguments = {
        "AppSpecification": {"ImageUri": {"Get": "Parameters.Image"}},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": "arn:aws:iam::000000000000:role/r",
    }
    check_request("CreateProcessingJob", arguments, dynamic=True)
    with pytest.raises(SerializationError):
        check_request("CreateProcessingJob", {"ProcessingJobName": "a", **arguments})
    with pytest.raises(ValidationError, match="'roleArn'"):
        check_request("CreateProcessingJob", {**arguments, "RoleArn": None}, dynamic=True)


def test_an_answer_has_the_members_of_the_model_only() -> None:
    assert answer("CreateModel", {"ModelArn": "arn", "Secret": 1, "Nothing": None}) == {"ModelArn": "arn"}


def test_the_model_says_which_error_is_declared() -> None:
    assert declares_error("DescribeTrainingJob", "ResourceNotFound")
    assert not declares_error("DescribeModel", "ResourceNotFound")
