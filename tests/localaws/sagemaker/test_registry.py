"""The model registry beyond versions and approval: policies, batches, packages without a group."""

import json
from pathlib import Path
from typing import Any

import pytest

from localaws.sagemaker.jobs.transform import model_container
from localaws.storage.store import Resource, Store
from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, EventQueue, unique
from tests.localaws.sagemaker.resources import make_package, refusal

Document = dict[str, Any]


def make_unversioned(bench: Bench, name: str) -> str:
    uri = bench.put("packaged/model.tar.gz", b"")
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": uri}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn: str = bench.sagemaker.create_model_package(ModelPackageName=name, InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    return arn


def test_a_groups_policy(bench: Bench) -> None:
    group = unique("group")
    arn = bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    name = {"ModelPackageGroupName": group}
    assert refusal(bench.sagemaker.get_model_package_group_policy, **name)[0] == "ValidationException"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sagemaker:DescribeModelPackageGroup", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = bench.sagemaker.put_model_package_group_policy(**name, ResourcePolicy=policy)
    assert put["ModelPackageGroupArn"] == arn
    assert bench.sagemaker.get_model_package_group_policy(**name)["ResourcePolicy"] == policy
    bench.sagemaker.delete_model_package_group_policy(**name)
    assert refusal(bench.sagemaker.delete_model_package_group_policy, **name)[0] == "ValidationException"


def test_an_approval_is_announced_as_the_guide_shows_it(local_aws: LocalAws, bench: Bench) -> None:
    events = EventQueue(local_aws, "SageMaker Model Package State Change")
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = make_package(bench, group)
    bench.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="best so far"
    )
    found = events.details(("ModelPackageArn", arn), lambda detail: detail.get("ModelApprovalStatus") == "Approved")
    assert "UpdatedModelPackageFields" not in found[0]
    detail = found[-1]
    assert (detail["ModelPackageGroupName"], detail["ModelPackageVersion"]) == (group, 1)
    assert sorted(detail["UpdatedModelPackageFields"]) == ["ApprovalDescription", "ModelApprovalStatus"]
    assert detail["CreationTime"].endswith("Z")


@pytest.mark.parametrize("policy", ["{", "[]", "{}", '{"Statement": [{"Effect": "Allow"}]}'])
def test_a_policy_that_is_none_is_refused(bench: Bench, policy: str) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    put = bench.sagemaker.put_model_package_group_policy
    code, message = refusal(put, ModelPackageGroupName=group, ResourcePolicy=policy)
    assert (code, message.startswith("Malformed ResourcePolicy")) == ("ValidationException", True)


def test_a_batch_of_packages_with_one_that_is_gone(bench: Bench) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arns = [make_package(bench, group), make_package(bench, group)]
    gone = f"{arns[0]}9"
    answer = bench.sagemaker.batch_describe_model_package(ModelPackageArnList=[*arns, gone])
    assert sorted(answer["ModelPackageSummaries"]) == sorted(arns)
    assert answer["ModelPackageSummaries"][arns[1]]["ModelPackageVersion"] == 2
    assert gone in answer["BatchDescribeModelPackageErrorMap"]
    assert answer["BatchDescribeModelPackageErrorMap"][gone]["ErrorCode"] == "ValidationException"


def test_a_version_has_its_groups_tags_and_no_name(bench: Bench) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    register = bench.sagemaker.create_model_package
    code, message = refusal(register, ModelPackageGroupName=group, Tags=[{"Key": "a", "Value": "b"}])
    assert (code, f"ModelPackageGroup '{group}'" in message) == ("ValidationException", True)
    make_package(bench, group)
    [row] = bench.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert (row["ModelPackageVersion"], row.get("ModelPackageName")) == (1, None)


def test_a_package_without_containers_makes_no_model(bench: Bench) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = bench.sagemaker.create_model_package(ModelPackageGroupName=group)["ModelPackageArn"]
    container = {"ModelPackageName": arn}
    code, message = refusal(
        bench.sagemaker.create_model, ModelName=unique("model"), ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    assert (code, message) == (
        "ValidationException",
        f"Model package {arn} has no InferenceSpecification: a model cannot be made of it",
    )


def test_packages_without_a_group(bench: Bench) -> None:
    name, group = unique("package"), unique("package")
    arn = make_unversioned(bench, name)
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    versioned = make_package(bench, group)
    assert refusal(bench.sagemaker.create_model_package, ModelPackageName=name)[0] == "ConflictException"
    described = bench.sagemaker.describe_model_package(ModelPackageName=name)
    assert (described["ModelPackageName"], described["ModelPackageStatus"]) == (name, "Completed")
    assert "ModelPackageVersion" not in described

    def listed(**query: Any) -> set[str]:
        rows = bench.sagemaker.list_model_packages(NameContains="package-", MaxResults=100, **query)
        return {row["ModelPackageArn"] for row in rows["ModelPackageSummaryList"]} & {arn, versioned}

    assert listed() == listed(ModelPackageType="Unversioned") == {arn}
    assert listed(ModelPackageType="Versioned") == {versioned}
    assert listed(ModelPackageType="Both") == {arn, versioned}
    bench.sagemaker.create_model(
        ModelName=unique("model"), ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": name}
    )
    bench.sagemaker.delete_model_package(ModelPackageName=name)
    assert listed() == set()


def test_an_update_keeps_all_that_it_is_given(bench: Bench) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = make_package(bench, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    stage: Document = {"Stage": "Production", "StageStatus": "Approved"}
    specification = {"Name": "edge", "Containers": [{"Image": IMAGE}]}
    bench.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle=stage,
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
        AdditionalInferenceSpecificationsToAdd=[specification],
    )
    described = bench.sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelLifeCycle"] == stage
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert described["AdditionalInferenceSpecifications"] == [specification]
    assert described["LastModifiedTime"] > described["CreationTime"]


@pytest.mark.parametrize("named", ["package", "arn:aws:sagemaker:us-east-1:000000000000:model-package/package"])
def test_a_models_package_is_found_by_its_name_and_by_its_arn(tmp_path: Path, named: str) -> None:
    store = Store(tmp_path / "store.sqlite")
    prefix = "arn:aws:sagemaker:us-east-1:000000000000"
    container: Document = {"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}
    package = {"InferenceSpecification": {"Containers": [container]}}
    store.add(Resource("model-package", "package", f"{prefix}:model-package/package", package))
    model = {"PrimaryContainer": {"ModelPackageName": named}}
    store.add(Resource("model", "model", f"{prefix}:model/model", model))
    assert model_container(store, f"{prefix}:model/model")["ModelDataUrl"] == "s3://bucket/model.tar.gz"
