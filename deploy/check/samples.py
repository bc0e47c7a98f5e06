"""Events as AWS sends them, for the names of a project: what the patterns of its rules are tried with.

Sources: Amazon EventBridge Events Reference and the user guides of the services, "Monitoring with EventBridge".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.check.system import System
from deploy.stages import STAGES

Detail = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """An event.

    Attributes
    ----------
    name : str
        What happens, in a few words.
    must_start : str
        What has to follow from it, in a few words; empty when the project need not listen.
    """

    name: str
    event: dict[str, Any]
    must_start: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """Its source and detail type."""
        return self.event["source"], self.event["detail-type"]


def samples(system: System) -> list[Sample]:
    """Return events of every kind that concerns a project."""
    makers = (_commits, _versions, _objects, _jobs, _executions, _endpoints, _pipelines, _builds, _others)
    return [sample for make in makers for sample in make(system)]


def _commits(system: System) -> Iterator[Sample]:
    repository = system.parameter("RepositoryName")
    # Behind a code connection CodePipeline hears of commits itself.
    own = system.parameter("SourceProvider") == "CodeCommit"
    branch = system.parameter("BranchName") or "main"
    for event in ("referenceCreated", "referenceUpdated"):
        detail = {
            "event": event,
            "repositoryName": repository,
            "repositoryId": "26a80caa-5ee0-4b0a-9d5c-5b7e8a1b7f0e",
            "referenceType": "branch",
            "referenceName": branch,
            "referenceFullName": f"refs/heads/{branch}",
            "commitId": "4c5e8a1b7f0e26a80caa5ee04b0a9d5c5b7e8a1b",
            "callerUserArn": f"arn:aws:iam::{system.account}:user/someone",
        }
        arn = _arn(system, "codecommit", repository)
        kind = ("aws.codecommit", "CodeCommit Repository State Change")
        must = "ModelBuild" if own and event == "referenceUpdated" else ""
        yield Sample(f"a commit ({event})", _event(system, kind, detail, arn), must)


def _versions(system: System) -> Iterator[Sample]:
    group = system.model_package_group_name
    arn = _arn(system, "sagemaker", f"model-package/{group.lower()}/1")
    following = {"Approved": "ModelDeploy", "Rejected": "ModelDeploy", "PendingManualApproval": ""}
    for status, must in following.items():
        detail = {
            "ModelPackageName": f"{group.lower()}/1",
            "ModelPackageGroupName": group,
            "ModelPackageVersion": 1,
            "ModelPackageArn": arn,
            "CreationTime": 1_767_225_600_000,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
        }
        kind = ("aws.sagemaker", "SageMaker Model Package State Change")
        yield Sample(f"a version {status}", _event(system, kind, detail, arn), must)


def _objects(system: System) -> Iterator[Sample]:
    bucket = system.root.outputs.get("DataBucketName", "")
    following = {"traindata/day.csv": "retraining", "batchdata/input/day.csv": "batch transform"}
    for key, must in following.items():
        detail = {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                "size": 1024,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "sequencer": "00617F08299329D189",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": system.account,
            "source-ip-address": "203.0.113.1",
            "reason": "PutObject",
        }
        yield Sample(
            f"a file {key}", _event(system, ("aws.s3", "Object Created"), detail, f"arn:aws:s3:::{bucket}"), must
        )


def _jobs(system: System) -> Iterator[Sample]:
    words = {"Training": "training-job", "Processing": "processing-job", "Transform": "transform-job"}
    words["HyperParameter Tuning"] = "hyper-parameter-tuning-job"
    for noun, resource in words.items():
        member = noun.replace(" ", "") + "Job"
        for status in ("InProgress", "Completed", "Failed", "Stopped"):
            # A job of a pipeline, and one that a person has named.
            for name in (f"pipelines-abcdefghijkl-{noun.split()[0]}-abcdefghij", f"{system.project_name}-by-hand"):
                arn = _arn(system, "sagemaker", f"{resource}/{name}")
                detail = {f"{member}Name": name, f"{member}Arn": arn, f"{member}Status": status}
                kind = ("aws.sagemaker", f"SageMaker {noun} Job State Change")
                yield Sample(f"{noun.lower()} job {status}", _event(system, kind, detail, arn))


def _executions(system: System) -> Iterator[Sample]:
    pipeline = _arn(system, "sagemaker", f"pipeline/{system.parameter('TrainingPipelineName').lower()}")
    execution = f"{pipeline}/execution/abcdefghijkl"
    both = {"pipelineArn": pipeline, "pipelineExecutionArn": execution}
    for status in ("Executing", "Succeeded", "Failed", "Stopped"):
        word = {"currentPipelineExecutionStatus": status, "previousPipelineExecutionStatus": "Executing"}
        kind = ("aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change")
        must = "telling people" if status == "Failed" else ""
        yield Sample(f"a pipeline execution {status}", _event(system, kind, {**both, **word}, pipeline), must)
        step = {
            "stepName": "Train",
            "stepType": "Training",
            "currentStepStatus": status,
            "previousStepStatus": "Starting",
        }
        kind = ("aws.sagemaker", "SageMaker Model Building Pipeline Execution Step Status Change")
        yield Sample(f"a pipeline step {status}", _event(system, kind, {**both, **step}, pipeline))


def _endpoints(system: System) -> Iterator[Sample]:
    for stage in STAGES:
        name = f"{system.project_name}-{stage}"
        arn = _arn(system, "sagemaker", f"endpoint/{name.lower()}")
        # Events spell it as the first, Describe as the second.
        for status in ("IN_SERVICE", "InService", "FAILED", "Failed", "UPDATING", "Updating", "ROLLING_BACK"):
            detail = {"EndpointName": name, "EndpointArn": arn, "EndpointStatus": status}
            for noun in ("Endpoint", "Endpoint Deployment"):
                kind = ("aws.sagemaker", f"SageMaker {noun} State Change")
                yield Sample(f"endpoint {stage} {status}", _event(system, kind, detail, arn))


def _pipelines(system: System) -> Iterator[Sample]:
    named = {found.physical_id for found in system.of_type("AWS::CodePipeline::Pipeline")}
    for name in sorted(named | {system.parameter("DeployPipelineName")} - {""}):
        arn = _arn(system, "codepipeline", name)
        execution: Detail = {"pipeline": name, "execution-id": "01234567-0123-0123-0123-012345678901", "version": 1.0}
        stage = {**execution, "stage": "Build"}
        actions = [
            {
                **stage,
                "action": "One",
                "type": {"owner": "AWS", "category": category, "provider": provider, "version": "1"},
            }
            for category, provider in (("Build", "CodeBuild"), ("Deploy", "CloudFormation"), ("Approval", "Manual"))
        ]
        for status in ("STARTED", "SUCCEEDED", "FAILED", "STOPPED", "SUPERSEDED", "CANCELED"):
            for noun, details in (("Pipeline", [execution]), ("Stage", [stage]), ("Action", actions)):
                kind = ("aws.codepipeline", f"CodePipeline {noun} Execution State Change")
                for detail in details:
                    event = _event(system, kind, {**detail, "state": status}, arn)
                    yield Sample(f"{noun.lower()} of {name} {status}", event)


def _builds(system: System) -> Iterator[Sample]:
    for found in system.of_type("AWS::CodeBuild::Project"):
        arn = _arn(system, "codebuild", f"build/{found.physical_id}:01234567-0123-0123-0123-012345678901")
        for status in ("IN_PROGRESS", "SUCCEEDED", "FAILED", "STOPPED"):
            detail = {"build-status": status, "project-name": found.physical_id, "build-id": arn}
            kind = ("aws.codebuild", "CodeBuild Build State Change")
            yield Sample(f"build of {found.physical_id} {status}", _event(system, kind, detail, arn))


def _others(system: System) -> Iterator[Sample]:
    for found in system.of_type("AWS::StepFunctions::StateMachine"):
        for status in ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"):
            detail: Detail = {"stateMachineArn": found.physical_id, "name": "run", "status": status}
            detail["executionArn"] = found.physical_id.replace(":stateMachine:", ":execution:") + ":run"
            kind = ("aws.states", "Step Functions Execution Status Change")
            yield Sample(f"{found.name} {status}", _event(system, kind, detail, detail["executionArn"]))
    for found in system.of_type("AWS::CloudWatch::Alarm"):
        for state in ("OK", "ALARM", "INSUFFICIENT_DATA"):
            detail = {"alarmName": found.physical_id, "state": {"value": state}, "previousState": {"value": "OK"}}
            arn = _arn(system, "cloudwatch", f"alarm:{found.physical_id}")
            kind = ("aws.cloudwatch", "CloudWatch Alarm State Change")
            yield Sample(f"alarm {found.physical_id} {state}", _event(system, kind, detail, arn))


def _arn(system: System, service: str, rest: str) -> str:
    partition = system.root.stack_id.split(":")[1]
    return f"arn:{partition}:{service}:{system.region}:{system.account}:{rest}"


def _event(system: System, kind: tuple[str, str], detail: Detail, resource: str) -> dict[str, Any]:
    source, detail_type = kind
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": source,
        "account": system.account,
        "time": "2026-01-01T00:00:00Z",
        "region": system.region,
        "resources": [resource],
        "detail": detail,
    }
