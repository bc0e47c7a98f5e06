"""Events as AWS's guides show them, about a project: what each rule of automation.yml has to match.

Sources: "Events that Amazon SageMaker AI sends to Amazon EventBridge", "Monitoring CodePipeline events", "Build
notifications input format reference" and "EventBridge event structure" of S3, each shortened.
"""

from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-1"


def _event(source: str, kind: str, detail: dict[str, Any], time: str = "2026-03-15T16:10:11Z") -> dict[str, Any]:
    about = {"version": "0", "id": "315c1398-40ff-a850-213b-158f73kd93ir", "account": ACCOUNT, "region": REGION}
    return {**about, "detail-type": kind, "source": source, "time": time, "resources": [], "detail": detail}


def model_package(group: str, status: str = "Approved", account: str = ACCOUNT, **detail: Any) -> dict[str, Any]:
    """A version of a model whose approval has changed."""
    return _event(
        "aws.sagemaker",
        "SageMaker Model Package State Change",
        {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": 2,
            "ModelPackageArn": f"arn:aws:sagemaker:{REGION}:{account}:model-package/{group}/2",
            "CreationTime": "2021-02-24T17:00:14Z",
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
            "LastModifiedTime": "2021-02-24T17:00:14Z",
            **detail,
        },
    )


def object_created(bucket: str, key: str) -> dict[str, Any]:
    """An object that has arrived."""
    return _event(
        "aws.s3",
        "Object Created",
        {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                "size": 5,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                "sequencer": "617f08299329d189",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": ACCOUNT,
            "reason": "PutObject",
        },
    )


def endpoint(name: str, status: str = "IN_SERVICE", **detail: Any) -> dict[str, Any]:
    """An endpoint that has changed its state."""
    return _event(
        "aws.sagemaker",
        "SageMaker Endpoint State Change",
        {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{name}",
            "EndpointConfigName": "MyEndpointConfig",
            "ProductionVariants": [{"DesiredWeight": 1.0, "DesiredInstanceCount": 1.0}],
            "EndpointStatus": status,
            "CreationTime": 1592411992203.0,
            "LastModifiedTime": 1592411994287.0,
            "Tags": {},
            **detail,
        },
    )


def execution(pipeline_arn: str) -> dict[str, Any]:
    """An execution of a SageMaker pipeline that has ended."""
    return _event(
        "aws.sagemaker",
        "SageMaker Model Building Pipeline Execution Status Change",
        {
            "pipelineExecutionDisplayName": "SomeDisplayName",
            "currentPipelineExecutionStatus": "Succeeded",
            "previousPipelineExecutionStatus": "Executing",
            "executionStartTime": "2021-03-15T16:03:13Z",
            "executionEndTime": "2021-03-15T16:10:10Z",
            "pipelineArn": pipeline_arn,
            "pipelineExecutionArn": f"{pipeline_arn}/execution/p4jn9xou8a8s",
        },
    )


def step(pipeline_arn: str) -> dict[str, Any]:
    """A step of an execution that has ended."""
    job = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/pipelines-p4jn9xou8a8s-myprocessingstep1-tmgxry49ug"
    return _event(
        "aws.sagemaker",
        "SageMaker Model Building Pipeline Execution Step Status Change",
        {
            "metadata": {"processingJob": {"arn": job}},
            "stepStartTime": "2021-03-15T16:03:14Z",
            "stepEndTime": "2021-03-15T16:10:09Z",
            "stepName": "myprocessingstep1",
            "stepType": "Processing",
            "previousStepStatus": "Executing",
            "currentStepStatus": "Succeeded",
            "pipelineArn": pipeline_arn,
            "pipelineExecutionArn": f"{pipeline_arn}/execution/p4jn9xou8a8s",
        },
    )


def job(kind: str, name: str, status: str, **detail: Any) -> dict[str, Any]:
    """A job that has changed its state; `kind` as in the detail-type: Processing, HyperParameter Tuning, ..."""
    member = f"{kind.replace(' ', '')}Job"
    return _event(
        "aws.sagemaker",
        f"SageMaker {kind} Job State Change",
        {
            f"{member}Name": name,
            f"{member}Arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{member.lower()}/{name}",
            f"{member}Status": status,
            "CreationTime": "1583831889050",
            "LastModifiedTime": "1583831889050",
            **detail,
        },
    )


def action(pipeline: str, provider: str = "CloudFormation", state: str = "FAILED") -> dict[str, Any]:
    """An action of a CodePipeline."""
    return _event(
        "aws.codepipeline",
        "CodePipeline Action Execution State Change",
        {
            "pipeline": pipeline,
            "execution-id": "01234567-0123-0123-0123-012345678901",
            "stage": "DeployStaging",
            "execution-result": {
                "external-execution-url": "https://us-west-2.console.aws.amazon.com/cloudformation/",
                "external-execution-summary": "Stack went into ROLLBACK_COMPLETE",
                "error-code": "JobFailed",
            },
            "action": "DeployResourcesStaging",
            "state": state,
            "region": REGION,
            "type": {"owner": "AWS", "provider": provider, "category": "Deploy", "version": "1"},
            "version": 2.0,
        },
    )


def release(pipeline: str, state: str = "SUCCEEDED") -> dict[str, Any]:
    """An execution of a CodePipeline."""
    detail = {"pipeline": pipeline, "version": "3", "execution-id": "12345678-1234", "state": state}
    return _event("aws.codepipeline", "CodePipeline Pipeline Execution State Change", detail)


def build(project: str, status: str = "FAILED") -> dict[str, Any]:
    """A build of CodeBuild."""
    return _event(
        "aws.codebuild",
        "CodeBuild Build State Change",
        {
            "build-status": status,
            "project-name": project,
            "build-id": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{project}:8745a7a9-c340-456a-9166-edf953571bEX",
            "additional-information": {
                "logs": {
                    "group-name": f"/aws/codebuild/{project}",
                    "stream-name": "8745a7a9-c340-456a-9166-edf953571bEX",
                    "deep-link": "https://console.aws.amazon.com/cloudwatch/home#logEvent",
                },
                "phases": [
                    {"phase-context": [], "phase-type": "INSTALL", "phase-status": "SUCCEEDED"},
                    {
                        "phase-context": ["COMMAND_EXECUTION_ERROR: pytest. Reason: exit status 1"],
                        "phase-type": "BUILD",
                        "phase-status": "FAILED",
                    },
                    {"phase-type": "COMPLETED"},
                ],
            },
        },
    )
