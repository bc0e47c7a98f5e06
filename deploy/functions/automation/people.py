"""Tell people what happened: gather the facts of an event, turn them into a mail, and publish it.

The same event is reported once; a change that people need not know of (an endpoint that is scaled, a version whose
metadata change) is not reported.
"""

import os
import re

import aws
import mails
from botocore.exceptions import ClientError
from claims import sortable
from mails import FailedStep, Mail, Place, Version
from messages import Document, work_through
from registry import UnreadableMetricsError, deployed, metrics, newest_approved

from deploy import build_log

_ENDED = ("Succeeded", "Failed", "Stopped")
_JOB_ENDED = ("Completed", "Failed", "Stopped")
_PACKAGE = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/[\w-]+/\d+")
_ENDPOINT_NEWS = ("IN_SERVICE", "ROLLING_BACK", "UPDATE_ROLLBACK_FAILED", "FAILED")


def handler(event: Document, _context: object) -> Document:
    """Send mails about the events of a batch."""
    return work_through(event, _tell)


def _place() -> Place:
    return Place(os.environ["PROJECT_NAME"], os.environ["AWS_REGION"], os.environ["MODEL_PACKAGE_GROUP_NAME"])


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
    current = _in_production()
    if status == "PendingManualApproval":
        mail = mails.registered(_place(), _version(arn, detail), _current(current))
    else:
        mail = mails.decided(_place(), detail, _newest_approved(), in_production=arn == current)
    return _once(f"{arn}#{status}#{changed}", mail)


def _in_production() -> str | None:
    return next(iter(deployed(aws.client("sagemaker"), os.environ["PRODUCTION_ENDPOINT_NAME"])), None)


def _newest_approved() -> str | None:
    newest: str | None = newest_approved(aws.client("sagemaker"), os.environ["MODEL_PACKAGE_GROUP_NAME"])
    return newest


def _current(arn: str | None) -> Version | None:
    if arn is None:
        return None
    if mails.group_of(arn) != os.environ["MODEL_PACKAGE_GROUP_NAME"]:
        return Version(arn, {})  # this function may read the versions of the project's group only
    return _described(arn)


def _described(arn: str) -> Version:
    return _version(arn, aws.client("sagemaker").describe_model_package(ModelPackageName=arn))


def _version(arn: str, package: Document) -> Version:
    try:
        return Version(arn, metrics(aws.client("s3"), package))
    except UnreadableMetricsError as error:
        return Version(arn, {}, str(error))


def _endpoint(event: Document) -> str:
    detail = event["detail"]
    name, status = detail["EndpointName"], detail["EndpointStatus"]
    if status not in _ENDPOINT_NEWS:
        return f"{status} is no news"
    changed = sortable(detail["LastModifiedTime"])
    # Another weight or number of instances is not news: the configuration is the same.
    if not aws.claims().enter(f"mail#{name}", f"{status} {detail.get('EndpointConfigName')}", changed):
        return "nothing new"
    versions = deployed(aws.client("sagemaker"), name)
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
    if lacking := [step.reason for step in steps if mails.lacks_data(step.reason)]:
        mail = mails.no_data(_place(), arn.split("/")[-3], lacking[0])
    else:
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
    if detail["state"] == "STARTED":
        return _approval(event)
    key = f"{detail['execution-id']}#{detail['stage']}#{detail['action']}#{event['time']}"
    told = detail.get("execution-result", {})
    reason = told.get("external-execution-summary") or _action_error(detail) or told.get("error-code")
    return _once(key, mails.action(_place(), detail, reason or "CodePipeline gives no reason"))


def _approval(event: Document) -> str:
    """Tell of an approval that is waited for: CodePipeline's own mail about it is JSON."""
    detail = event["detail"]
    asked = (_execution_of(detail) or {}).get("input", {}).get("resolvedConfiguration", {})
    question = asked.get("CustomData", "")
    named = _PACKAGE.search(question)
    new = _described(named[0]) if named and mails.group_of(named[0]) == _place().model_package_group_name else None
    mail = mails.approval(_place(), detail, question, new, _current(_in_production()))
    return _once(f"{detail['execution-id']}#{detail['stage']}#{detail['action']}#{event['time']}#asked", mail)


def _action_error(detail: Document) -> str | None:
    """Return why an action failed, as CodePipeline knows it where its event does not say it."""
    result = (_execution_of(detail) or {}).get("output", {}).get("executionResult", {})
    message = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
    return str(message) if message else None


def _execution_of(detail: Document) -> Document | None:
    """Return what CodePipeline knows of an action's execution; None if it knows no such execution."""
    pages = (
        aws.client("codepipeline")
        .get_paginator("list_action_executions")
        .paginate(pipelineName=detail["pipeline"], filter={"pipelineExecutionId": detail["execution-id"]})
    )
    wanted = (detail["stage"], detail["action"])
    try:
        # The newest first: of an action that was tried again, the last try.
        found: list[Document] = [each for page in pages for each in page["actionExecutionDetails"]]
        return next((each for each in found if (each["stageName"], each["actionName"]) == wanted), None)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PipelineNotFoundException", "PipelineExecutionNotFoundException"):
            raise
    return None


def _release(event: Document) -> str:
    detail = event["detail"]
    return _once(f"{detail['execution-id']}#{detail['state']}", mails.release(_place(), detail))


def _build(event: Document) -> str:
    detail = event["detail"]
    key, place = f"{detail['build-id']}#{detail['build-status']}", _place()
    if detail["project-name"] == f"{place.project}-deploy" and _newest_approved() is None:
        return _once(key, mails.nothing_to_deploy(place))
    logs = detail.get("additional-information", {}).get("logs", {})
    stream = (logs["group-name"], logs["stream-name"]) if "group-name" in logs else None
    said = build_log.last_words(aws.client("logs"), *stream) if stream else []
    if any(map(mails.lacks_data, said)):
        return "told by the pipeline's mail"
    return _once(key, mails.build(place, detail, said))


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
