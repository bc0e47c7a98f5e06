"""What goes with the project's template: collected, named by its content, put where Studio looks."""

import subprocess
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deploy import assets, first_commit, studio
from deploy.errors import DeployError
from tests.conftest import LocalAws
from tests.deploy.conftest import run_module

_SPECIFICATIONS = ("codebuild-buildspec.yml", "deploy/buildspec.yml", "deploy/test/buildspec.yml")


@pytest.fixture
def working_copy(tmp_path: Path) -> Path:
    """A project with a file that git ignores and a script."""
    folder = tmp_path / "copy"
    for name in (*_SPECIFICATIONS, "kept.py", "ignored.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "--all"], check=True)
    return folder


def test_the_same_content_has_the_same_place(working_copy: Path) -> None:
    before = assets.collect(first_commit.read(working_copy))
    assert assets.collect(first_commit.read(working_copy)).digest == before.digest
    (working_copy / "kept.py").write_text("changed")
    assert assets.collect(first_commit.read(working_copy)).digest != before.digest
    assert {"code.zip", "templates/build.yml", "functions/invoke.zip"} <= set(before.files)
    assert "templates/project.yml" not in before.files


def test_studio_finds_the_template_in_s3(local_aws: LocalAws, working_copy: Path) -> None:
    bucket, s3 = f"studio-{uuid.uuid4().hex[:12]}", local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    options = ("--source", str(working_copy), "--s3-bucket", bucket)
    done = run_module("deploy_model", "install-project-template", *options, environ=local_aws.env, cwd=working_copy)
    assert done.returncode == 0, done.stderr
    key = "model-road/templates/project.yml"
    assert f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}" in done.stdout
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    assert tags == [{"Key": "sagemaker:studio-visibility", "Value": "true"}]
    [rule] = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://*.sagemaker.aws"]
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    place = text.partition("\n  AssetsPrefix:\n    Type: String\n    Default: ")[2].partition("\n")[0]
    assert f"\n  AssetsBucket:\n    Type: String\n    Default: {bucket}\n" in text
    for name in ("templates/build.yml", "templates/release.yml", "functions/invoke.zip", "code.zip"):
        s3.head_object(Bucket=bucket, Key=f"{place}/{name}")
    again = run_module("deploy_model", "install-project-template", *options, environ=local_aws.env, cwd=working_copy)
    assert "lets SageMaker Studio read (no change)" in again.stdout


def test_a_domain_that_is_not_there_is_named(local_aws: LocalAws, working_copy: Path) -> None:
    bucket = f"studio-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").create_bucket(Bucket=bucket)
    options = ("--source", str(working_copy), "--s3-bucket", bucket, "--domain-id", "d-none")
    done = run_module("deploy_model", "install-project-template", *options, environ=local_aws.env, cwd=working_copy)
    assert done.returncode == 1
    assert "the Studio domain d-none cannot be told of the template" in done.stderr


def test_the_template_goes_beside_others_under_a_name_of_its_own(local_aws: LocalAws, working_copy: Path) -> None:
    bucket, s3 = f"studio-{uuid.uuid4().hex[:12]}", local_aws.client("s3")
    theirs = f"{bucket}-theirs"
    for each in (bucket, theirs):
        s3.create_bucket(Bucket=each)
    options = ("--source", str(working_copy), "--s3-bucket", bucket, "--template-location", f"s3://{theirs}/templates")
    done = run_module("deploy_model", "install-project-template", *options, environ=local_aws.env, cwd=working_copy)
    assert done.returncode == 0, done.stderr
    assert f"https://{theirs}.s3.us-east-1.amazonaws.com/templates/model-road.yml" in done.stdout
    tags = s3.get_object_tagging(Bucket=theirs, Key="templates/model-road.yml")["TagSet"]
    assert tags == [{"Key": "sagemaker:studio-visibility", "Value": "true"}]
    assert s3.get_bucket_cors(Bucket=theirs)["CORSRules"]
    options = (*options[:-1], theirs)
    wrong = run_module("deploy_model", "install-project-template", *options, environ=local_aws.env, cwd=working_copy)
    assert wrong.returncode == 2
    assert f"expected s3://bucket/folder/, got '{theirs}'" in wrong.stderr


DOMAIN = "arn:aws:sagemaker:us-east-1:000000000000:domain/d-1"
LOCATION = "sagemaker:projectS3TemplatesLocation"


def stub_domain(stub: Stubber, shown: str | None) -> None:
    """A domain that shows the templates of a folder; the tag stands on the second page."""
    stub.add_response("describe_domain", {"DomainArn": DOMAIN}, {"DomainId": "d-1"})
    stub.add_response("list_tags", {"Tags": [{"Key": "team", "Value": "ml"}], "NextToken": "n"})
    stub.add_response("list_tags", {"Tags": [{"Key": LOCATION, "Value": shown}] if shown else []})


def test_a_domain_that_shows_nothing_yet_is_told() -> None:
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub_domain(stub, None)
        tags = [{"Key": LOCATION, "Value": "s3://b/templates/"}]
        stub.add_response("add_tags", {"Tags": tags}, {"ResourceArn": DOMAIN, "Tags": tags})
        assert studio.show_in_domain(client, "d-1", "s3://b/templates/")
        stub.assert_no_pending_responses()


def test_a_domain_that_shows_it_already_is_left_alone() -> None:
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub_domain(stub, "s3://b/templates")
        assert not studio.show_in_domain(client, "d-1", "s3://b/templates/")


@pytest.mark.parametrize("tell", [studio.check_domain, studio.show_in_domain])
def test_a_domain_that_shows_the_templates_of_others_is_refused(tell: Any) -> None:
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub_domain(stub, "s3://theirs/templates/")
        with pytest.raises(DeployError) as refused:
            tell(client, "d-1", "s3://b/templates/")
    for part in (
        "shows the templates of s3://theirs/templates/",
        "--template-location s3://theirs/templates/",
        f"delete-tags --resource-arn {DOMAIN} --tag-keys {LOCATION}",
    ):
        assert part in str(refused.value)


ROLE = "arn:aws:iam::000000000000:role/launch"
URL = "https://b.s3.us-east-1.amazonaws.com/project.yml"
ARTIFACT = {"Name": "v1", "Info": {"LoadTemplateFromURL": URL}, "Type": "CLOUD_FORMATION_TEMPLATE"}


@pytest.fixture
def catalog() -> Any:
    """Service Catalog, which local AWS has not: what is sent is held against botocore's model of it."""
    client = boto3.client("servicecatalog", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def test_a_product_of_service_catalog(catalog: Any) -> None:
    client, stub = catalog
    view = {"ProductViewDetail": {"ProductViewSummary": {"ProductId": "prod-1"}}}
    product = {
        "Name": studio._PRODUCT,
        "Owner": "model-road",
        "ProductType": "CLOUD_FORMATION_TEMPLATE",
        "ProvisioningArtifactParameters": ARTIFACT,
        "Tags": [{"Key": "sagemaker:studio-visibility", "Value": "true"}],
    }
    stub.add_response("search_products_as_admin", {"ProductViewDetails": []})
    stub.add_response("create_portfolio", {"PortfolioDetail": {"Id": "port-1"}})
    stub.add_response("create_product", view, product)
    stub.add_response("associate_product_with_portfolio", {}, {"ProductId": "prod-1", "PortfolioId": "port-1"})
    stub.add_response("create_constraint", {})
    assert studio.put_product(client, URL, "v1", ROLE) == "prod-1"


def test_a_product_that_is_there_gets_another_version_once(catalog: Any) -> None:
    client, stub = catalog
    known = {"ProductViewDetails": [{"ProductViewSummary": {"ProductId": "prod-1", "Name": studio._PRODUCT}}]}
    for versions in ([], [{"Name": "v1"}]):
        stub.add_response("search_products_as_admin", known)
        stub.add_response("list_provisioning_artifacts", {"ProvisioningArtifactDetails": versions})
        if not versions:
            stub.add_response("create_provisioning_artifact", {})
        assert studio.put_product(client, URL, "v1", ROLE) == "prod-1"
