"""The API as a client meets it: boto3 and the AWS CLI over HTTP."""

import http.client
import json
import socket

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, unique
from tests.localaws.sagemaker.resources import make_package, refusal


def test_a_wrong_name_gets_awss_sentence(bench: Bench) -> None:
    code, message = refusal(bench.sagemaker.describe_training_job, TrainingJobName="a_b")
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value 'a_b' at 'trainingJobName' failed to satisfy")


def test_what_is_not_there_is_named(bench: Bench) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:"
    for noun, words in (
        ("training_job", "Requested resource not found."),
        ("processing_job", "Could not find requested job with name: gone"),
        ("transform_job", "Could not find requested job with name: gone"),
        ("model", f'Could not find model "{arn}model/gone".'),
        ("endpoint", f'Could not find endpoint "{arn}endpoint/gone".'),
        ("endpoint_config", f'Could not find endpoint configuration "{arn}endpoint-config/gone".'),
        ("model_package_group", f"ModelPackageGroup {arn}model-package-group/gone does not exist."),
        ("project", f"Project {arn}project/gone does not exist."),
    ):
        member = f"{noun.title().replace('_', '')}Name"
        described = refusal(getattr(bench.sagemaker, f"describe_{noun}"), **{member: "gone"})
        assert described == ("ValidationException", words)
        if noun.endswith("job"):
            assert refusal(getattr(bench.sagemaker, f"stop_{noun}"), **{member: "gone"}) == described
    tuning = {"HyperParameterTuningJobName": "gone"}
    assert refusal(bench.sagemaker.describe_hyper_parameter_tuning_job, **tuning)[0] == "ResourceNotFound"
    assert refusal(bench.sagemaker.describe_pipeline, PipelineName="gone")[0] == "ResourceNotFound"


def test_what_is_not_supported_is_said_and_not_retried(bench: Bench) -> None:
    with pytest.raises(ClientError) as refused:
        bench.sagemaker.list_domains()
    response = refused.value.response
    assert response["Error"]["Code"] == "UnsupportedOperation"
    assert "ListDomains" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(local_aws: LocalAws, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", local_aws.sagemaker_port, timeout=60)
    connection.request("POST", "/", body, {"X-Amz-Target": "SageMaker.ListModels"})
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read())["__type"] == "SerializationException"


def test_half_a_request_is_none(local_aws: LocalAws, bench: Bench) -> None:
    group = unique("group")
    body = json.dumps({"ModelPackageGroupName": group}).encode()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: SageMaker.CreateModelPackageGroup\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", local_aws.sagemaker_port), timeout=60) as connection:
            connection.sendall(head + f"Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)


def test_an_unknown_route_is_refused(local_aws: LocalAws) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", local_aws.sagemaker_port, timeout=60)
    connection.request("POST", "/nowhere", b"1")
    answer = json.loads(connection.getresponse().read())
    assert answer["__type"] == "UnsupportedOperation"


def test_one_endpoint_url_serves_for_sagemaker_too(local_aws: LocalAws) -> None:
    client = local_aws.client("sagemaker", endpoint_url=f"http://127.0.0.1:{local_aws.port}")
    assert refusal(client.describe_training_job, TrainingJobName="gone")[0] == "ValidationException"


def make_models(bench: Bench, count: int) -> list[str]:
    prefix = unique("model")
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        bench.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
    return names


def test_paginators_filters_and_order(bench: Bench) -> None:
    names = make_models(bench, 13)
    prefix = names[0].rpartition("-")[0]
    pages = list(
        bench.sagemaker.get_paginator("list_models").paginate(NameContains=prefix, PaginationConfig={"PageSize": 5})
    )
    assert [len(page["Models"]) for page in pages] == [5, 5, 3]
    assert [row["ModelName"] for page in pages for row in page["Models"]] == names[::-1]
    by_name = bench.sagemaker.list_models(NameContains=prefix, SortBy="Name", SortOrder="Ascending", MaxResults=3)
    assert [row["ModelName"] for row in by_name["Models"]] == sorted(names)[:3]
    created = bench.sagemaker.describe_model(ModelName=names[6])["CreationTime"]
    later = bench.sagemaker.list_models(NameContains=prefix, CreationTimeAfter=created, MaxResults=100)["Models"]
    assert {row["ModelName"] for row in later} <= set(names[6:])
    assert set(names[7:]) <= {row["ModelName"] for row in later}
    assert refusal(bench.sagemaker.list_models, NextToken="nonsense")[0] == "ValidationException"


def test_a_name_is_taken_once(bench: Bench) -> None:
    (name,) = make_models(bench, 1)
    code, message = refusal(bench.sagemaker.create_model, ModelName=name, PrimaryContainer={"Image": IMAGE})
    assert (code, "Cannot create already existing model" in message) == ("ValidationException", True)
    bench.sagemaker.delete_model(ModelName=name)
    assert refusal(bench.sagemaker.describe_model, ModelName=name)[0] == "ValidationException"


def test_tags(bench: Bench) -> None:
    name = unique("model")
    arn = bench.sagemaker.create_model(
        ModelName=name, PrimaryContainer={"Image": IMAGE}, Tags=[{"Key": "team", "Value": "blue"}]
    )["ModelArn"]
    bench.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "7"}])
    tags = {tag["Key"]: tag["Value"] for tag in bench.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"team": "blue", "cost": "7"}
    bench.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert [tag["Key"] for tag in bench.sagemaker.list_tags(ResourceArn=arn)["Tags"]] == ["cost"]
    assert refusal(bench.sagemaker.list_tags, ResourceArn=f"{arn}x")[0] == "ValidationException"


def test_an_image_that_nothing_stands_for_says_what_to_do(bench: Bench) -> None:
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/my-team/odd:1"
    code, message = refusal(bench.sagemaker.create_model, ModelName=unique("m"), PrimaryContainer={"Image": image})
    assert code == "ValidationException"
    assert '{"my-team/odd": "/path/to/bin/python"}' in message


def test_model_data_must_be_there(bench: Bench) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bench.bucket}/nowhere/model.tar.gz"}
    message = refusal(bench.sagemaker.create_model, ModelName=unique("m"), PrimaryContainer=container)[1]
    assert message == f"Could not find model data at {container['ModelDataUrl']}."


def test_the_registry_counts_versions_and_keeps_approval(bench: Bench) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    first = make_package(bench, group)
    second = make_package(bench, group, ModelApprovalStatus="Approved")
    assert (first.rpartition("/")[2], second.rpartition("/")[2]) == ("1", "2")
    assert bench.sagemaker.describe_model_package(ModelPackageName=first)["ModelApprovalStatus"] == (
        "PendingManualApproval"
    )
    bench.sagemaker.update_model_package(
        ModelPackageArn=first, ModelApprovalStatus="Rejected", ApprovalDescription="too old"
    )
    approved = bench.sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    assert [row["ModelPackageArn"] for row in approved["ModelPackageSummaryList"]] == [second]
    described = bench.sagemaker.describe_model_package(ModelPackageName=first)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Rejected", "too old")
    assert refusal(bench.sagemaker.delete_model_package_group, ModelPackageGroupName=group)[0] == "ConflictException"
    bench.sagemaker.delete_model_package(ModelPackageName=second)
    assert make_package(bench, group).endswith("/3")  # a deleted version's number is not given again


def test_the_aws_cli_works(local_aws: LocalAws, bench: Bench) -> None:
    (name,) = make_models(bench, 1)
    listed = local_aws.run(["aws", "sagemaker", "list-models", "--name-contains", name, "--output", "json"])
    assert json.loads(listed.stdout)["Models"][0]["ModelName"] == name
    missing = local_aws.run(["aws", "sagemaker", "describe-model", "--model-name", "gone"])
    assert missing.returncode != 0
    assert 'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/gone"' in missing.stderr
