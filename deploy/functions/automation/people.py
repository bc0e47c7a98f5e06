"""Tell people what happened: gather the facts of an event, turn them into a mail, and publish it.

The same event is reported once; a change that people need not know of (an endpoint that is scaled, a version whose
metadata change) is not reported.
"""

import os

import aws
import mails
from botocore.exceptions import ClientError
from claims import sortable
from mails import FailedStep, Mail, Place, Version
from messages import Document, work_through
from registry import UnreadableMetricsError, deployed, metrics, version

_ENDED = ("Succeeded", "Failed", "Stopped")
_JOB_ENDED = ("Completed", "Failed", "Stopped")
_ENDPOINT_NEWS = ("IN_SERVICE", "ROLLING_BACK", "UPDATE_ROLLBACK_FAILED", "FAILED")


def handler(event: Document, _context: object) -> Document:
    """Send mails about the events of a batch."""
    return work_through(event, _tell)


def _place() -> Place:
    return Place(os.environ["PROJECT_NAME"], os.environ["AWS_REGION"])


def _tell(event: Document) -> Document:
    tell = _TELLERS.get(event["detail-type"])
    if tell is None:
        raise ValueError(f"no mail is made of {event['detail-type']!r}: a rule sends what this function does not know")
    return {"outcome": tell(event)}


def _once(key: str, mail: Mail) -> str:
    def publish(_token: str) -> str:
        answer = aws.client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject=mail.subject, Message=mail.text)
        return str(answer["MessageId"])

    published = aws.claims().once(f"mail#{key}", publish)
    return f"published {published}: {mail.subject}" if published else "had been published"


def _package(event: Document) -> str:
    detail = event["detail"]
    arn, status = detail["ModelPackageArn"], detail["ModelApprovalStatus"]
    changed = sortable(detail.get("LastModifiedTime") or event["time"])
    if detail.get("ModelPackageStatus", "Completed") != "Completed":
        return "not ready"
    if not aws.claims().enter(f"mail#{arn}", status, changed):
        return "nothing new"
    current = next(iter(deployed(aws.client("sagemaker"), os.environ["PRODUCTION_ENDPOINT_NAME"])), None)
    if status == "PendingManualApproval":
        mail = mails.registered(_place(), arn, _version(arn, detail), _current(current))
    else:
        mail = mails.decided(_place(), detail, in_production=arn == current)
    return _once(f"{arn}#{status}#{changed}", mail)


def _current(arn: str | None) -> Version | None:
    if arn is None:
        return None
    return _version(arn, aws.client("sagemaker").describe_model_package(ModelPackageName=arn))


def _version(arn: str, package: Document) -> Version:
    try:
        return Version(version(arn), metrics(aws.client("s3"), package))
    except UnreadableMetricsError as error:
        return Version(version(arn), {}, str(error))


def _endpoint(event: Document) -> str:
    detail = event["detail"]
    name, status = detail["EndpointName"], detail["EndpointStatus"]
    if status not in _ENDPOINT_NEWS:
        return f"{status} is no news"
    changed = sortable(detail["LastModifiedTime"])
    # Another weight or number of instances is not news: the configuration is the same.
    if not aws.claims().enter(f"mail#{name}", f"{status} {detail.get('EndpointConfigName')}", changed):
        return "nothing new"
    versions = [version(arn) for arn in deployed(aws.client("sagemaker"), name)]
    mail = mails.endpoint(_place(), name, status, versions, detail.get("FailureReason"))
    return _once(f"{name}#{status}#{changed}", mail)


def _execution(event: Document) -> str:
    detail = event["detail"]
    arn, status = detail["pipelineExecutionArn"], detail["currentPipelineExecutionStatus"]
    if status not in _ENDED:
        return f"{status} is no end"
    pages = aws.client("sagemaker").get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
    found = [step for page in pages for step in page["PipelineExecutionSteps"]]
    steps = [_failed_step(step) for step in found if step["StepStatus"] == "Failed"]
    mail = mails.execution(_place(), arn, status, steps, _data(arn))
    return _once(f"{arn}#{status}#{detail.get('executionEndTime')}", mail)


def _data(execution_arn: str) -> Document:
    """Return the parameters that say which data an execution reads and where it writes, if it has them."""
    pages = (
        aws.client("sagemaker")
        .get_paginator("list_pipeline_parameters_for_execution")
        .paginate(PipelineExecutionArn=execution_arn)
    )
    given = {each["Name"]: each["Value"] for page in pages for each in page["PipelineParameters"]}
    return {name: given[name] for name in ("InputDataUrl", "OutputDataUrl") if name in given}


def _failed_step(step: Document) -> FailedStep:
    reason = step.get("FailureReason", "no reason given")
    for kind in ("Processing", "Training", "Transform"):
        if job := step.get("Metadata", {}).get(f"{kind}Job"):
            return FailedStep(step["StepName"], reason, kind, _job_name(kind, job["Arn"]))
    return FailedStep(step["StepName"], reason)


def _job_name(kind: str, arn: str) -> str:
    """Return a job's name as its log spells it: in ARNs it is in lower case."""
    name = arn.rpartition("/")[2]
    try:
        describe = getattr(aws.client("sagemaker"), f"describe_{kind.lower()}_job")
        return str(describe(**{f"{kind}JobName": name})[f"{kind}JobName"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
            raise
        return name


def _job(event: Document) -> str:
    detail = event["detail"]
    kind = event["detail-type"].removeprefix("SageMaker ").removesuffix(" Job State Change")
    member = f"{kind.replace(' ', '')}Job"
    status = detail[f"{member}Status"]
    if status not in _JOB_ENDED:
        return f"{status} is no end"
    mail = mails.job(_place(), detail[f"{member}Name"], kind, status, detail.get("FailureReason"))
    return _once(f"{detail[f'{member}Arn']}#{status}", mail)


def _action(event: Document) -> str:
    detail = event["detail"]
    key = f"{detail['execution-id']}#{detail['stage']}#{detail['action']}#{event['time']}"
    told = detail.get("execution-result", {})
    reason = told.get("external-execution-summary") or _action_error(detail) or told.get("error-code")
    return _once(key, mails.action(_place(), detail, reason or "CodePipeline gives no reason"))


def _action_error(detail: Document) -> str | None:
    """Return why an action failed, as CodePipeline knows it where its event does not say it."""
    pages = (
        aws.client("codepipeline")
        .get_paginator("list_action_executions")
        .paginate(pipelineName=detail["pipeline"], filter={"pipelineExecutionId": detail["execution-id"]})
    )
    try:
        # The newest first: of an action that was tried again, the last try.
        for found in (each for page in pages for each in page["actionExecutionDetails"]):
            if (found["stageName"], found["actionName"]) == (detail["stage"], detail["action"]):
                result = found.get("output", {}).get("executionResult", {})
                message = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
                return str(message) if message else None
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PipelineNotFoundException", "PipelineExecutionNotFoundException"):
            raise
    return None


def _release(event: Document) -> str:
    detail = event["detail"]
    return _once(f"{detail['execution-id']}#{detail['state']}", mails.release(_place(), detail))


def _build(event: Document) -> str:
    detail = event["detail"]
    return _once(f"{detail['build-id']}#{detail['build-status']}", mails.build(_place(), detail))


_TELLERS = {
    "CodeBuild Build State Change": _build,
    "CodePipeline Action Execution State Change": _action,
    "CodePipeline Pipeline Execution State Change": _release,
    "SageMaker Endpoint State Change": _endpoint,
    "SageMaker HyperParameter Tuning Job State Change": _job,
    "SageMaker Model Building Pipeline Execution Status Change": _execution,
    "SageMaker Model Package State Change": _package,
    "SageMaker Processing Job State Change": _job,
    "SageMaker Training Job State Change": _job,
    "SageMaker Transform Job State Change": _job,
}
