"""What is deployed is what was approved: a model, an image or a description that changed since is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy import approved, packages
from deploy.errors import NotAsApprovedError
from tests.conftest import LocalAws
from tests.deploy.conftest import Registry, Run

Change = Callable[[Registry, packages.Package], packages.Package]


def described(registry: Registry, arn: str) -> packages.Package:
    return packages.describe(registry.local_aws.client("sagemaker"), arn)


def model_data(package: packages.Package) -> dict[str, str]:
    """Where the model data of a version are, in the words of S3's API."""
    [container] = package.document["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def overwrite(registry: Registry, package: packages.Package) -> packages.Package:
    registry.local_aws.client("s3").put_object(**model_data(package), Body=b"another model")
    return package


def change_environment(registry: Registry, package: packages.Package) -> packages.Package:
    specification = json.loads(json.dumps(package.document["InferenceSpecification"]))
    specification["Containers"][0]["Environment"] = {"SAGEMAKER_PROGRAM": "another.py"}
    registry.local_aws.client("sagemaker").update_model_package(
        ModelPackageArn=package.arn, InferenceSpecification=specification
    )
    return described(registry, package.arn)


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
@pytest.mark.parametrize(
    ("change", "what"), [(overwrite, "the model data of"), (change_environment, "the description of the containers of")]
)
def test_a_version_that_changed_after_its_approval_is_refused(
    registry: Registry, versioning: str, change: Change, what: str
) -> None:
    aws = registry.local_aws
    aws.client("s3").put_bucket_versioning(Bucket=registry.bucket, VersioningConfiguration={"Status": versioning})
    package = described(registry, registry.register_approved())
    approved.check(aws.client, package)
    with pytest.raises(NotAsApprovedError, match=f"^{what} .*/1 changed after the approval at 20") as refused:
        approved.check(aws.client, change(registry, package))
    assert f"`deploy-model approve-model {package.arn}`" in str(refused.value)
    changed = described(registry, package.arn)
    assert approved.approve(aws.client, aws.client("sagemaker"), changed, "") is True
    again = described(registry, package.arn)
    approved.check(aws.client, again)
    assert approved.approve(aws.client, aws.client("sagemaker"), again, "") is False


def test_the_same_content_is_the_same_where_the_bucket_keeps_no_versions(registry: Registry) -> None:
    package = described(registry, registry.register_approved())
    registry.local_aws.client("s3").put_object(**model_data(package), Body=b"model")
    approved.check(registry.local_aws.client, package)


def test_model_data_that_are_gone_are_named(registry: Registry) -> None:
    package = described(registry, registry.register_approved())
    registry.local_aws.client("s3").delete_object(**model_data(package))
    with pytest.raises(NotAsApprovedError, match=f"s3://{registry.bucket}/.* are not there: build a new version"):
        approved.check(registry.local_aws.client, package)


def test_an_approval_that_kept_nothing_is_refused_and_one_by_another_client_is_kept_later(registry: Registry) -> None:
    aws, arn = registry.local_aws, registry.register("Approved")
    with pytest.raises(NotAsApprovedError, match="was not kept, so that nobody knows"):
        approved.check(aws.client, described(registry, arn))
    assert approved.keep(aws.client, aws.client("sagemaker"), described(registry, arn)) is True
    approved.check(aws.client, described(registry, arn))
    overwrite(registry, described(registry, arn))
    assert approved.keep(aws.client, aws.client("sagemaker"), described(registry, arn)) is False
    with pytest.raises(NotAsApprovedError, match="the model data"):
        approved.check(aws.client, described(registry, arn))


def test_every_object_below_a_prefix_counts(registry: Registry) -> None:
    s3, package = registry.local_aws.client("s3"), described(registry, registry.register())
    for name in ("a", "b"):
        s3.put_object(Bucket=registry.bucket, Key=f"weights/{name}", Body=b"1")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{registry.bucket}/weights/", "CompressionType": "None"}
    containers = [{"ModelDataSource": {"S3DataSource": source}}]
    before = list(approved.data(s3, package, containers))
    assert [line.split()[0] for line in before] == [f"s3://{registry.bucket}/weights/{name}" for name in "ab"]
    s3.put_object(Bucket=registry.bucket, Key="weights/b", Body=b"2")
    assert list(approved.data(s3, package, containers)) != before


def test_an_image_is_known_by_its_digest_where_its_registry_tells_it(local_aws: LocalAws, registry: Registry) -> None:
    ecr, package = local_aws.client("ecr"), described(registry, registry.register())
    ecr.create_repository(repositoryName=registry.group)
    uri = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{registry.group}"

    def known(image: str) -> str:
        return approved.images(local_aws.client, package, [{"Image": image}])

    found = []
    for content in ("1", "2"):
        ecr.put_image(repositoryName=registry.group, imageManifest=json.dumps({"of": content}), imageTag="live")
        found.append(known(f"{uri}:live"))
    assert found[0] != found[1]
    assert approved.UNKNOWN not in found
    assert known(f"{uri}:missing") == approved.UNKNOWN
    pinned = f"{uri}@sha256:{'0' * 64}"
    assert known(pinned) not in (approved.UNKNOWN, *found)
    assert known("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3") == "unknown"


def test_a_registry_of_our_own_that_refuses_is_no_unknown_image(registry: Registry) -> None:
    def refusing(service: str, **_: Any) -> Any:
        return Refusing()

    class Refusing:
        def batch_get_image(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "BatchGetImage")

    package = described(registry, registry.register())
    ours, theirs = (f"{account}.dkr.ecr.us-east-1.amazonaws.com/r:1" for account in ("000000000000", "683313688378"))
    with pytest.raises(ClientError):
        approved.images(refusing, package, [{"Image": ours}])
    assert approved.images(refusing, package, [{"Image": theirs}]) == approved.UNKNOWN


def test_the_property_fits_into_the_registry_and_is_read_again(registry: Registry) -> None:
    package = described(registry, registry.register_approved())
    [text] = [value for key, value in package.metadata.items() if key == approved.PROPERTY]
    kept = approved.kept(package)
    assert kept is not None
    known = replace(kept[1], images="f" * 64)
    assert len(f"{kept[0]} {known}") <= 256, "CustomerMetadataValue's limit"
    assert text == f"{kept[0]} {kept[1]}"
    assert approved.kept(replace(package, metadata={approved.PROPERTY: "true"})) is None


def test_deploy_model_deploys_nothing_else(registry: Registry, deploy_model: Run) -> None:
    arn = registry.register()
    approval = deploy_model("approve-model", arn)
    assert approval.returncode == 0, approval.stderr
    overwrite(registry, described(registry, arn))
    for command in (("staging",), ("ab", arn), ("shadow", arn)):
        done = deploy_model(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "changed after the approval" in done.stderr
    cloudformation = registry.local_aws.client("cloudformation")
    assert registry.group not in str(cloudformation.list_stacks()["StackSummaries"])
