"""What events start, on the stack of automation.yml: once, however often they come and whatever happens in between."""

import ast
import importlib
import io
import json
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from deploy import approved, artifacts, packages
from tests.conftest import until
from tests.deploy import samples
from tests.deploy.automation import CODE, PARAMETERS, QUIET_SECONDS, Automation
from tests.deploy.conftest import ROLE, Registry
from tests.localaws.services.pipelines import Pipelines


@pytest.fixture(scope="module")
def function() -> Iterator[dict[str, ModuleType]]:
    """The functions' modules, imported as Lambda does: by their folder."""
    names = ("messages", "claims", "aws", "registry", "starts")
    sys.path.insert(0, str(CODE))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(CODE))
        for name in names:
            del sys.modules[name]


def executions(automation: Automation, pipeline: str) -> list[dict[str, Any]]:
    """The executions of a pipeline, each with the parameters that it was given."""
    sagemaker = automation.aws.client("sagemaker")
    found = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    arns = [summary["PipelineExecutionArn"] for summary in found]
    parameters = [
        sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"] for arn in arns
    ]
    return [{item["Name"]: item["Value"] for item in given} for given in parameters]


def test_a_file_starts_the_batch_pipeline_once_for_each_of_its_versions(automation):
    pipeline, bucket = f"{automation.name}-batch", f"{automation.name}-data"
    s3 = automation.aws.client("s3")
    s3.put_object(Bucket=bucket, Key="batchdata/input/today/a b.csv", Body=b"1\n")
    until(lambda: len(executions(automation, pipeline)) == 1)
    assert executions(automation, pipeline) == [
        {
            "InputDataUrl": f"s3://{bucket}/batchdata/manifests/today/a b.csv.manifest",
            "InputDataType": "ManifestFile",
            "OutputDataUrl": f"s3://{bucket}/batchdata/output/today/",
        }
    ]
    manifest = s3.get_object(Bucket=bucket, Key="batchdata/manifests/today/a b.csv.manifest")["Body"].read()
    assert json.loads(manifest) == [{"prefix": f"s3://{bucket}/batchdata/input/today/"}, "a b.csv"]
    again = samples.object_created(bucket, "batchdata/input/again.csv")
    automation.deliver("start-batch", again, times=5)
    automation.wait_until_worked_through("start-batch")
    assert len(executions(automation, pipeline)) == 2
    # The very event says where the execution comes from.
    sagemaker = automation.aws.client("sagemaker")
    [summary, _] = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=summary["PipelineExecutionArn"])
    assert again["id"] in found["PipelineExecutionDescription"]


def test_many_files_start_one_training_when_they_have_been_quiet(automation):
    bucket = f"{automation.name}-data"
    before = len(executions(automation, automation.name))
    automation.aws.client("s3").put_object(Bucket=bucket, Key="traindata/0.csv", Body=b"1\n")
    put = time.monotonic()
    until(lambda: len(executions(automation, automation.name)) > before)
    assert time.monotonic() - put >= QUIET_SECONDS - 1  # whole seconds
    assert executions(automation, automation.name)[0]["InputDataUrl"] == f"s3://{bucket}/traindata/"
    # Five more, a second each after the other by their events, which come faster: how long a put takes is no matter.
    now = datetime.now(UTC)
    for number in range(5):
        arrived = (now + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {**samples.object_created(bucket, f"traindata/{number}.csv"), "time": arrived}
        automation.deliver("start-retraining", event, times=1)
    until(lambda: len(executions(automation, automation.name)) > before + 1)
    automation.wait_until_worked_through("start-retraining")
    assert len(executions(automation, automation.name)) == before + 2


@pytest.fixture
def early(automation, function, monkeypatch) -> Iterator[str]:
    """The functions of a project whose pipelines are not made yet; the name of its pipeline, and of its queue."""
    name, sqs = f"early-{uuid.uuid4().hex[:8]}", automation.aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    monkeypatch.setattr(function["aws"], "client", automation.aws.client)
    function["aws"].claims.cache_clear()
    variables = {"CLAIMS_TABLE": f"{automation.name}-claims", "PIPELINE_NAME": name, "QUEUE_URL": url}
    prefixes = {f"{which}_PREFIX": f"batchdata/{which.lower()}/" for which in ("INPUT", "OUTPUT", "MANIFEST")}
    for variable, value in {**variables, **prefixes, "TRAINING_DATA_URL": "s3://any/traindata/"}.items():
        monkeypatch.setenv(variable, value)
    yield name
    sqs.delete_queue(QueueUrl=url)


def make_pipeline(automation: Automation, name: str) -> None:
    parameters = [{"Name": parameter, "Type": "String", "DefaultValue": "none"} for parameter in PARAMETERS]
    steps = [{"Name": "Only", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]
    definition = {"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}
    automation.aws.client("sagemaker").create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE
    )


def test_data_that_are_there_before_the_pipeline_are_left_to_its_first_build(automation, function, early):
    newest = {"id": "1", "detail-type": "Quiet Time Over", "detail": {"newest": f"9999-{early}"}}
    outcome = function["starts"]._retrain(newest)["outcome"]
    assert outcome == "no pipeline yet: the build that makes it trains with these data, too"
    make_pipeline(automation, early)
    assert function["starts"]._retrain(newest)["outcome"] == "had been started", "it is trained with them twice"
    assert executions(automation, early) == []


def test_a_file_that_is_there_before_the_pipeline_waits_for_it(automation, function, early, monkeypatch):
    monkeypatch.setattr(function["starts"], "_LONGEST_DELAY_SECONDS", 1)
    arrived = samples.object_created(f"{automation.name}-data", f"batchdata/input/{early}.csv")
    sqs = automation.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=early)["QueueUrl"]

    event = arrived
    for _ in range(2):
        began = time.monotonic()
        assert function["starts"]._transform(event)["outcome"] == "no pipeline yet: looking again in 1 s"
        [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        assert time.monotonic() - began > 0.9, "it was not kept back"
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        event = json.loads(message["Body"])
    assert event == arrived
    make_pipeline(automation, early)
    assert function["starts"]._transform(event)["outcome"].startswith("started arn:")
    assert function["starts"]._transform(event)["outcome"] == "had been started"
    assert len(executions(automation, early)) == 1


def test_the_schedule_starts_a_training_once_for_each_time(automation):
    before = len(executions(automation, automation.name))
    rule = automation.aws.client("events").describe_rule(Name=f"{automation.name}-schedule")
    assert rule["ScheduleExpression"] == "rate(7 days)"
    event = {"id": uuid.uuid4().hex, "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    automation.deliver("start-retraining", event, times=3)
    automation.wait_until_worked_through("start-retraining")
    assert len(executions(automation, automation.name)) == before + 1


def test_what_fails_is_in_the_log_with_the_reason_and_comes_again(automation):
    event = samples.object_created(f"{automation.name}-data", "batchdata/input/x.csv")
    del event["detail"]["object"]["key"]
    automation.deliver("start-batch", event, times=1)
    automation.wait_until_worked_through("start-batch", left=1)
    folder = samples.object_created(f"{automation.name}-data", "batchdata/input/")
    until(lambda: automation.deliver("start-batch", folder, times=1) or errors(automation) != [])
    [entry] = errors(automation)
    assert entry["error"] == "KeyError: 'key'"
    assert (entry["attempt"], entry["correlation_id"]) == (1, event["id"])
    automation.wait_until_worked_through("start-batch", left=1)


def errors(automation: Automation) -> list[dict[str, Any]]:
    return [entry for entry in automation.log("start-batch") if entry["level"] == "ERROR"]


def releases(automation: Automation) -> list[str]:
    """The executions of ModelDeploy."""
    pages = automation.aws.client("codepipeline").get_paginator("list_pipeline_executions")
    name = f"{automation.name}-deploy"
    return [
        summary["pipelineExecutionId"]
        for page in pages.paginate(pipelineName=name)
        for summary in page["pipelineExecutionSummaries"]
    ]


def test_an_approval_starts_modeldeploy_and_nothing_else_about_the_version_does(automation):
    sagemaker, before = automation.aws.client("sagemaker"), len(releases(automation))
    registry = Registry(automation.aws, automation.name, automation.name)
    version, another = registry.register(), registry.register()
    sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    until(lambda: len(releases(automation)) == before + 1)
    sagemaker.update_model_package(ModelPackageArn=version, CustomerMetadataProperties={"Tested": "yes"})
    approval = decision(another, "Approved", "2036-01-01T10:00:00Z")
    automation.deliver("start-deployment", approval, times=5)
    until(lambda: len(releases(automation)) == before + 2)
    automation.wait_until_worked_through("start-deployment")
    assert len(releases(automation)) == before + 2
    # By its own role, the function has kept what was approved.
    approved.check(automation.aws.client, packages.describe(sagemaker, version))


@pytest.fixture
def decide(automation, registry, function, monkeypatch) -> Callable[..., list[str]]:
    """Has the function decide on events of a registry's group; gives outcomes."""
    monkeypatch.setattr(function["aws"], "client", automation.aws.client)
    function["aws"].claims.cache_clear()
    monkeypatch.setenv("CLAIMS_TABLE", f"{automation.name}-claims")
    monkeypatch.setenv("ENDPOINT_NAMES", f"{registry.group}-production,{registry.group}-staging")
    monkeypatch.setenv("MODEL_PACKAGE_GROUP_NAME", registry.group)
    monkeypatch.setenv("DEPLOY_PIPELINE_NAME", f"{automation.name}-deploy")
    monkeypatch.setenv("SOURCE_ACTION_NAME", "Code")

    def run(*events: dict[str, Any]) -> list[str]:
        """What is decided of each event; `started` if ModelDeploy really has an execution more."""
        outcomes = []
        for event in events:
            verb, _, started = function["starts"]._decide_deployment(event)["outcome"].partition("started ")
            assert not started or started in releases(automation)
            outcomes.append("started" if started else verb)
        return outcomes

    return run


def decision(arn: str, status: str, changed: str) -> dict[str, Any]:
    group = arn.split("/")[1]
    return samples.model_package(group, status, ModelPackageArn=arn, LastModifiedTime=changed)


def test_the_same_approval_five_times_starts_one_deployment(decide, registry):
    arn = registry.register(status="Approved")
    approval = decision(arn, "Approved", "2026-01-01T10:00:00Z")
    assert decide(*[approval] * 5) == ["started", *["had been started"] * 4]


def test_a_version_is_deployed_from_the_commit_that_built_it(automation, decide, registry, monkeypatch):
    pipelines, name = Pipelines(automation.aws), f"{automation.name}-deploy"
    [source] = pipelines.client.get_pipeline(name=name)["pipeline"]["stages"][0]["actions"]
    monkeypatch.setenv("SOURCE_ACTION_NAME", source["name"])
    repository = source["configuration"]["RepositoryName"]
    built = pipelines.commit(repository, template="of the version")
    pipelines.commit(repository, template="of somebody else")
    arn = registry.register(status="Approved", members={"MetadataProperties": {"CommitId": built}})
    assert decide(decision(arn, "Approved", "2026-01-01T10:00:00Z")) == ["started"]
    [newest, *_] = releases(automation)

    def fetched() -> list[str]:
        found = pipelines.client.get_pipeline_execution(pipelineName=name, pipelineExecutionId=newest)
        return [each["revisionId"] for each in found["pipelineExecution"].get("artifactRevisions", [])]

    until(fetched)
    assert fetched() == [built]


def test_a_version_that_is_gone_starts_nothing(decide, registry):
    arn = registry.register(status="Approved")
    registry.local_aws.client("sagemaker").delete_model_package(ModelPackageName=arn)
    [outcome] = decide(decision(arn, "Approved", "2026-01-01T10:00:00Z"))
    assert outcome.startswith(f"there is no model package '{arn}'")


def test_metadata_that_change_and_events_out_of_order_start_nothing(decide, registry):
    arn = registry.register(status="Approved")
    events = [
        decision(arn, "Approved", "2026-01-01T10:00:00Z"),
        decision(arn, "Approved", "2026-01-01T10:05:00Z"),  # the staging test wrote its verdict
        decision(arn, "PendingManualApproval", "2026-01-01T09:00:00Z"),
    ]
    assert decide(*events) == ["started", "nothing new", "nothing new"]


def test_a_version_that_is_approved_again_after_a_rejection_is_deployed_again(decide, registry):
    arn = registry.register(status="Approved")
    events = [
        decision(arn, "Rejected", "2026-01-01T10:00:00Z"),
        decision(arn, "Approved", "2026-01-01T11:00:00Z"),
    ]
    assert decide(*events) == ["it is not deployed", "started"]


def test_an_older_version_than_the_newest_approved_is_not_deployed(decide, registry):
    """ModelDeploy takes the newest: the mail says so, and how to have the older one deployed."""
    older, newer = registry.register_approved(), registry.register_approved()
    assert decide(decision(newer, "Approved", "2026-01-01T09:00:00Z")) == ["started"]
    [outcome] = decide(decision(older, "Approved", "2026-01-01T10:00:00Z"))
    assert outcome == f"{newer}, which is newer, is approved, too"
    registry.local_aws.client("sagemaker").update_model_package(ModelPackageArn=newer, ModelApprovalStatus="Rejected")
    assert decide(decision(newer, "Rejected", "2026-01-01T11:00:00Z")) == ["started"]


def serve(registry: Registry, stage: str, arn: str) -> None:
    """Have an endpoint of the registry's project name a version; whether it comes into service is not waited for."""
    sagemaker, name = registry.local_aws.client("sagemaker"), f"{registry.group}-{stage}"
    sagemaker.create_model(ModelName=name, PrimaryContainer={"ModelPackageName": arn}, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


@pytest.mark.parametrize("stage", ["production", "staging"])
def test_rejecting_a_deployed_version_brings_back_the_latest_approved(decide, registry, stage):
    registry.register(status="Approved")
    deployed = registry.register(status="Rejected")
    serve(registry, stage, deployed)
    assert decide(decision(deployed, "Rejected", "2026-01-01T10:00:00Z")) == ["started"]


def test_rejecting_the_deployed_version_when_no_other_is_approved_starts_nothing(decide, registry):
    deployed = registry.register(status="Rejected")
    serve(registry, "production", deployed)
    [outcome] = decide(decision(deployed, "Rejected", "2026-01-01T10:00:00Z"))
    assert outcome == "no other version is approved: what is deployed stays"


def test_who_ends_in_the_middle_loses_nothing_and_starts_nothing_twice(automation, function):
    now = [1000.0]
    claims_module = function["claims"]
    claims = claims_module.Claims(automation.aws.client("dynamodb"), f"{automation.name}-claims", lambda: now[0], 0)
    key, tokens = uuid.uuid4().hex, []

    def killed(token: str) -> str:
        tokens.append(token)
        raise SystemExit  # as a process that is ended: nothing after this line runs

    with pytest.raises(SystemExit):
        claims.once(key, killed)
    with pytest.raises(claims_module.InProgressError, match=key):
        claims.once(key, str)
    now[0] += 91
    assert claims.once(key, lambda token: tokens.append(token) or "done") == "done"
    assert tokens[0] == tokens[1]
    assert claims.once(key, killed) is None
    kept = automation.item("claims", {"ClaimKey": {"S": key}})
    assert (kept["State"]["S"], kept["Result"]["S"]) == ("Done", "done")
    assert int(kept["ExpiresAt"]["N"]) == 1091 + 90 * 24 * 3600


def test_a_start_that_is_refused_can_be_tried_at_once(automation, function):
    claims = function["claims"].Claims(automation.aws.client("dynamodb"), f"{automation.name}-claims")
    key = uuid.uuid4().hex

    def refused(_token: str) -> str:
        raise ValueError("no such pipeline")

    with pytest.raises(ValueError, match="no such pipeline"):
        claims.once(key, refused)
    assert claims.once(key, lambda _token: "started") == "started"


def test_of_many_at_once_one_starts(automation, function):
    claims_module = function["claims"]
    claims = claims_module.Claims(automation.aws.client("dynamodb"), f"{automation.name}-claims")
    key, started, outcomes = uuid.uuid4().hex, [], []

    def one() -> None:
        outcomes.append(claims.once(key, lambda token: started.append(token) or "started"))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    assert sorted(map(str, outcomes)) == [*["None"] * 7, "started"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z"),
        ("2026-01-01T10:00:00.12Z", "2026-01-01T10:00:00.120Z"),
        (1592411994287.0, "2020-06-17T16:39:54.287Z"),
        (1592411994287, "2020-06-17T16:39:54.287Z"),
        ("1592411994287", "2020-06-17T16:39:54.287Z"),
    ],
)
def test_times_in_all_of_awss_forms_sort_as_one(function, value, expected):
    assert function["claims"].sortable(value) == expected


def test_the_functions_need_the_standard_library_and_boto3_only():
    """All that goes to Lambda with them, too: the modules of the project that they import."""
    with zipfile.ZipFile(io.BytesIO(artifacts.pack(CODE))) as packed:
        sources = {name: packed.read(name).decode() for name in packed.namelist()}
    own = {name.partition("/")[0].removesuffix(".py") for name in sources}
    nodes = [node for source in sources.values() for node in ast.walk(ast.parse(source))]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    assert {name.partition(".")[0] for name in imported} - own <= {*sys.stdlib_module_names, "boto3", "botocore"}
