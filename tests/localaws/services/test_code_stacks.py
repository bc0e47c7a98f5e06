"""Repositories and pipelines of stacks."""

import io
import json
import time
import uuid
import zipfile
from typing import Any

from tests.conftest import LocalAws
from tests.localaws.services.pipelines import ROLE, Pipelines

Document = dict[str, Any]


def template(pipelines: Pipelines, name: str, key: str, question: str) -> str:
    """A repository with a first commit, and a pipeline of its own that asks a question."""
    kind = {"Owner": "AWS", "Version": "1"}
    code = {"BranchName": "main", "S3": {"Bucket": pipelines.bucket, "Key": key}}
    source = {
        "Name": "Code",
        "ActionTypeId": {**kind, "Category": "Source", "Provider": "CodeCommit"},
        "Configuration": {
            "RepositoryName": {"Fn::GetAtt": ["Repository", "Name"]},
            "BranchName": "main",
            "PollForSourceChanges": False,
        },
        "OutputArtifacts": [{"Name": "Code"}],
        "Namespace": "Source",
    }
    ask = {
        "Name": "Ask",
        "RunOrder": "1",
        "TimeoutInMinutes": "60",
        "ActionTypeId": {**kind, "Category": "Approval", "Provider": "Manual"},
        "Configuration": {"CustomData": question},
    }
    resources = {
        "Repository": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name, "Code": code}},
        "Pipeline": {
            "Type": "AWS::CodePipeline::Pipeline",
            "Properties": {
                "RoleArn": ROLE,
                "PipelineType": "V2",
                "ArtifactStore": {"Type": "S3", "Location": pipelines.bucket},
                "Stages": [{"Name": "Source", "Actions": [source]}, {"Name": "Approve", "Actions": [ask]}],
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
    }
    outputs = {
        "Pipeline": {"Value": {"Ref": "Pipeline"}},
        "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}},
        "Url": {"Value": {"Fn::GetAtt": ["Repository", "CloneUrlHttp"]}},
        "Repository": {"Value": {"Ref": "Repository"}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def finished(client: Any, name: str) -> Document:
    """A stack that rests, with its outputs as a dict."""
    deadline = time.monotonic() + 60
    while True:
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
            return {**stack, "Outputs": outputs}
        assert time.monotonic() < deadline, stack
        time.sleep(0.05)


def test_a_stack_has_a_repository_with_code_and_a_pipeline_that_runs(local_aws: LocalAws) -> None:
    pipelines, cloudformation = Pipelines(local_aws), local_aws.client("cloudformation")
    name, content = f"stack-{uuid.uuid4().hex[:12]}", io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        script = zipfile.ZipInfo("bin/run")
        script.external_attr = 0o755 << 16
        archive.writestr(script, "#!/bin/sh\n")
        archive.writestr(".gitignore", "*.txt\n")
        archive.writestr("kept.txt", "as it was zipped\n")
    local_aws.client("s3").put_object(Bucket=pipelines.bucket, Key="code.zip", Body=content.getvalue())

    cloudformation.create_stack(StackName=name, TemplateBody=template(pipelines, name, "code.zip", "Well?"))
    outputs = finished(cloudformation, name)["Outputs"]
    pipeline, codecommit = outputs["Pipeline"], local_aws.client("codecommit")
    assert (pipeline.startswith(f"{name}-Pipeline-"), outputs["Version"]) == (True, "1")
    made = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
    assert (made["repositoryId"], made["cloneUrlHttp"]) == (outputs["Repository"], outputs["Url"])
    file = codecommit.get_file(repositoryName=name, filePath="bin/run")
    assert (file["fileMode"], file["fileContent"]) == ("EXECUTABLE", b"#!/bin/sh\n")
    assert codecommit.get_file(repositoryName=name, filePath="kept.txt")["fileContent"] == b"as it was zipped\n"
    pipelines.answer(pipeline, "Approve", "Ask")
    assert pipelines.end(pipeline) == "Succeeded"

    cloudformation.update_stack(StackName=name, TemplateBody=template(pipelines, name, "code.zip", "Really?"))
    stack = finished(cloudformation, name)
    assert (stack["StackStatus"], stack["Outputs"]["Version"]) == ("UPDATE_COMPLETE", "2")
    [_, approve] = pipelines.client.get_pipeline(name=pipeline)["pipeline"]["stages"]
    assert approve["actions"][0]["configuration"]["CustomData"] == "Really?"
    arn = pipelines.client.get_pipeline(name=pipeline)["metadata"]["pipelineArn"]
    assert pipelines.client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "ml"}]

    cloudformation.delete_stack(StackName=name)
    pipelines.wait(
        lambda: not [each for each in pipelines.client.list_pipelines()["pipelines"] if each["name"] == pipeline]
    )
    pipelines.wait(lambda: codecommit.batch_get_repositories(repositoryNames=[name])["repositoriesNotFound"])


def test_a_pipeline_that_cannot_be_fails_its_stack_with_the_reason(local_aws: LocalAws) -> None:
    pipelines, cloudformation = Pipelines(local_aws), local_aws.client("cloudformation")
    name = f"stack-{uuid.uuid4().hex[:12]}"
    body = template(pipelines, name, "missing.zip", "#{Nobody.Knows}")
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    assert finished(cloudformation, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert "specified key does not exist" in " ".join(each.get("ResourceStatusReason", "") for each in events)
    missing = local_aws.client("codecommit").batch_get_repositories(repositoryNames=[name])
    assert missing["repositoriesNotFound"] == [name]


def test_a_first_commit_that_is_too_large_is_refused_as_on_aws(local_aws: LocalAws) -> None:
    pipelines, cloudformation = Pipelines(local_aws), local_aws.client("cloudformation")
    name = f"stack-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").put_object(Bucket=pipelines.bucket, Key="large.zip", Body=bytes(20 * 1024 * 1024 + 1))
    document = json.loads(template(pipelines, name, "large.zip", "Well?"))
    document["Resources"] = {"Repository": document["Resources"]["Repository"]}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": document["Resources"]}))
    assert finished(cloudformation, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert "cannot be more than 20 MB" in " ".join(each.get("ResourceStatusReason", "") for each in events)


def test_a_pipeline_with_a_transition_of_no_stage_is_rolled_back(local_aws: LocalAws) -> None:
    pipelines, cloudformation = Pipelines(local_aws), local_aws.client("cloudformation")
    name = f"stack-{uuid.uuid4().hex[:12]}"
    document = json.loads(template(pipelines, name, "code.zip", "Well?"))
    properties = document["Resources"]["Pipeline"]["Properties"]
    properties["DisableInboundStageTransitions"] = [{"StageName": "Nowhere", "Reason": "x"}]
    del document["Resources"]["Repository"]["Properties"]["Code"]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(document))
    assert finished(cloudformation, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert "Nowhere" in " ".join(each.get("ResourceStatusReason", "") for each in events)
    assert name not in str(pipelines.client.list_pipelines()["pipelines"])
