"""The doctor's verdicts on answers that local AWS does not give, and what it takes for granted about the templates."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from deploy.check.examination import examine_subject
from deploy.check.finding import Status, Verdict
from deploy.check.needs import Need
from deploy.doctor import names, permissions, quotas, region, templates
from deploy.doctor.catalog import STEPS
from deploy.doctor.launch import Launch, Part
from tests.deploy.check.stubbed import Answers, stubbed_clients
from tests.deploy.test_templates import TEMPLATES

ACCOUNT = "111122223333"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
NEED = Need("ml.m5.large for training job usage", 1, 2, "Train takes 1", "two take 2")
REGIONS = {"aws": ["eu-west-1", "us-east-1"], "aws-cn": ["cn-north-1"], "aws-us-gov": []}


def launch(client: Callable[[str], Any] = lambda _: None, **changes: Any) -> Launch:
    """A launch in eu-west-1 of a project p, whose caller is known."""
    made: dict[str, Any] = {
        "client_in": lambda service, _: client(service),
        "regions_of": lambda service, partition: [] if service == "iam" else REGIONS[partition],
        "region": "eu-west-1",
        "partition": "aws",
        "project_name": "p",
        "given_id": "p-1",
        "given_bucket": None,
        "parameters": {},
        "launch_role_arn": None,
        "needs": [NEED],
        "options": "--project-name p",
    }
    answers = {"identity": {"Account": ACCOUNT, "Arn": ANN}, "facts": False}
    return Launch(client=client, **{**made, **changes}, answers=answers)


def judge(part: Part, changes: dict[str, Any] | None = None, **answers: Answers) -> dict[str, Verdict]:
    """Check a part with services that give these answers; one that is a text is an error's code."""
    clients = stubbed_clients(answers)
    seen = launch(clients.__getitem__, **(changes or {}))
    return {finding.check: finding.verdict for finding in examine_subject(STEPS[-1], seen, part)}


def quota(name: str, value: float) -> Answers:
    return [("list_service_quotas", {"Quotas": [{"QuotaName": name, "QuotaCode": "L-1", "Value": value}]})]


BUILDS = "Concurrently running builds for Linux/Small environment"


@pytest.mark.parametrize(
    ("part", "answers", "status", "why"),
    [
        (Part("Quota", NEED.quota, "sagemaker"), quota(NEED.quota, 0.0), Status.FAILED, "0, and Train takes 1"),
        (Part("Quota", NEED.quota, "sagemaker"), quota(NEED.quota, 1.0), Status.WARNING, "1: Train takes 1, but two"),
        (Part("Quota", NEED.quota, "sagemaker"), quota(NEED.quota, 2.0), Status.OK, "2; Train takes 1"),
        (Part("Quota", BUILDS, "codebuild"), quota(BUILDS, 0.0), Status.FAILED, "0, and builds run one at a time"),
        (Part("Quota", BUILDS, "codebuild"), quota("other", 9.0), Status.UNKNOWN, "Service Quotas knows no"),
        (
            Part("Quota", NEED.quota, "sagemaker"),
            [("list_service_quotas", "AccessDeniedException")],
            Status.UNKNOWN,
            "no",
        ),
    ],
)
def test_quotas(part: Part, answers: Answers, status: Status, why: str) -> None:
    seen = judge(part, service_quotas=answers)["Enough"]
    assert (seen.status, seen.why.startswith(why)) == (status, True), seen
    assert "allow the caller to call ListServiceQuotas" in seen.action or why != "no"


def test_what_is_there_already_counts() -> None:
    apis = [{"endpointConfiguration": {"types": [kind]}} for kind in ("REGIONAL", "EDGE", "REGIONAL")]
    counted: Answers = [("get_rest_apis", {"items": apis})]
    seen = judge(
        Part("Quota", "Regional APIs", "apigateway"), service_quotas=quota("Regional APIs", 2), apigateway=counted
    )
    assert (seen["Enough"].status, seen["Enough"].why.startswith("2, and 2 are there")) == (Status.FAILED, True)
    there: Answers = [("list_buckets", {"Buckets": [{"Name": "a-bucket"}] * 98})]
    seen = judge(Part("Quota", "Buckets", "s3"), service_quotas=quota("Buckets", 100), s3=there)
    assert (seen["Enough"].status, "the project makes 3" in seen["Enough"].why) == (Status.FAILED, True)


@pytest.mark.parametrize(("limit", "status"), [(10, Status.WARNING), (1000, Status.OK)])
def test_concurrent_executions(limit: int, status: Status) -> None:
    told = {"AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}
    assert (
        judge(Part("Concurrency", "of functions"), **{"lambda": [("get_account_settings", told)]})["Enough"].status
        is status
    )


@pytest.mark.parametrize(("there", "status"), [(990, Status.FAILED), (10, Status.OK)])
def test_roles(there: int, status: Status) -> None:
    told = {"SummaryMap": {"Roles": there, "RolesQuota": 1000}}
    assert judge(Part("Roles", "of the account"), iam=[("get_account_summary", told)])["Enough"].status is status


@pytest.mark.parametrize(
    ("told", "status"),
    [("ENABLED", Status.OK), ("ENABLING", Status.WARNING), ("DISABLED", Status.FAILED)],
)
def test_a_region_that_has_to_be_enabled(told: str, status: Status) -> None:
    answer: Answers = [("get_region_opt_status", {"RegionName": "eu-west-1", "RegionOptStatus": told})]
    assert judge(Part("OptIn", "eu-west-1"), account=answer)["Enabled"].status is status


@pytest.mark.parametrize(
    ("part", "changes", "status", "why"),
    [
        (Part("Partition", "aws-cn"), {}, Status.FAILED, "in China CodePipeline has no CloudFormation action"),
        (Part("Partition", "aws"), {}, Status.OK, "CodePipeline with all of its actions"),
        (Part("Service", "codecommit"), {"region": "eu-central-2"}, Status.FAILED, "boto3 knows no codecommit in"),
        (Part("Service", "codecommit"), {}, Status.OK, "is in eu-west-1"),
        (Part("Service", "iam"), {}, Status.OK, "the same in all regions"),
        (Part("Project", "p"), {"given_id": "P_1"}, Status.FAILED, "'P_1' is no SageMakerProjectId"),
        (Part("Project", "p"), {"given_id": "p" * 21}, Status.FAILED, f"'{'p' * 21}' is no SageMakerProjectId"),
    ],
)
def test_places_and_names(part: Part, changes: dict[str, Any], status: Status, why: str) -> None:
    seen = next(iter(judge(part, changes).values()))
    assert (seen.status, seen.why.startswith(why)) == (status, True), seen


@pytest.mark.parametrize(
    ("answer", "status"),
    [("404", Status.OK), ("403", Status.FAILED), ("301", Status.FAILED), ({}, Status.FAILED)],
)
def test_a_buckets_name_is_one_of_all_accounts(answer: Any, status: Status) -> None:
    asked: Answers = [
        ("head_bucket", {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}} if answer == {} else answer)
    ]
    assert judge(Part("Name", "sagemaker-project-p-1", "bucket"), s3=asked)["Free"].status is status


@pytest.mark.parametrize(
    ("answer", "action"), [("404", "`aws s3 mb s3://b`"), ("403", "name another one by --s3-bucket")]
)
def test_the_bucket_of_the_templates(answer: str, action: str) -> None:
    seen = judge(Part("Bucket", "b"), s3=[("head_bucket", answer)])["There"]
    assert (seen.status, seen.action) == (Status.FAILED, action)


def test_a_session_has_the_permissions_of_its_role_which_may_have_a_path() -> None:
    """As IAM Identity Center's roles do."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ml_0123"
    role = {"Path": "/", "RoleName": "x", "RoleId": "A" * 16, "Arn": arn, "CreateDate": "2026-01-01T00:00:00Z"}
    simulated = {"EvaluationResults": [{"EvalActionName": "sqs:CreateQueue", "EvalDecision": "implicitDeny"}]}
    asked: Answers = [("get_role", {"Role": role}), ("simulate_principal_policy", simulated)]
    types: Answers = [("describe_type", {"Schema": '{"handlers": {"create": {"permissions": ["sqs:CreateQueue"]}}}'})]
    part = Part("Permissions", "sqs", "sqs")
    stubbed = stubbed_clients({"iam": asked, "cloudformation": types * len(templates.types())})
    seen = launch(stubbed.__getitem__)
    seen.answers["identity"] = {
        "Account": ACCOUNT,
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_ml_0123/ann",
    }
    [finding] = examine_subject(STEPS[-1], seen, part)
    assert (finding.verdict.status, finding.verdict.why.startswith(f"{arn} may not sqs:CreateQueue on")) == (
        Status.FAILED,
        True,
    )


# What it takes for granted.


def resources(*names: str) -> list[dict[str, Any]]:
    paths = [path for path in TEMPLATES if path.stem in names]
    return [each for path in paths for each in cfn_yaml.load(str(path))["Resources"].values()]


def test_the_types_are_those_of_the_templates() -> None:
    found = [each["Type"] for each in resources(*templates.OF_THE_PROJECT)]
    assert sorted(templates.types().elements()) == sorted(found)


def test_every_type_has_permissions_to_ask_about() -> None:
    for name in templates.types():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        assert any(permissions.permissions(schema)) != (name in permissions.WITHOUT_HANDLERS), name


def test_there_is_an_example_of_what_is_made_in_each_service() -> None:
    assert {part.physical_id for part in permissions.permission_parts(launch())} == set(permissions.RESOURCES)


def test_boto3_knows_every_service_of_the_templates() -> None:
    assert set(templates.services()) <= set(boto3.Session().get_available_services())


def test_the_machines_are_those_of_the_builds() -> None:
    found = [
        each["Properties"]["Environment"]["ComputeType"]
        for each in resources("build", "release")
        if "Environment" in each.get("Properties", {})
    ]
    sizes = {size.rpartition("_")[2].capitalize() for size in found if isinstance(size, str)}
    [build] = [path for path in TEMPLATES if path.stem == "build"]
    default = cfn_yaml.load(str(build))["Parameters"]["ComputeType"]["Default"]
    assert set(templates.machines()) == sizes | {default.rpartition("_")[2].capitalize()}


def test_the_names_are_those_of_what_stays_when_a_project_is_deleted() -> None:
    members = ("BucketName", "RepositoryName", "ModelPackageGroupName", "TableName")
    made = []
    for each in resources(*templates.OF_THE_PROJECT):
        if str(each.get("DeletionPolicy", "")).startswith("Retain"):
            named = [each["Properties"][member] for member in members if member in each["Properties"]]
            texts = [name["Fn::Sub"] if "Fn::Sub" in name else f"${{{name['Ref']}}}" for name in named]
            made += [
                text.replace("${SageMakerProjectName}", "p").replace("${SageMakerProjectId}", "p-1") for text in texts
            ]
    assert sorted(part.physical_id for part in names.name_parts(launch())) == sorted(made)


def test_behind_a_code_connection_there_is_no_codecommit() -> None:
    seen = launch(parameters={"SourceProvider": "CodeConnection"})
    assert "codecommit" not in {part.physical_id for part in region.service_parts(seen)}
    assert "codecommit" not in {part.physical_id for part in permissions.permission_parts(seen)}
    assert "sagemaker-p" not in {part.physical_id for part in names.name_parts(seen)}


def test_all_parts_have_checks() -> None:
    catalog = STEPS[-1]
    assert {part.type for part in catalog.subjects(launch())} <= set(catalog.checks)
    assert len(quotas.quota_parts(launch())) == 1 + len(templates.machines()) + 4
