"""IAM enforcement before the services of our own: what a request needs, who is let in, and what the others are told."""

import io
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.account.authorization import checks
from localaws.settings import iam_enforced
from tests.conftest import LocalAws, local_aws_command

AWS = (sys.executable, "-m", "awscli")
COMMIT = ["-c", "user.name=u", "-c", "user.email=u@localhost", "commit", "-q", "--allow-empty", "-m", "first"]
ROLE = "arn:aws:iam::000000000000:role/r"


def sagemaker_arn(resource: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"


@pytest.mark.parametrize(
    ("target", "request_", "resources"),
    [
        ("SageMaker.ListModels", {}, ["*"]),
        ("SageMaker.DeleteEndpoint", {"EndpointName": "Mine"}, [sagemaker_arn("endpoint/mine")]),
        (
            "SageMaker.UpdateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c"},
            [sagemaker_arn("endpoint/e"), sagemaker_arn("endpoint-config/c")],
        ),
        ("SageMaker.StopPipelineExecution", {"PipelineExecutionArn": sagemaker_arn("pipeline/p/execution/x")}, None),
        ("SageMaker.SendPipelineExecutionStepSuccess", {"CallbackToken": "t"}, [sagemaker_arn("pipeline/*")]),
        ("SageMaker.DescribeModelPackage", {"ModelPackageName": sagemaker_arn("model-package/g/1")}, None),
        ("SageMaker.ListModelPackages", {"ModelPackageGroupName": "G"}, [sagemaker_arn("model-package/g/*")]),
        ("SageMaker.DescribeTrial", {"TrialName": "t"}, [sagemaker_arn("experiment-trial/t")]),
        ("SageMaker.AddTags", {"ResourceArn": sagemaker_arn("model/m"), "Tags": []}, None),
        ("CodeBuild_20161006.StartBuild", {"projectName": "p"}, ["arn:aws:codebuild:us-east-1:000000000000:project/p"]),
        (
            "CodeBuild_20161006.BatchGetBuilds",
            {"ids": ["p:1", "arn:aws:codebuild:us-east-1:000000000000:build/q:2"]},
            [f"arn:aws:codebuild:us-east-1:000000000000:project/{name}" for name in "pq"],
        ),
        (
            "CodePipeline_20150709.StartPipelineExecution",
            {"name": "p"},
            ["arn:aws:codepipeline:us-east-1:000000000000:p"],
        ),
        (
            "CodePipeline_20150709.PutApprovalResult",
            {"pipelineName": "p", "stageName": "s", "actionName": "a", "token": "t"},
            ["arn:aws:codepipeline:us-east-1:000000000000:p/s/a"],
        ),
        (
            "CodePipeline_20150709.UpdatePipeline",
            {"pipeline": {"name": "p"}},
            ["arn:aws:codepipeline:us-east-1:000000000000:p"],
        ),
        (
            "CodeCommit_20150413.GetBranch",
            {"repositoryName": "r", "branchName": "b"},
            ["arn:aws:codecommit:us-east-1:000000000000:r"],
        ),
        (
            "AnyScaleFrontendService.RegisterScalableTarget",
            {"ResourceId": "endpoint/e/variant/AllTraffic"},
            ["arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/*"],
        ),
    ],
)
def test_the_resources_of_a_request(target: str, request_: dict[str, Any], resources: list[str] | None) -> None:
    """None: the ARN that is in the request."""
    found = [check.resource for check in checks(target, "/", json.dumps(request_).encode())]
    arns = [value for value in request_.values() if isinstance(value, str) and value.startswith("arn:")]
    assert found == (arns if resources is None else resources)


@pytest.mark.parametrize(
    ("target", "request_", "service"),
    [
        ("SageMaker.CreateModel", {"ModelName": "m", "ExecutionRoleArn": ROLE}, "sagemaker"),
        ("SageMaker.CreateHyperParameterTuningJob", {"TrainingJobDefinition": {"RoleArn": ROLE}}, "sagemaker"),
        ("SageMaker.CreateHyperParameterTuningJob", {"TrainingJobDefinitions": [{"RoleArn": ROLE}]}, "sagemaker"),
        ("CodeBuild_20161006.CreateProject", {"name": "p", "serviceRole": ROLE}, "codebuild"),
        ("CodePipeline_20150709.CreatePipeline", {"pipeline": {"name": "p", "roleArn": ROLE}}, "codepipeline"),
    ],
)
def test_a_role_that_is_handed_over_has_to_be_allowed(target: str, request_: dict[str, Any], service: str) -> None:
    passed = checks(target, "/", json.dumps(request_).encode())[-1]
    assert (passed.action, passed.resource) == ("iam:PassRole", ROLE)
    assert passed.context == {"iam:PassedToService": f"{service}.amazonaws.com"}


LISTED = [{"Key": "project", "Value": "iris"}, {"Key": "team", "Value": ""}]


@pytest.mark.parametrize(
    ("target", "members"),
    [
        ("SageMaker.CreateModel", {"ModelName": "m", "Tags": LISTED}),
        ("CodeBuild_20161006.CreateProject", {"tags": [{"key": "project", "value": "iris"}, {"key": "team"}]}),
        ("CodePipeline_20150709.CreatePipeline", {"pipeline": {"name": "p"}, "tags": LISTED}),
        ("CodeCommit_20150413.CreateRepository", {"repositoryName": "r", "tags": {"project": "iris", "team": ""}}),
        ("AnyScaleFrontendService.TagResource", {"Tags": {"project": "iris", "team": ""}}),
    ],
)
def test_the_tags_of_a_request_are_condition_keys(target: str, members: dict[str, Any]) -> None:
    given = {"aws:RequestTag/project": "iris", "aws:RequestTag/team": "", "aws:TagKeys": ["project", "team"]}
    own, *added = checks(target, "/", json.dumps(members).encode())
    assert own.context == given
    assert [each.context for each in added] == (
        [{**given, "sagemaker:TaggingAction": "CreateModel"}] if target == "SageMaker.CreateModel" else []
    )


@pytest.mark.parametrize("tags", [None, "iris", 7, ["iris"], [{"Value": "iris"}], {}, []])
def test_tags_that_are_none_are_no_condition_keys(tags: Any) -> None:
    """Their server refuses them."""
    [check, *_] = checks("SageMaker.CreateModel", "/", json.dumps({"ModelName": "m", "Tags": tags}).encode())
    assert check.context == {}


def test_the_tags_that_a_request_takes_away_have_no_values() -> None:
    request = {"ResourceArn": sagemaker_arn("model/m"), "TagKeys": ["team"]}
    [check] = checks("SageMaker.DeleteTags", "/", json.dumps(request).encode())
    assert check.context == {"aws:TagKeys": ["team"]}


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/endpoints/My%2De/invocations", "sagemaker:InvokeEndpoint"),
        ("/endpoints/my-e/async-invocations", "sagemaker:InvokeEndpointAsync"),
        ("/endpoints/my-e/invocations-response-stream", "sagemaker:InvokeEndpointWithResponseStream"),
    ],
)
def test_an_invocation_is_known_by_its_path(path: str, action: str) -> None:
    [check] = checks("", path, b"no JSON")
    assert (check.action, check.resource) == (action, sagemaker_arn("endpoint/my-e"))


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/BatchPutMetrics", {"TrialComponentName": "run"}),
        ("/BatchGetMetrics", {"MetricQueries": [{"ResourceArn": sagemaker_arn("experiment-trial-component/run")}]}),
    ],
)
def test_metrics_are_known_by_their_path_too(path: str, request_: dict[str, Any]) -> None:
    [check] = checks("", path, json.dumps(request_).encode())
    expected = (f"sagemaker:{path[1:]}", sagemaker_arn("experiment-trial-component/run"))
    assert (check.action, check.resource) == expected


@pytest.mark.parametrize("queries", ["?", [1, {}], None, {"ResourceArn": 1}])
def test_what_is_no_query_names_nothing(queries: Any) -> None:
    [check] = checks("", "/BatchGetMetrics", json.dumps({"MetricQueries": queries}).encode())
    assert check.resource == sagemaker_arn("experiment-trial-component/*")


def test_metrics_are_put_by_who_may(enforcing_local_aws: LocalAws) -> None:
    name = f"run-{uuid.uuid4().hex[:8]}"
    arn = enforcing_local_aws.client("sagemaker").create_trial_component(TrialComponentName=name)["TrialComponentArn"]
    key = user(enforcing_local_aws, {"Action": "sagemaker:BatchPutMetrics", "Resource": arn})
    metrics = as_user(enforcing_local_aws, key, "sagemaker-metrics")
    request = {"MetricData": [{"MetricName": "loss", "Timestamp": time.time(), "Value": 1.0}]}
    assert metrics.batch_put_metrics(TrialComponentName=name, **request)["Errors"] == []
    assert said(metrics.batch_put_metrics, TrialComponentName="other", **request) == "AccessDeniedException"


def test_the_variable_has_two_values() -> None:
    assert iam_enforced({"LOCALAWS_IAM": "enforce"})
    assert not iam_enforced({"LOCALAWS_IAM": "off"})
    assert not iam_enforced({})


def test_a_value_that_means_nothing_starts_nothing(tmp_path: Path) -> None:
    refused = local_aws_command("start", state_dir=tmp_path / "state", environ={**os.environ, "LOCALAWS_IAM": "yes"})
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith("LOCALAWS_IAM has the value 'yes'. Set it to enforce or to off.")


# The real thing.


Key = dict[str, str]


def user(local_aws: LocalAws, *statements: dict[str, Any]) -> Key:
    """An access key of a new user who may do what the statements say."""
    iam, name = local_aws.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"], "name": name}


def as_user(local_aws: LocalAws, key: Key, service: str, port: int | None = None, **options: Any) -> Any:
    credentials = {name: value for name, value in key.items() if name.startswith("aws_")}
    url = f"http://127.0.0.1:{port or local_aws.port}"
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", **credentials, **options)


@pytest.mark.parametrize("through_gateway", [True, False])
def test_who_has_no_policy_is_told_in_awss_words(enforcing_local_aws: LocalAws, through_gateway: bool) -> None:
    key = user(enforcing_local_aws)
    port = enforcing_local_aws.port if through_gateway else enforcing_local_aws.sagemaker_port
    sagemaker = as_user(enforcing_local_aws, key, "sagemaker", port)
    with pytest.raises(ClientError) as refused:
        sagemaker.delete_endpoint(EndpointName="mine")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::000000000000:user/{key['name']} is not authorized to perform: sagemaker:DeleteEndpoint on "
        f"resource: {sagemaker_arn('endpoint/mine')} because no identity-based policy allows the "
        "sagemaker:DeleteEndpoint action"
    )
    with pytest.raises(ClientError) as not_invoked:
        as_user(enforcing_local_aws, key, "sagemaker-runtime", port).invoke_endpoint(EndpointName="mine", Body=b"1")
    assert not_invoked.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_policy_lets_in_for_its_resource_and_a_deny_wins(enforcing_local_aws: LocalAws) -> None:
    groups = sagemaker_arn("model-package-group/mine-*")
    key = user(
        enforcing_local_aws,
        {"Action": "sagemaker:*ModelPackageGroup", "Resource": groups},
        {"Effect": "Deny", "Action": "sagemaker:DeleteModelPackageGroup", "Resource": "*"},
    )
    sagemaker = as_user(enforcing_local_aws, key, "sagemaker")
    name = f"mine-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    assert sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupName"] == name
    with pytest.raises(ClientError, match="no identity-based policy allows"):
        sagemaker.create_model_package_group(ModelPackageGroupName="not-mine")
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def test_who_may_delete_what_bears_a_tag_may_delete_nothing_else(enforcing_local_aws: LocalAws) -> None:
    ours = {"StringEquals": {"aws:ResourceTag/project": "iris"}}
    given = {"StringEquals": {"aws:RequestTag/project": "iris"}}
    made = {"StringEquals": {**given["StringEquals"], "sagemaker:TaggingAction": "CreateModelPackageGroup"}}
    kept = {"ForAllValues:StringNotEquals": {"aws:TagKeys": "project"}}
    key = user(
        enforcing_local_aws,
        {"Action": "sagemaker:CreateModelPackageGroup", "Resource": "*", "Condition": given},
        {"Action": "sagemaker:AddTags", "Resource": "*", "Condition": made},
        {"Action": "sagemaker:DeleteModelPackageGroup", "Resource": "*", "Condition": ours},
        {"Action": "sagemaker:DeleteTags", "Resource": "*", "Condition": {**ours, **kept}},
    )
    root, prefix = enforcing_local_aws.client("sagemaker"), f"g-{uuid.uuid4().hex[:8]}"
    for name, tags in (("iris", "iris"), ("tulips", "tulips"), ("nobodys", None)):
        listed = [{"Key": "project", "Value": tags}] if tags else []
        root.create_model_package_group(ModelPackageGroupName=f"{prefix}-{name}", Tags=listed)
    iris = [{"Key": "project", "Value": "iris"}, {"Key": "team", "Value": "t"}]
    for port in (enforcing_local_aws.port, enforcing_local_aws.sagemaker_port):
        mine = as_user(enforcing_local_aws, key, "sagemaker", port)
        make, delete = mine.create_model_package_group, mine.delete_model_package_group
        asked = {
            "delete tulips": said(delete, ModelPackageGroupName=f"{prefix}-tulips"),
            "delete nobody's": said(delete, ModelPackageGroupName=f"{prefix}-nobodys"),
            "make tulips": said(make, ModelPackageGroupName="t", Tags=[{"Key": "project", "Value": "tulips"}]),
            "make nobody's": said(make, ModelPackageGroupName="n"),
            "make tulips mine": said(
                mine.add_tags, ResourceArn=sagemaker_arn(f"model-package-group/{prefix}-tulips"), Tags=iris
            ),
            "hide mine": said(
                mine.delete_tags,
                ResourceArn=sagemaker_arn(f"model-package-group/{prefix}-iris"),
                TagKeys=["team", "project"],
            ),
        }
        assert set(asked.values()) == {"AccessDeniedException"}, asked
        name = f"{prefix}-own-{port}"
        make(ModelPackageGroupName=name, Tags=iris)
        mine.delete_tags(ResourceArn=sagemaker_arn(f"model-package-group/{name}"), TagKeys=["team"])
        delete(ModelPackageGroupName=name)


def test_a_tagged_repository_is_open_to_who_may_use_its_tag(enforcing_local_aws: LocalAws) -> None:
    """A service of the third server; git's own requests, too."""
    ours = {"StringEquals": {"aws:ResourceTag/project": "iris"}}
    key = user(
        enforcing_local_aws,
        {"Action": ["codecommit:GitPull", "codecommit:GetRepository"], "Resource": "*", "Condition": ours},
    )
    root, found = enforcing_local_aws.client("codecommit"), {}
    mine = as_user(enforcing_local_aws, key, "codecommit")
    for project in ("iris", "tulips"):
        name = f"{project}-{uuid.uuid4().hex[:8]}"
        made = root.create_repository(repositoryName=name, tags={"project": project})["repositoryMetadata"]
        listed = git(enforcing_local_aws, key, "ls-remote", made["cloneUrlHttp"])
        found[project] = (said(mine.get_repository, repositoryName=name), listed.returncode)
    assert found == {"iris": ("", 0), "tulips": ("AccessDeniedException", 128)}


def test_a_role_is_not_handed_over_without_leave(enforcing_local_aws: LocalAws) -> None:
    model = {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "python"}}
    create = {"Action": "sagemaker:CreateModel", "Resource": "*"}
    with pytest.raises(ClientError, match=f"not authorized to perform: iam:PassRole on resource: {ROLE}"):
        as_user(enforcing_local_aws, user(enforcing_local_aws, create), "sagemaker").create_model(
            ModelName="m", **model
        )
    leave = {"Action": "iam:PassRole", "Resource": ROLE}
    to = {"Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}}
    sagemaker = as_user(enforcing_local_aws, user(enforcing_local_aws, create, {**leave, **to}), "sagemaker")
    assert sagemaker.create_model(ModelName=f"m-{uuid.uuid4().hex[:8]}", **model)["ModelArn"]


def test_a_log_group_is_named_with_its_streams(enforcing_local_aws: LocalAws) -> None:
    name = f"group-{uuid.uuid4().hex[:8]}"
    enforcing_local_aws.client("logs").create_log_group(logGroupName=name)
    group = f"arn:aws:logs:us-east-1:000000000000:log-group:{name}"
    for resource, may in ((group, False), (f"{group}:*", True)):
        actions = ["logs:CreateLogStream", "logs:ListTagsForResource"]
        key = user(enforcing_local_aws, {"Action": actions, "Resource": resource})
        logs = as_user(enforcing_local_aws, key, "logs")
        codes = [said(logs.create_log_stream, logGroupName=name, logStreamName="s")]
        codes.append(said(logs.list_tags_for_resource, resourceArn=group))
        assert codes == (["", "AccessDeniedException"] if may else ["AccessDeniedException", ""])


def said(call: Callable[..., Any], **arguments: Any) -> str:
    """The code of a call's error; empty when there is none."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_service_of_the_third_server_asks_too(enforcing_local_aws: LocalAws) -> None:
    key = user(enforcing_local_aws, {"Action": "application-autoscaling:Describe*", "Resource": "*"})
    for port in (enforcing_local_aws.port, enforcing_local_aws.ports.services):
        scaling = as_user(enforcing_local_aws, key, "application-autoscaling", port)
        assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
        with pytest.raises(ClientError, match="not authorized to perform: application-autoscaling:DeregisterScalable"):
            scaling.deregister_scalable_target(
                ServiceNamespace="sagemaker",
                ResourceId="endpoint/e/variant/AllTraffic",
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            )


def test_a_request_has_to_be_signed_by_whom_it_names(enforcing_local_aws: LocalAws) -> None:
    key = user(enforcing_local_aws, {"Action": "sagemaker:ListModels", "Resource": "*"})
    assert as_user(enforcing_local_aws, key, "sagemaker").list_models()["Models"] is not None
    forged = as_user(enforcing_local_aws, {**key, "aws_secret_access_key": "guessed"}, "sagemaker")
    unknown = as_user(enforcing_local_aws, {**key, "aws_access_key_id": "AKIAUNKNOWN"}, "sagemaker")
    unsigned = as_user(enforcing_local_aws, key, "sagemaker", config=Config(signature_version=UNSIGNED))
    codes = []
    for sagemaker in (forged, unknown, unsigned):
        with pytest.raises(ClientError) as refused:
            sagemaker.list_models()
        codes.append(refused.value.response["Error"]["Code"])
    assert codes == ["InvalidSignatureException", "UnrecognizedClientException", "MissingAuthenticationTokenException"]


def test_the_root_user_and_whoever_does_not_enforce_may_do_everything(
    enforcing_local_aws: LocalAws, local_aws: LocalAws, tmp_path: Path
) -> None:
    assert enforcing_local_aws.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert as_user(local_aws, user(local_aws), "sagemaker").list_models()["Models"] is not None


def role(local_aws: LocalAws, *statements: dict[str, Any]) -> str:
    """A new role that SageMaker may assume, in this account only, as the project's templates make it."""
    iam, name = local_aws.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    account = {"Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}}}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust | account]}))
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    return str(made["Role"]["Arn"])


SCRIPT = """
import boto3, botocore
print(boto3.client("s3").get_object(Bucket="own", Key="k")["Body"].read().decode())
try:
    boto3.client("sagemaker").list_endpoints()
except botocore.exceptions.ClientError as error:
    raise SystemExit(str(error))
"""


def run_job(local_aws: LocalAws, role_arn: str) -> str:
    """Run `SCRIPT` as a role; why it failed."""
    sagemaker, name = local_aws.client("sagemaker"), f"job-{uuid.uuid4().hex[:8]}"
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role_arn,
        AppSpecification={"ImageUri": "python", "ContainerEntrypoint": ["python3", "-c", SCRIPT]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    return failed(lambda: sagemaker.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus")


def failed(describe: Callable[[], dict[str, Any]], status: str) -> str:
    """Wait for the end of a job; why it failed."""
    deadline = time.monotonic() + 60
    while (found := describe())[status] == "InProgress":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return str(found["FailureReason"])


def bucket(local_aws: LocalAws) -> str:
    """The bucket ``own``, with an object ``k``."""
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="own")
    s3.put_object(Bucket="own", Key="k", Body=b"what the role may read")
    return "own"


def test_a_job_may_do_what_its_role_may(enforcing_local_aws: LocalAws) -> None:
    reader = role(
        enforcing_local_aws, {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket(enforcing_local_aws)}/*"}
    )
    reason = run_job(enforcing_local_aws, reader)
    name = reader.rpartition("/")[2]
    assert (
        f"User: arn:aws:sts::000000000000:assumed-role/{name}/SageMaker is not authorized to perform: sagemaker:"
        in reason
    )


def test_a_job_fails_when_its_role_cannot_be_assumed(enforcing_local_aws: LocalAws) -> None:
    nobodys = "arn:aws:iam::000000000000:role/nobodys"
    assert f"Could not assume role {nobodys}. Please ensure that the role exists" in run_job(
        enforcing_local_aws, nobodys
    )


def test_a_model_server_has_its_models_role(enforcing_local_aws: LocalAws) -> None:
    sagemaker, name = enforcing_local_aws.client("sagemaker"), f"m-{uuid.uuid4().hex[:8]}"
    nobodys = "arn:aws:iam::000000000000:role/nobodys"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=nobodys, PrimaryContainer={"Image": "python"})
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket(enforcing_local_aws)}/k"}}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        TransformInput={"DataSource": source, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": "s3://own/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    found = failed(lambda: sagemaker.describe_transform_job(TransformJobName=name), "TransformJobStatus")
    assert f"Could not assume role {nobodys}." in found


FUNCTION = """
import boto3, botocore
def handler(event, context):
    try:
        boto3.client("sagemaker-runtime").invoke_endpoint(EndpointName=event, Body=b"1")
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_a_function_may_do_what_its_role_may(enforcing_local_aws: LocalAws) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", FUNCTION)
    invoker = role(
        enforcing_local_aws, {"Action": "sagemaker:InvokeEndpoint", "Resource": sagemaker_arn("endpoint/mine")}
    )
    functions, name = enforcing_local_aws.client("lambda"), f"f-{uuid.uuid4().hex[:8]}"
    code = {"ZipFile": packed.getvalue()}
    made = {"Runtime": "python3.12", "Handler": "f.handler", "Role": invoker, "Code": code, "Timeout": 60}
    functions.create_function(FunctionName=name, **made)
    found = {}
    for endpoint in ("mine", "other"):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(endpoint).encode())
        found[endpoint] = json.loads(answer["Payload"].read())
    assert found == {"mine": "ValidationError", "other": "AccessDeniedException"}  # there is no such endpoint


def test_hook_only_a_service_assumes_a_role_that_trusts_it_in_this_account(enforcing_local_aws: LocalAws) -> None:
    """`restrict_trust_to_service`."""
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        enforcing_local_aws.client("sts").assume_role(RoleArn=role(enforcing_local_aws), RoleSessionName="session")


def test_hook_loopback_counts_as_tls(enforcing_local_aws: LocalAws) -> None:
    """`treat_loopback_as_tls`: a bucket that refuses plain HTTP is open to a user who may read it."""
    s3 = enforcing_local_aws.client("s3")
    s3.create_bucket(Bucket="tls-only")
    s3.put_object(Bucket="tls-only", Key="k", Body=b"read")
    every = {"Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::tls-only/*"}
    plain = {"Effect": "Deny", **every, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [plain]}))
    reader = user(enforcing_local_aws, {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::tls-only/*"})
    assert as_user(enforcing_local_aws, reader, "s3").get_object(Bucket="tls-only", Key="k")["Body"].read() == b"read"


def git(local_aws: LocalAws, key: Key | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git with AWS's credential helper, as CodeCommit's guide sets it up."""
    helper = ["-c", f"credential.helper=!{' '.join(AWS)} codecommit credential-helper --ignore-host-check $@"]
    environ = {name: value for name, value in local_aws.env.items() if not name.startswith("AWS_ENDPOINT")}
    environ |= {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nowhere"}
    environ |= {name.upper(): value for name, value in (key or {}).items() if name.startswith("aws_")}
    command = ["git", *(helper if key else []), "-c", "credential.UseHttpPath=true", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_git_pulls_and_pushes_as_its_user_may(enforcing_local_aws: LocalAws, tmp_path: Path) -> None:
    url = enforcing_local_aws.client("codecommit").create_repository(repositoryName="iris")["repositoryMetadata"][
        "cloneUrlHttp"
    ]
    resource = "arn:aws:codecommit:us-east-1:000000000000:iris"
    reader = user(enforcing_local_aws, {"Action": "codecommit:GitPull", "Resource": resource})
    writer = user(enforcing_local_aws, {"Action": ["codecommit:GitPull", "codecommit:GitPush"], "Resource": resource})
    work = tmp_path / "work"
    for arguments in (["init", "-q", "-b", "main", str(work)], ["-C", str(work), *COMMIT]):
        assert git(enforcing_local_aws, None, *arguments).returncode == 0
    push = ["-C", str(work), "push", url, "main"]
    nobody, refused, pushed = (
        git(enforcing_local_aws, None, *push),
        git(enforcing_local_aws, reader, *push),
        git(enforcing_local_aws, writer, *push),
    )
    assert "could not read Username" in nobody.stderr
    assert "The requested URL returned error: 403" in refused.stderr
    assert pushed.returncode == 0, pushed.stderr
    listed = git(enforcing_local_aws, reader, "ls-remote", url)
    assert "refs/heads/main" in listed.stdout, listed.stderr
    forged = git(enforcing_local_aws, {**writer, "aws_secret_access_key": "guessed"}, "ls-remote", url)
    assert "The requested URL returned error: 403" in forged.stderr
