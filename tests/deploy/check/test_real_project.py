"""The project that `deploy-model project` makes: nothing is wrong with it, and what is broken in it is found."""

import json
import subprocess
import uuid
from pathlib import Path

import pytest

from deploy.check.finding import Status
from tests.conftest import LocalAws
from tests.deploy.check.conftest import Checked, checked_project
from tests.deploy.conftest import run_module

SPECIFICATIONS = ("codebuild-buildspec.yml", "deploy/buildspec.yml", "deploy/test/buildspec.yml")
BUILD = "version: 0.2\nphases: {build: {commands: ['true']}}\n"


@pytest.fixture(scope="module")
def real(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    folder, name = tmp_path_factory.mktemp("copy"), f"real-{uuid.uuid4().hex[:8]}"
    for path in SPECIFICATIONS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(BUILD)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "--all"], check=True)
    local_aws.client("s3").create_bucket(Bucket=name)
    options = ("--project-name", name, "--s3-bucket", name, "--source", str(folder))
    done = run_module("deploy_model", "project", *options, environ=local_aws.env, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return checked_project(name, local_aws)


def test_nothing_is_wrong_but_that_there_are_no_data(real: Checked, tmp_path: Path):
    options = ("--project-name", real.name, "--format", "json")
    done = run_module("check_project", *options, environ=real.aws.env, cwd=tmp_path)
    findings = json.loads(done.stdout)["Findings"]
    failures = [(one["Resource"], one["Check"]) for one in findings if one["Status"] == "failed"]
    assert (done.returncode, failures) == (1, [("Bucket DataBucket", "TrainingData")])
    asked = {one["Resource"].split()[0] for one in findings if one["Status"] == "unknown"}
    assert asked == {"Quota"}
    judged = {(one["Resource"], one["Check"]): one["Status"] for one in findings}
    assert judged["Pipeline Release/Pipeline", "Role"] == "ok"
    assert judged["Project Release/TestProject", "Role"] == "ok"
    assert judged["Repository Repository", "Branch"] == "ok"
    assert judged["Trigger a commit (referenceUpdated)", "Followed"] == "ok"
    assert judged["Trigger a version Approved", "Followed"] == "ok"


def test_a_queue_that_nobody_reads_is_found(real: Checked):
    mapping = real.system().of_type("AWS::Lambda::EventSourceMapping")[0].physical_id
    before = real.verdicts("AWS::Lambda::EventSourceMapping", mapping)
    assert before["Enabled"].status is Status.OK
    real.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    seen = real.verdicts("AWS::Lambda::EventSourceMapping", mapping)["Enabled"]
    assert (seen.status, "nothing reads" in seen.why) == (Status.FAILED, True)
    assert f"--uuid {mapping} --enabled" in seen.action


def test_a_queue_without_a_dead_letter_queue_is_found(real: Checked):
    function = real.system().of_type("AWS::Lambda::Function")[0].physical_id
    before = real.verdicts("AWS::Lambda::Function", function)["DeadLetterQueue"]
    assert (before.status, before.why) == (Status.OK, "that of its queue")
    [mapping] = real.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    url = real.client("sqs").get_queue_url(QueueName=mapping["EventSourceArn"].rpartition(":")[2])["QueueUrl"]
    real.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    seen = real.verdicts("AWS::Lambda::Function", function)["DeadLetterQueue"]
    assert (seen.status, "has no dead-letter queue" in seen.why) == (Status.FAILED, True)


def test_a_pipeline_that_is_gone_is_found(real: Checked):
    name = f"{real.name}-build"
    assert real.verdicts("AWS::CodePipeline::Pipeline", name)["There"].status is Status.OK
    real.client("codepipeline").delete_pipeline(name=name)
    [seen] = real.verdicts("AWS::CodePipeline::Pipeline", name).values()
    assert (seen.status, "is not there" in seen.why) == (Status.FAILED, True)


def test_a_build_project_that_is_gone_is_found(real: Checked):
    name = f"{real.name}-test"
    assert real.verdicts("AWS::CodeBuild::Project", name)["There"].status is Status.OK
    real.client("codebuild").delete_project(name=name)
    [seen] = real.verdicts("AWS::CodeBuild::Project", name).values()
    assert (seen.status, "is not there" in seen.why) == (Status.FAILED, True)
