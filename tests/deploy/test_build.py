"""The build script as CodeBuild calls it: the latest approved version becomes each stage's parameter file."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from deploy import packages
from tests.deploy.conftest import ROLE, Registry, run_module

# What the project's own stack has and its stages are given.
GIVEN = {
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/k",
    "NOTIFICATION_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:t",
}


def environment(registry: Registry, **more: str) -> dict[str, str]:
    """The variables that SageMaker's project templates set in CodeBuild."""
    return {
        **registry.local_aws.env,
        "MODEL_EXECUTION_ROLE_ARN": ROLE,
        "SOURCE_MODEL_PACKAGE_GROUP_NAME": registry.group,
        "SAGEMAKER_PROJECT_NAME": "mine",
        "SAGEMAKER_PROJECT_ID": "p-0123456789ab",
        "ARTIFACT_BUCKET": registry.bucket,
        **more,
    }


def template(topics: list[str], **properties: str) -> str:
    """A template that makes a topic of each name; of a property that topics do not have, none."""
    made = {name: {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, **properties}} for name in topics}
    return json.dumps({"Resources": made})


def settled(cloudformation: Any, name: str) -> str | None:
    """A stack's status as soon as it rests; None when there is no such stack."""
    deadline = time.monotonic() + 30
    while True:
        stacks = [each for each in cloudformation.describe_stacks()["Stacks"] if each["StackName"] == name]
        if not stacks or not stacks[0]["StackStatus"].endswith("_IN_PROGRESS"):
            return stacks[0]["StackStatus"] if stacks else None
        assert time.monotonic() < deadline, stacks
        time.sleep(0.05)


def test_a_stage_whose_creation_failed_can_be_created_again_and_one_that_serves_stays(
    registry: Registry, tmp_path: Path
):
    registry.register_approved()
    cloudformation, project = registry.local_aws.client("cloudformation"), f"clear-{uuid.uuid4().hex[:8]}"
    staging, production = (f"sagemaker-{project}-deploy-{stage}" for stage in ("staging", "production"))
    cloudformation.create_stack(StackName=staging, TemplateBody=template([staging], Colour="red"))
    assert settled(cloudformation, staging) == "ROLLBACK_COMPLETE"
    cloudformation.create_stack(StackName=production, TemplateBody=template([production]))
    assert settled(cloudformation, production) == "CREATE_COMPLETE"
    cloudformation.update_stack(StackName=production, TemplateBody=template([production, "b"], Colour="red"))
    assert settled(cloudformation, production) == "UPDATE_ROLLBACK_COMPLETE"

    environ = environment(registry, SAGEMAKER_PROJECT_NAME=project)
    done = run_module("build", environ=environ, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"Deleted        {staging}, which holds nothing" in done.stdout
    assert production not in done.stdout
    assert settled(cloudformation, production) == "UPDATE_ROLLBACK_COMPLETE"
    # As CodePipeline's mode CREATE_UPDATE does where there is no stack.
    cloudformation.create_stack(StackName=staging, TemplateBody=template([staging]))
    assert settled(cloudformation, staging) == "CREATE_COMPLETE"
    assert "Deleted" not in run_module("build", environ=environ, cwd=tmp_path).stdout
    for name in (staging, production):
        cloudformation.delete_stack(StackName=name)


def test_the_stages_parameters_differ_only_in_what_their_files_say(registry: Registry, tmp_path: Path):
    registry.register("Approved")
    latest = registry.register_approved()
    registry.register("Rejected")
    names = {"EXPORT_TEMPLATE_STAGING_CONFIG": "staging.json", "EXPORT_TEMPLATE_PROD_CONFIG": "production.json"}
    done = run_module("build", environ=environment(registry, **names, **GIVEN), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    staging, production = (json.loads((tmp_path / name).read_text()) for name in names.values())
    for stage, document in (("staging", staging), ("production", production)):
        values, tags = document["Parameters"], document["Tags"]
        assert values["ModelPackageName"] == latest
        assert values["ModelExecutionRoleArn"] == ROLE
        assert (values["KmsKeyArn"], values["NotificationTopicArn"]) == tuple(GIVEN.values())
        assert values["SageMakerProjectName"] == "mine"
        assert values["StageName"] == stage
        assert values["DataCaptureUploadPath"] == f"s3://{registry.bucket}/mine/datacapture-{stage}"
        assert tags["sagemaker:project-name"] == "mine"
        assert tags["sagemaker:project-id"] == "p-0123456789ab"
        assert tags["sagemaker:deployment-stage"] == stage
    assert int(production["Parameters"]["EndpointInstanceCount"]) >= 2
    declared = (tmp_path / "template-export.yml").read_text().partition("\nResources:")[0]
    for name in {**staging["Parameters"], **production["Parameters"]}:
        assert f"\n  {name}:\n" in declared
    tested = json.loads((tmp_path / "system-test-input.json").read_text())
    assert tested == {"EndpointName": "mine-staging", "ModelPackageArn": latest}


def test_a_stages_file_of_ones_own_is_taken(registry: Registry, tmp_path: Path):
    registry.register_approved()
    config = {"Parameters": {"StageName": "staging", "EndpointInstanceType": "ml.c5.large"}, "Tags": {"team": "ml"}}
    (tmp_path / "mine.json").write_text(json.dumps(config))
    options = ("--import-staging-config", "mine.json", "--export-staging-config", "out.json")
    done = run_module("build", *options, environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["Parameters"]["EndpointInstanceType"] == "ml.c5.large"
    assert not {"KmsKeyArn", "NotificationTopicArn"} & set(written["Parameters"]), "the template has its own defaults"
    assert written["Tags"]["team"] == "ml"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "expected {"),
        ('{"Parameters": {"EndpointInstanceCount": 2}}', 'numbers and booleans are text, too: "2"'),
        ('{"Parameters": {"EndpointInstanceCount": "2"}}', "Parameters has no StageName"),
        ('{"Parameters": {}, "tags": {}}', "expected {"),
    ],
)
def test_a_stages_file_that_is_wrong_is_refused(registry: Registry, tmp_path: Path, text: str, why: str):
    registry.register_approved()
    (tmp_path / "mine.json").write_text(text)
    done = run_module("build", "--import-prod-config", "mine.json", environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.json" in done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--import-staging-config", "the stage's configuration nowhere/file.json cannot be read: No such file"),
        ("--export-staging-config", "nowhere/file.json cannot be written: No such file"),
    ],
)
def test_a_file_that_is_not_there_is_named(registry: Registry, tmp_path: Path, option: str, why: str):
    registry.register_approved()
    done = run_module("build", option, "nowhere/file.json", environ=environment(registry), cwd=tmp_path)
    assert (done.returncode, why in done.stderr) == (2, True), done.stderr


def test_a_version_that_changed_since_its_approval_is_not_deployed(registry: Registry, tmp_path: Path):
    package = packages.describe(registry.local_aws.client("sagemaker"), registry.register_approved())
    [container] = package.document["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    registry.local_aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"another model")
    done = run_module("build", environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 1
    assert f"the model data of {registry.group}/1 changed after the approval at" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_deployed_with_the_templates_of_its_own_commit(registry: Registry, tmp_path: Path):
    mine, another = "a" * 40, "b" * 40
    registry.register_approved(MetadataProperties={"CommitId": mine})
    done = run_module("build", environ=environment(registry, COMMIT_ID=another), cwd=tmp_path)
    assert done.returncode == 1
    assert f"{registry.group}/1 was built from commit {mine}, and these templates are those of {another}" in done.stderr
    assert f"revisionValue={mine}" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = run_module("build", environ=environment(registry, COMMIT_ID=mine), cwd=tmp_path)
    assert (done.returncode, "is not known" in done.stdout) == (0, False), done.stderr


def test_without_an_approved_version_nothing_is_written(registry: Registry, tmp_path: Path):
    registry.register()
    done = run_module("build", environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 1
    assert f"no version of the model package group '{registry.group}' is approved" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_codebuild_has_not_set_has_to_be_given(tmp_path: Path, registry: Registry):
    done = run_module("build", environ=registry.local_aws.env, cwd=tmp_path)
    assert done.returncode == 2
    assert "--model-execution-role, --model-package-group-name, --sagemaker-project-name" in done.stderr
