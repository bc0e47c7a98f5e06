"""Answers that are unlike AWS's are found: what the whole suite relies on when it says that there are none."""

import time
from pathlib import Path
from typing import Any

import pytest
from botocore.model import StructureShape

from localaws.api_errors import ApiError, UnsupportedOperation, ValidationError
from localaws.protocol import answers
from localaws.protocol.answers import answer_faults, note_answer, note_refusal
from localaws.protocol.model import service_model
from localaws.sagemaker.errors import ConflictException, ResourceNotFound

DESCRIBE_GROUP = service_model("sagemaker").operation_model("DescribeModelPackageGroup")
GROUP: dict[str, Any] = {
    "ModelPackageGroupName": "g",
    "ModelPackageGroupArn": "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/g",
    "CreationTime": 1_700_000_000.5,
    "CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::000000000000:root"}},
    "ModelPackageGroupStatus": "Completed",
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that faults are written to, other than the suite's own."""
    path = tmp_path / "answers.txt"
    monkeypatch.setattr(answers, "_file", lambda: path)
    return path


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"CreatedBy": None}, "Value null at 'createdBy'"),
        ({"CreatedBy": {"Name": "me"}}, "Unknown member 'createdBy.Name'"),
        ({"ModelPackageGroupStatus": "Done"}, "enum value set"),
        ({"ModelPackageGroupName": "a b"}, "regular expression pattern"),
        ({"ModelPackageGroupName": 7}, "can not be converted to a string"),
        ({"CreationTime": "2026-01-31T12:00:00Z"}, "no number of seconds"),
        ({"CreationTime": float("nan")}, "no number of seconds"),
    ],
)
def test_what_the_model_does_not_allow_is_a_fault(changed: dict[str, Any], fault: str) -> None:
    shape = DESCRIBE_GROUP.output_shape
    assert answer_faults(shape, GROUP) == []
    (found,) = answer_faults(shape, GROUP | changed)
    assert fault in found


def test_an_empty_list_is_an_answer() -> None:
    shape = service_model("codebuild").operation_model("BatchGetBuilds").output_shape
    assert answer_faults(shape, {"builds": [], "buildsNotFound": []}) == []
    assert answer_faults(shape, {"buildsNotFound": [""]}) != []


def test_times_that_are_text_in_the_model() -> None:
    shape = service_model("ecr").operation_model("GetAuthorizationToken").output_shape
    assert isinstance(shape, StructureShape)
    assert answer_faults(shape, {"authorizationData": [{"expiresAt": time.time()}]}) == []


def test_faults_are_written_down_with_their_operation(written: Path) -> None:
    note_answer(DESCRIBE_GROUP, GROUP)
    note_refusal(DESCRIBE_GROUP, ValidationError("ModelPackageGroup g does not exist."))
    note_refusal(DESCRIBE_GROUP, UnsupportedOperation("not here"))
    assert not written.exists()
    note_answer(DESCRIBE_GROUP, GROUP | {"ModelPackageGroupStatus": "Done"})
    note_refusal(DESCRIBE_GROUP, ResourceNotFound("g"))
    answer, refusal = written.read_text().splitlines()
    assert answer.startswith("sagemaker.DescribeModelPackageGroup: Value 'Done'")
    assert refusal == "sagemaker.DescribeModelPackageGroup: the error ResourceNotFound (g) is none of its own: none"


def test_an_error_is_one_of_its_operation(written: Path) -> None:
    delete = service_model("sagemaker").operation_model("DeleteModelPackageGroup")
    note_refusal(delete, ConflictException("it has packages"))
    assert not written.exists()

    class Strange(ApiError):
        code = "Strange"

    note_refusal(delete, Strange("what?"))
    assert "Strange" in written.read_text()
