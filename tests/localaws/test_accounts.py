"""Several accounts in one local AWS: nothing of one is another's, but for what policies and roles share."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.account.caller import Callers, CallerUnknownError, access_key_of
from localaws.account.clients import Aws
from localaws.api_errors import UnsupportedOperation
from localaws.service.accounts import Account, Accounts
from localaws.services.catalog import SERVICES
from tests.conftest import LocalAws, until
from tests.localaws.accounts import AccountOf, another_account, as_role
from tests.localaws.roles import make_role_for, policy
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, bench_of, unique
from tests.localaws.sagemaker.hosting.conftest import Endpoints, is_gone


@pytest.fixture
def other(local_aws: LocalAws) -> AccountOf:
    """An account beside the first one."""
    return another_account(local_aws)


@pytest.fixture
def served(local_aws: LocalAws, other: AccountOf) -> Iterator[Endpoints]:
    """Endpoints in the other account; the bench's bucket is there."""
    made = Endpoints(bench_of(other), other.client("sagemaker-runtime"))
    yield made
    for name in made.made:
        until(lambda name=name: is_gone(made.client, name))


@pytest.fixture
def bench(local_aws: LocalAws) -> Bench:
    """A bucket and clients of the first account."""
    return bench_of(local_aws)


def package(bench: Bench, endpoints: Endpoints) -> tuple[str, str]:
    """A version in the first account, of a model whose data are there; the ARNs of its group and its own."""
    model = endpoints.client.describe_model(ModelName=endpoints.model("shared"))["PrimaryContainer"]
    group = unique("group")
    group_arn = bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": model["ModelDataUrl"]}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    version = bench.sagemaker.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification)
    return group_arn, version["ModelPackageArn"]


def share(bench: Bench, group_arn: str, account_id: str, *actions: str) -> None:
    """Let an account do some of SageMaker's actions with a group and its versions."""
    statement = {
        "Sid": "Share",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
        "Action": [f"sagemaker:{action}" for action in actions],
        "Resource": [group_arn, f"{group_arn.replace('model-package-group', 'model-package')}/*"],
    }
    group = group_arn.rpartition("/")[2]
    bench.sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy(statement))


def refused(call: Any, **members: Any) -> str:
    """Why a call is refused, with the error's code in front."""
    with pytest.raises(ClientError) as error:
        call(**members)
    found = error.value.response["Error"]
    return f"{found['Code']}: {found['Message']}"


def update(stacks: Any, name: str, resources: dict[str, Any]) -> None:
    """Update a stack to these resources."""
    stacks.update_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    until(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE")


def test_an_endpoint_is_in_its_account_alone(local_aws: LocalAws, other: AccountOf, served: Endpoints) -> None:
    name = served.serve("theirs")
    found = served.client.describe_endpoint(EndpointName=name)
    assert f":{other.account_id}:endpoint/" in found["EndpointArn"]
    assert served.invoke(name)["version"] == "theirs"
    ours = local_aws.client("sagemaker")
    assert "Could not find" in refused(ours.describe_endpoint, EndpointName=name)
    assert "not found" in refused(local_aws.client("sagemaker-runtime").invoke_endpoint, EndpointName=name, Body=b"{}")
    assert name not in [each["EndpointName"] for each in ours.list_endpoints()["Endpoints"]]
    # Its metrics, and what is decided by them.
    alarms, metrics = other.client("cloudwatch"), local_aws.client("cloudwatch")
    query = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations"}
    dimensions = [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "AllTraffic"}]
    alarms.put_metric_alarm(
        AlarmName=name,
        **query,
        Dimensions=dimensions,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    until(lambda: alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM")
    assert not metrics.list_metrics(**query, Dimensions=dimensions[:1])["Metrics"]


def test_a_version_is_shared_by_its_groups_policy(
    local_aws: LocalAws, other: AccountOf, bench: Bench, served: Endpoints
) -> None:
    bucket = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "s3:*"}
    resources = [f"arn:aws:s3:::{served.bench.bucket}", f"arn:aws:s3:::{served.bench.bucket}/*"]
    other.client("s3").put_bucket_policy(
        Bucket=served.bench.bucket, Policy=policy({**bucket, "Sid": "First", "Resource": resources})
    )
    group, version = package(bench, served)
    theirs, theirs_alone = other.client("sagemaker"), another_account(local_aws).client("sagemaker")
    model = {"ModelName": unique("model"), "PrimaryContainer": {"ModelPackageName": version}, "ExecutionRoleArn": ROLE}
    for call, members, action in (
        (theirs.describe_model_package, {"ModelPackageName": version}, "DescribeModelPackage"),
        (theirs.list_model_packages, {"ModelPackageGroupName": group}, "ListModelPackages"),
        (theirs.create_model, model, "CreateModel"),
    ):
        reason = refused(call, **members)
        assert reason.startswith("AccessDeniedException: User: arn:aws:iam::"), reason
        assert f"{other.account_id}:root is not authorized to perform: sagemaker:{action} on resource: " in reason
    share(bench, group, other.account_id, "DescribeModelPackage", "ListModelPackages", "CreateModel")
    assert theirs.describe_model_package(ModelPackageName=version)["ModelPackageArn"] == version
    listed = theirs.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [each["ModelPackageArn"] for each in listed] == [version]
    assert "sagemaker:UpdateModelPackage" in refused(
        theirs.update_model_package, ModelPackageArn=version, ModelApprovalStatus="Approved"
    )
    assert "AccessDenied" in refused(theirs_alone.describe_model_package, ModelPackageName=version)
    # The model serves, also when the version is gone, and in the first account there is none.
    theirs.create_model(**model)
    bench.sagemaker.delete_model_package(ModelPackageName=version)
    name = served.create(served.config(served.variant(model["ModelName"])))
    assert served.invoke(name)["version"] == "shared"
    assert "Could not find model" in refused(bench.sagemaker.describe_model, ModelName=model["ModelName"])


def test_what_another_account_updates_is_an_event_of_the_owners(
    local_aws: LocalAws, other: AccountOf, bench: Bench, served: Endpoints
) -> None:
    other.client("s3").put_bucket_policy(
        Bucket=served.bench.bucket,
        Policy=policy(
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{served.bench.bucket}", f"arn:aws:s3:::{served.bench.bucket}/*"],
            }
        ),
    )
    group, version = package(bench, served)
    share(bench, group, other.account_id, "UpdateModelPackage")
    queues = {}
    for each in (local_aws, other):
        sqs, events, name = each.client("sqs"), each.client("events"), unique("events")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=name, EventPattern=json.dumps({"resources": [version]}))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        queues[each.client("sts").get_caller_identity()["Account"]] = (sqs, url)
    other.client("sagemaker").update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    assert bench.sagemaker.describe_model_package(ModelPackageName=version)["ModelApprovalStatus"] == "Approved"
    sqs, url = queues.pop("000000000000")
    until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    [(sqs, url)] = queues.values()
    assert not sqs.receive_message(QueueUrl=url).get("Messages")


def test_an_assumed_role_acts_in_its_account(local_aws: LocalAws, other: AccountOf) -> None:
    role_arn = make_role_for(other, "000000000000")
    group = unique("group")
    made = as_role(local_aws, role_arn).client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    assert made["ModelPackageGroupArn"].split(":")[4] == other.account_id
    found = other.client("sagemaker").describe_model_package_group(ModelPackageGroupName=group)
    assert found["ModelPackageGroupArn"] == made["ModelPackageGroupArn"]


def test_a_stack_makes_its_resources_in_its_account(local_aws: LocalAws, other: AccountOf) -> None:
    name, stacks = unique("stack"), other.client("cloudformation")
    shared = {"Effect": "Allow", "Principal": "*", "Action": "sagemaker:ListModelPackages", "Resource": "*"}
    group: dict[str, Any] = {"ModelPackageGroupName": name, "ModelPackageGroupPolicy": {"Statement": [shared]}}
    resources = {
        "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": group},
        "Code": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name}},
    }
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    until(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    found = other.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)
    assert f":{other.account_id}:" in found["ModelPackageGroupArn"]
    # The group's policy changes in place, and goes.
    ours = local_aws.client("sagemaker")
    arn = found["ModelPackageGroupArn"]
    assert ours.list_model_packages(ModelPackageGroupName=arn)["ModelPackageSummaryList"] == []
    shared["Action"] = "sagemaker:DescribeModelPackageGroup"
    group["Tags"] = [{"Key": "team", "Value": "iris"}]
    update(stacks, name, resources)
    assert other.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == group["Tags"]
    assert ours.describe_model_package_group(ModelPackageGroupName=arn)["CreationTime"] == found["CreationTime"]
    assert "AccessDenied" in refused(ours.list_model_packages, ModelPackageGroupName=arn)
    del group["ModelPackageGroupPolicy"]
    update(stacks, name, resources)
    assert "AccessDenied" in refused(ours.describe_model_package_group, ModelPackageGroupName=arn)
    repository = other.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]
    assert repository["accountId"] == other.account_id
    assert "does not exist" in refused(local_aws.client("codecommit").get_repository, repositoryName=name)
    assert "does not exist" in refused(local_aws.client("cloudformation").describe_stacks, StackName=name)


def test_accounts_are_there_after_a_restart_and_are_not_without_end(tmp_path: Path) -> None:
    aws = Aws("http://127.0.0.1:9", "us-east-1", "000000000000")  # nobody is there

    def accounts() -> Accounts:
        return Accounts(SERVICES, aws, tmp_path, "services")

    def repositories(account: Account) -> list[str]:
        codecommit = account.by_prefix["CodeCommit_20150413"]
        return [each["repositoryName"] for each in codecommit.call("ListRepositories", {})["repositories"]]

    async def reach(known: Accounts, *names: str) -> list[Account]:
        return [await known.reach(name) for name in names]

    before = accounts()
    [theirs] = asyncio.run(reach(before, "111111111111"))
    theirs.by_prefix["CodeCommit_20150413"].call("CreateRepository", {"repositoryName": "theirs"})
    for account in before.every:
        account.close()
    after = accounts()
    first, second = after.every
    assert [repositories(first), repositories(second)] == [[], ["theirs"]]
    with pytest.raises(UnsupportedOperation, match="has 16 accounts"):
        asyncio.run(reach(after, *(f"2222222222{number}" for number in range(10, 26))))
    for account in after.every:
        account.close()


def test_the_environment_of_an_account(local_aws: LocalAws) -> None:
    found = json.loads(local_aws.command("env", "--format", "json", "--account", "111111111111").stdout)
    assert found["AWS_ACCESS_KEY_ID"] == "111111111111"
    wrong = local_aws.command("env", "--account", "mine")
    assert wrong.returncode == 2
    assert "'mine' is not an account's id, which has 12 digits" in wrong.stderr


def test_whose_account_a_key_is_of() -> None:
    callers = Callers("http://127.0.0.1:9", "000000000000")  # nobody is there
    for key, account_id in (("", "000000000000"), ("test", "000000000000"), ("111111111111", "111111111111")):
        assert asyncio.run(callers.account_of(key)) == account_id
    # An issued key is never taken for the first account's because nobody could be asked.
    with pytest.raises(CallerUnknownError) as error:
        asyncio.run(callers.account_of("ASIA1234567890ABCDEF"))  # pragma: allowlist secret
    assert error.value.response.status == 503


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=111111111111/20260101/us-east-1/sagemaker/aws4_request, x"},
            "",
        ),
        ({}, "X-Amz-Credential=111111111111%2F20260101%2Fus-east-1%2Fsagemaker%2Faws4_request"),
        ({"authorization": "Basic " + base64.b64encode(b"111111111111%token:password").decode()}, ""),
    ],
)
def test_the_key_that_a_request_is_signed_with(headers: dict[str, str], query: str) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert access_key_of({"headers": encoded, "query_string": query.encode()}) == "111111111111"
