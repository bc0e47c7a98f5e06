"""Events as AWS's guides show them, about a project: what each rule has to match, and each function to take.

The files in events/ are AWS's samples with the page that each is from: their members and the types of these, with
values of our own. A sample here is one of them with other names in it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-1"
FOLDER = Path(__file__).parent / "events"


@cache
def _file(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def documented(name: str) -> dict[str, Any]:
    """An event as AWS documents it."""
    found: dict[str, Any] = json.loads(_file(name))["event"]
    return found


def _event(name: str, **detail: Any) -> dict[str, Any]:
    event = documented(name)
    event["detail"].update(detail)
    return event


def model_package(group: str, status: str = "Approved", account: str = ACCOUNT, **detail: Any) -> dict[str, Any]:
    """A version of a model whose approval has changed."""
    arn = f"arn:aws:sagemaker:{REGION}:{account}:model-package/{group}/2"
    named = {"ModelPackageGroupName": group, "ModelPackageArn": arn, "ModelApprovalStatus": status}
    return {**_event("model_package", **{**named, **detail}), "resources": [arn]}


def object_created(bucket: str, key: str) -> dict[str, Any]:
    """An object that has arrived."""
    event = _event("object_created", bucket={"name": bucket})
    event["detail"]["object"]["key"] = key
    return {**event, "resources": [f"arn:aws:s3:::{bucket}"]}


def endpoint(name: str, status: str = "IN_SERVICE", **detail: Any) -> dict[str, Any]:
    """An endpoint that has changed its state."""
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{name}"
    return _event("endpoint", **{"EndpointName": name, "EndpointArn": arn, "EndpointStatus": status, **detail})


def execution(pipeline_arn: str) -> dict[str, Any]:
    """An execution of a SageMaker pipeline that has ended."""
    arn = f"{pipeline_arn}/execution/p4jn9xou8a8s"
    return _event("pipeline_execution", pipelineArn=pipeline_arn, pipelineExecutionArn=arn)


def step(pipeline_arn: str) -> dict[str, Any]:
    """A step of an execution that has ended."""
    arn = f"{pipeline_arn}/execution/p4jn9xou8a8s"
    return _event("pipeline_step", pipelineArn=pipeline_arn, pipelineExecutionArn=arn)


def job(kind: str, name: str, status: str, **detail: Any) -> dict[str, Any]:
    """A job that has changed its state; `kind` as in the detail-type: Processing, HyperParameter Tuning, ..."""
    member = f"{kind.replace(' ', '')}Job"
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{member.lower()}/{name}"
    named = {f"{member}Name": name, f"{member}Arn": arn, f"{member}Status": status}
    return _event(f"{kind.replace(' ', '').lower()}_job", **{**named, **detail})


def action(pipeline: str, provider: str = "CloudFormation", state: str = "FAILED") -> dict[str, Any]:
    """An action of a CodePipeline."""
    event = _event("codepipeline_action", pipeline=pipeline, state=state)
    event["detail"]["type"]["provider"] = provider
    return event


def release(pipeline: str, state: str = "SUCCEEDED") -> dict[str, Any]:
    """An execution of a CodePipeline."""
    return _event("codepipeline_execution", pipeline=pipeline, state=state)


def build(project: str, status: str = "FAILED") -> dict[str, Any]:
    """A build of CodeBuild."""
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{project}:8745a7a9-c340-456a-9166-edf953571bEX"
    event = _event("codebuild_build", **{"build-status": status, "project-name": project, "build-id": arn})
    event["detail"]["additional-information"]["logs"]["group-name"] = f"/aws/codebuild/{project}"
    return event


def commit(repository: str, branch: str = "main") -> dict[str, Any]:
    """A branch of a CodeCommit repository that has moved."""
    event = _event("codecommit_reference", repositoryName=repository, referenceName=branch)
    return {**event, "resources": [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:{repository}"]}
