"""What people are told and what is written down, on the stack of automation.yml, from events that really happened."""

import json
import time
from typing import Any

import pytest

from tests.deploy import samples
from tests.deploy.automation import Automation, processing, provision
from tests.deploy.conftest import ROLE, Registry
from tests.localaws.services.pipelines import Pipelines


@pytest.fixture(scope="module")
def versions(automation: Automation) -> Registry:
    return Registry(automation.aws, automation.name, automation.name)


@pytest.fixture(scope="module")
def own_automation(automation: Automation) -> Automation:
    """Another project, of whose model no version is approved."""
    return provision(automation.aws)


def wait_for_item(automation: Automation, table: str, key: dict[str, Any], status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (item := automation.item(table, key)).get("JobStatus", {}).get("S") != status:
        assert time.monotonic() < deadline, item
        time.sleep(0.05)
    return item


def test_two_addresses_are_subscribed_and_the_empty_ones_are_not(automation):
    found = automation.aws.client("sns").list_subscriptions_by_topic(
        TopicArn=automation.outputs["NotificationTopicArn"]
    )["Subscriptions"]
    addresses = [subscription["Endpoint"] for subscription in found if subscription["Protocol"] == "email"]
    assert sorted(addresses) == ["ada@example.com", "grace@example.com"]


def test_a_new_version_is_compared_with_the_one_in_production(automation, versions):
    sagemaker, production = automation.aws.client("sagemaker"), f"{automation.name}-production"
    current = versions.register(r2=0.45, mse=3100.0, rows=20)
    first = automation.mail(f"Version {current.rpartition('/')[2]} of the model waits")["Message"]
    assert "No version is in production." in first
    sagemaker.create_model(ModelName=production, PrimaryContainer={"ModelPackageName": current}, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "A", "ModelName": production, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=production, ProductionVariants=[variant])
    # Its model cannot be loaded: that is told, too, with the reason, and changes nothing about what it is to serve.
    sagemaker.create_endpoint(EndpointName=production, EndpointConfigName=production)
    failed = automation.mail(f"{production} has failed")["Message"]
    assert "Reason: " in failed
    assert f"Log: group /aws/sagemaker/Endpoints/{production}" in failed
    new = versions.register(r2=0.4723, mse=3200.0, rows=20)
    number, before = new.rpartition("/")[2], current.rpartition("/")[2]
    text = automation.mail(f"[{automation.name}] Version {number} of the model waits")["Message"]
    rows = [line.split() for line in text.splitlines() if line.startswith("    ")]
    assert rows[0] == ["metric", "version", number, "version", f"{before},", "in", "production"]
    assert rows[1:4] == [
        ["mse", "3200", "3100", "WORSE"],
        ["r2", "0.4723", "0.45", "better"],
        ["rows", "20", "20", "same"],
    ]
    assert f"deploy-model approve-model {new}" in text
    assert f"--model-package-arn {new} --model-approval-status Rejected" in text
    sagemaker.update_model_package(
        ModelPackageArn=new, ModelApprovalStatus="Rejected", ApprovalDescription="too few rows"
    )
    rejected = automation.mail(f"Version {number} of the model was rejected")["Message"]
    assert "Reason: too few rows" in rejected
    assert "It is not in production" in rejected
    key = {"ModelPackageGroupName": {"S": automation.name}, "ModelPackageVersion": {"N": number}}
    deadline = time.monotonic() + 60
    while automation.item("versions", key).get("ModelApprovalStatus") != {"S": "Rejected"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    item = automation.item("versions", key)
    assert item["ModelPackageArn"] == {"S": new}
    assert {name: float(value["N"]) for name, value in item["Metrics"]["M"].items()} == {
        "r2": 0.4723,
        "mse": 3200.0,
        "rows": 20,
    }
    assert item["MetricsError"] == {"S": ""}


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("s3://{}-gone/evaluation.json", "The specified bucket does not exist"),
        ("s3://{}/gone.json", "The specified key does not exist"),
        ("s3://{}/functions/automation.zip", "codec can't decode"),
        ("s3://no_bucket!/x.json", "Invalid bucket name"),
    ],
)
def test_a_version_whose_evaluation_cannot_be_read_is_told_and_kept(automation, versions, uri, why):
    where = uri.format(automation.name)
    number = versions.register(evaluation=where).rpartition("/")[2]
    text = automation.mail(f"Version {number} of the model waits")["Message"]
    [line] = [line for line in text.splitlines() if "cannot be read" in line]
    assert line.startswith(f"The metrics of version {number} cannot be read: {where}: ")
    assert why in line
    assert "without metrics" not in text
    key = {"ModelPackageGroupName": {"S": automation.name}, "ModelPackageVersion": {"N": number}}
    automation.wait_until_worked_through("keep-history")
    item = automation.item("versions", key)
    assert item["ModelApprovalStatus"] == {"S": "PendingManualApproval"}
    assert item["MetricsError"]["S"].startswith(f"metrics cannot be read: {where}: ")
    assert "Metrics" not in item


def test_a_pipeline_that_fails_is_told_with_the_steps_reason_and_its_log(automation):
    sagemaker, name = automation.aws.client("sagemaker"), automation.name
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    text = automation.mail(f"Pipeline {name} failed")["Message"]
    [line] = [line for line in text.splitlines() if line.startswith("Step Only: ")]
    assert "no target column" in line
    group, prefix = text.partition("Log: group ")[2].split("\n")[0].removesuffix("...").split(", streams ")
    logs, deadline = automation.aws.client("logs"), time.monotonic() + 60
    while not logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]:
        assert time.monotonic() < deadline, (group, prefix)
        time.sleep(0.05)
    assert arn in text
    wait_for_item(automation, "jobs", {"Type": {"S": "PipelineExecution"}, "Arn": {"S": arn}}, "Failed")
    key = {"Type": {"S": "PipelineStep"}, "Arn": {"S": f"{arn}/step/Only"}}
    step = wait_for_item(automation, "jobs", key, "Failed")
    assert "no target column" in step["FailureReason"]["S"]
    assert json.loads(step["Metadata"]["S"])["processingJob"]["arn"].endswith(prefix.rstrip("/").lower())


def test_a_pipeline_that_has_ended_is_told_with_its_data(automation):
    name, data = f"{automation.name}-batch", f"s3://{automation.name}-data/batchdata"
    given = {"InputDataUrl": f"{data}/input/day 1.csv", "OutputDataUrl": f"{data}/output/"}
    automation.aws.client("sagemaker").start_pipeline_execution(
        PipelineName=name, PipelineParameters=[{"Name": key, "Value": value} for key, value in given.items()]
    )
    lines = automation.mail(f"Pipeline {name} failed")["Message"].splitlines()
    assert {f"{key}: {value}" for key, value in given.items()} <= set(lines)


def test_a_job_of_the_projects_name_is_told_and_kept_and_another_one_is_not(automation):
    sagemaker = automation.aws.client("sagemaker")
    for name in (f"other-{automation.name}", f"{automation.name}-by-hand"):
        sagemaker.create_processing_job(ProcessingJobName=name, **processing("print('done')"))
    automation.mail(f"Processing job {automation.name}-by-hand completed")
    arn = sagemaker.describe_processing_job(ProcessingJobName=f"{automation.name}-by-hand")["ProcessingJobArn"]
    key = {"Type": {"S": "ProcessingJob"}, "Arn": {"S": arn}}
    item = wait_for_item(automation, "jobs", key, "Completed")
    assert int(item["ExpiresAt"]["N"]) > time.time() + 399 * 24 * 3600
    other = sagemaker.describe_processing_job(ProcessingJobName=f"other-{automation.name}")["ProcessingJobArn"]
    assert automation.item("jobs", {**key, "Arn": {"S": other}}) == {}


def test_events_in_any_order_leave_the_latest_state(automation):
    name, queue = f"{automation.name}-late", "keep-history"
    times = {"InProgress": "1583831880000", "Stopping": "1583831889050", "Stopped": "1583831889050"}
    events = {status: samples.job("Training", name, status, LastModifiedTime=at) for status, at in times.items()}
    arn = events["Stopped"]["detail"]["TrainingJobArn"]
    for status in ("Stopped", "Stopping", "InProgress", "Stopped"):
        automation.deliver(queue, events[status], times=1)
    automation.wait_until_worked_through(queue)
    item = automation.item("jobs", {"Type": {"S": "TrainingJob"}, "Arn": {"S": arn}})
    assert (item["JobStatus"]["S"], item["ChangedAt"]["S"]) == ("Stopped", "2020-03-10T09:18:09.050Z")


def test_the_same_event_five_times_is_one_mail(automation):
    event = samples.action(f"{automation.name}-deploy")
    automation.deliver("tell-people", event, times=5)
    subject = f"{automation.name}-deploy: DeployResourcesStaging failed"
    automation.wait_until_worked_through("tell-people")
    found = [mail for mail in automation.mails() if subject in mail["Subject"]]
    assert len(found) == 1
    text = found[0]["Message"]
    assert "Reason: Stack went into ROLLBACK_COMPLETE" in text
    assert f"aws codepipeline start-pipeline-execution --name {automation.name}-deploy\n" in text


def test_an_approval_that_is_refused_is_told(automation):
    name = f"{automation.name}-deploy"
    Pipelines(automation.aws).answer(name, "DeployProd", "ApproveDeployment", "Rejected")
    text = automation.mail(f"{name}: ApproveDeployment failed")["Message"]
    assert "Stage DeployProd" in text
    assert "so be it" in text


def test_an_approval_that_nobody_gives_in_time_is_told(own_local_aws, monkeypatch):
    monkeypatch.setenv("LOCALAWS_TIME_SCALE", "0.01")
    project = provision(own_local_aws())
    name = f"{project.name}-deploy"
    # The first execution may be over before there was somebody to tell of it.
    project.aws.client("codepipeline").start_pipeline_execution(name=name)
    text = project.mail(f"{name}: ApproveDeployment failed")["Message"]
    reason = "Reason: The action ApproveDeployment has timed out: it took more than 5 minutes\n"
    assert reason in text
    assert "aws codepipeline retry-stage-execution" in text
    # An event that does not say it: CodePipeline is asked.
    event, number = samples.action(name, "Manual"), text.partition("--pipeline-execution-id ")[2].split()[0]
    event["detail"] |= {"stage": "DeployProd", "action": "ApproveDeployment"}
    event["detail"] |= {"execution-id": number, "execution-result": {}}
    project.deliver("tell-people", event, times=1)
    assert reason in project.mail(f"{name}: ApproveDeployment failed")["Message"]


def test_an_action_of_which_nothing_more_is_known_is_told_with_its_code(automation):
    name = f"{automation.name}-deploy"
    event = samples.action(name)
    event["detail"] |= {"action": "Forgotten", "execution-result": {"error-code": "JobFailed"}}
    automation.deliver("tell-people", event, times=1)
    assert "Reason: JobFailed" in automation.mail(f"{name}: Forgotten failed")["Message"]


def test_a_build_is_told_with_the_phase_that_failed_and_its_log(automation):
    automation.deliver("tell-people", samples.build(f"{automation.name}-build"), times=1)
    text = automation.mail(f"Build {automation.name}-build failed")["Message"]
    assert "BUILD: COMMAND_EXECUTION_ERROR: pytest. Reason: exit status 1" in text
    assert f"    deploy-model log {automation.name}-build:8745a7a9-" in text


def test_a_first_modeldeploy_that_had_nothing_to_deploy_is_no_failure(own_automation):
    own_automation.deliver("tell-people", samples.build(f"{own_automation.name}-deploy"), times=1)
    text = own_automation.mail("The project is there; ModelDeploy waits for a first version")["Message"]
    assert f"deploy-model follow --project-name {own_automation.name}" in text


def test_an_approval_is_asked_with_what_it_is_about(automation, versions):
    """CodePipeline's own event: the project's ModelDeploy begins to wait."""
    name, new = f"{automation.name}-deploy", versions.register(r2=0.5)
    codepipeline = automation.aws.client("codepipeline")
    declaration = codepipeline.get_pipeline(name=name)["pipeline"]
    action = declaration["stages"][-1]["actions"][0]
    action["configuration"] = {"CustomData": f"Version {new} has passed the tests in staging."}
    codepipeline.update_pipeline(pipeline=declaration)
    codepipeline.start_pipeline_execution(name=name)
    mail = automation.mail(f"Version {new.rpartition('/')[2]} of the model waits for your approval")
    assert f"Version {new} has passed the tests in staging." in mail["Message"]
    assert "    r2      0.5" in mail["Message"]
    for verdict in ("approve", "reject --summary WHY"):
        assert f"    deploy-model answer {verdict} --project-name {automation.name}\n" in mail["Message"]


def test_an_endpoint_tells_of_another_configuration_and_not_of_another_size(automation):
    def event(status: str, at: float, config: str) -> dict[str, Any]:
        name = f"{automation.name}-staging"
        return samples.endpoint(name, status, LastModifiedTime=at, EndpointConfigName=config)

    for changed in (
        event("IN_SERVICE", 1.0e12, "c-1"),
        event("UPDATING", 2.0e12, "c-1"),
        event("IN_SERVICE", 3.0e12, "c-1"),  # another number of instances
        event("ROLLING_BACK", 4.0e12, "c-1"),
        event("IN_SERVICE", 5.0e12, "c-1"),
    ):
        automation.deliver("tell-people", changed, times=1)
        automation.wait_until_worked_through("tell-people")
    staging = [mail["Subject"] for mail in automation.mails() if f"{automation.name}-staging" in mail["Subject"]]
    assert [subject.partition("staging ")[2] for subject in staging] == [
        "is in service",
        "is rolled back",
        "is in service",
    ]
