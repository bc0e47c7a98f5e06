"""The mails: plain text, made of facts that `people` has gathered. No call is made here.

A mail says in its subject what happened, and in its text why, what to do, and where to look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model_road import quality

Document = dict[str, Any]

# SNS takes 100 characters of ASCII.
_SUBJECT_LENGTH = 100


@dataclass(frozen=True)
class Mail:
    """A mail.

    Attributes
    ----------
    subject, text : str
    """

    subject: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where a project is.

    Attributes
    ----------
    project, region : str
    """

    project: str
    region: str

    def mail(self, what: str, *paragraphs: str) -> Mail:
        """Return a mail about this project."""
        subject = f"[{self.project}] {what}".encode("ascii", "replace").decode()
        text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
        return Mail(subject[:_SUBJECT_LENGTH], f"{text}\n")

    def console(self, service: str, fragment: str) -> str:
        """Return the address of a page of the console."""
        return f"https://{self.region}.console.aws.amazon.com/{service}/home?region={self.region}#{fragment}"


@dataclass(frozen=True)
class Version:
    """A version of the model.

    Attributes
    ----------
    number : str
    metrics : Mapping of str to float
    unreadable : str
        Why its metrics cannot be read; empty when they can, or when it has none.
    """

    number: str
    metrics: Mapping[str, float]
    unreadable: str = ""


@dataclass(frozen=True)
class FailedStep:
    """A step of a SageMaker pipeline.

    Attributes
    ----------
    name, reason : str
    job_kind, job_name : str or None
        Processing, Training or Transform, where the step ran a job.
    """

    name: str
    reason: str
    job_kind: str | None = None
    job_name: str | None = None


def registered(place: Place, arn: str, new: Version, current: Version | None) -> Mail:
    """Write the mail about a version that waits for a decision, its metrics beside those of the deployed one."""
    return place.mail(
        f"Version {new.number} of the model waits for your decision",
        f"Version {new.number} of the model was registered.",
        comparison(new, current),
        "To approve it, which brings it to staging, and after its test and your approval there to production:",
        f"    deploy-model approve-model {arn}\n\nor\n\n{_update(arn, 'Approved')}",
        "To reject it:",
        f"    deploy-model reject-model {arn} --reason WHY\n\nor\n\n{_update(arn, 'Rejected')}",
        f"Console: {place.console('sagemaker', '/model-registry')}",
    )


def decided(place: Place, detail: Document, in_production: bool) -> Mail:
    """Write the mail about a version that was approved or rejected."""
    number, status = detail["ModelPackageVersion"], detail["ModelApprovalStatus"].lower()
    why = detail.get("ApprovalDescription")
    follows = {
        "approved": "ModelDeploy brings the latest approved version to staging.",
        "rejected": "It is in production: the latest approved version takes its place, if there is one."
        if in_production
        else "It is not in production: nothing changes there.",
    }
    return place.mail(
        f"Version {number} of the model was {status}",
        f"Version {number} of the model was {status}.",
        f"Reason: {why}" if why else "",
        follows[status],
        str(detail["ModelPackageArn"]),
    )


def endpoint(place: Place, name: str, status: str, versions: Iterable[str], reason: str | None) -> Mail:
    """Write the mail about an endpoint that is in service, is rolled back, or has failed."""
    numbers = ", ".join(versions)
    serving = f"It serves version {numbers} of the model." if numbers else ""
    what = {
        "IN_SERVICE": f"{name} is in service",
        "ROLLING_BACK": f"{name} is rolled back",
        "UPDATE_ROLLBACK_FAILED": f"{name} could not be rolled back",
        "FAILED": f"{name} has failed",
    }[status]
    log = f"Log: group /aws/sagemaker/Endpoints/{name}"
    return place.mail(
        what,
        f"The endpoint {what}.",
        f"Reason: {reason}" if reason else "",
        "An alarm went off while the update was watched: the earlier configuration goes on serving."
        if status == "ROLLING_BACK"
        else serving,
        log,
    )


def execution(place: Place, arn: str, status: str, failed_steps: Iterable[FailedStep], data: Mapping[str, str]) -> Mail:
    """Write the mail about an execution of a SageMaker pipeline that has ended; its parameters say with which data."""
    _, name, _, execution_id = arn.rpartition(":")[2].split("/")
    what = f"Pipeline {name} {status.lower()}"
    steps = [
        f"Step {step.name}: {step.reason}"
        + (f"\n{_job_log(step.job_kind, step.job_name)}" if step.job_kind and step.job_name else "")
        for step in failed_steps
    ]
    given = "\n".join(f"{name}: {value}" for name, value in data.items())
    return place.mail(what, f"{what}: execution {execution_id}.", given, *steps, arn)


def job(place: Place, name: str, kind: str, status: str, reason: str | None) -> Mail:
    """Write the mail about a job that has ended."""
    what = f"{kind} job {name} {status.lower()}"
    return place.mail(what, f"{what}.", f"Reason: {reason}" if reason else "", _job_log(kind, name))


def action(place: Place, detail: Document, reason: str) -> Mail:
    """Write the mail about an action of a CodePipeline that has failed."""
    result = detail.get("execution-result", {})
    what = f"{detail['pipeline']}: {detail['action']} failed"
    where = f"Stage {detail['stage']}, execution {detail['execution-id']}"
    return place.mail(
        what, f"{what}.\n{where}", f"Reason: {reason}", _again(detail), _more(result), _view(place, detail)
    )


def release(place: Place, detail: Document) -> Mail:
    """Write the mail about an execution of a CodePipeline that has ended other than by a failure."""
    what = f"{detail['pipeline']} {detail['state'].lower()}"
    return place.mail(what, f"{what}: execution {detail['execution-id']}.", _view(place, detail))


def build(place: Place, detail: Document) -> Mail:
    """Write the mail about a build of CodeBuild that has failed."""
    information = detail.get("additional-information", {})
    logs = information.get("logs", {})
    what = f"Build {detail['project-name']} {detail['build-status'].lower().replace('_', ' ')}"
    reasons = [
        f"{phase['phase-type']}: {context}"
        for phase in information.get("phases", ())
        if phase.get("phase-status") not in (None, "SUCCEEDED")
        for context in phase.get("phase-context") or ()
    ]
    log = f"Log: group {logs['group-name']}, stream {logs['stream-name']}" if "group-name" in logs else ""
    return place.mail(what, f"{what}.", "\n".join(reasons), log, str(logs.get("deep-link", "")))


def comparison(new: Version, current: Version | None) -> str:
    """Return a table of the metrics of two versions, side by side."""
    unreadable = [
        f"The metrics of version {each.number} cannot be read: {each.unreadable}"
        for each in (new, current)
        if each and each.unreadable
    ]
    if not new.metrics:
        return "\n".join(unreadable if new.unreadable else ["It was registered without metrics.", *unreadable])
    before = current.metrics if current else {}
    head = ["metric", f"version {new.number}", f"version {current.number}, in production" if current else "", ""]
    names = sorted({*new.metrics, *before})
    rows = [head, *([name, *_values(name, new.metrics.get(name), before.get(name))] for name in names)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    note = ["", *unreadable] if unreadable else [] if current else ["", "No version is in production."]
    return "\n".join([*(f"    {line}" for line in lines), *note])


def _values(name: str, new: float | None, old: float | None) -> tuple[str, str, str]:
    return _number(new), _number(old), _judgement(name, new, old)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _judgement(name: str, new: float | None, old: float | None) -> str:
    if new is None or old is None:
        return ""
    if new == old:
        return "same"
    higher = quality.higher_is_better(name)
    if higher is None:
        return ""
    return "better" if (new > old) == higher else "WORSE"


def _update(arn: str, status: str) -> str:
    return f"    aws sagemaker update-model-package --model-package-arn {arn} --model-approval-status {status}"


def _job_log(kind: str, name: str) -> str:
    group = "TrainingJobs" if kind == "HyperParameter Tuning" else f"{kind}Jobs"
    return f"Log: group /aws/sagemaker/{group}, streams {name}/..."


def _again(detail: Document) -> str:
    """Return what to do once the cause is gone."""
    if detail.get("type", {}).get("provider") == "CloudFormation":
        # The action alone cannot update a stack whose creation was rolled back: the build before it deletes that.
        start = f"    aws codepipeline start-pipeline-execution --name {detail['pipeline']}"
        return f"To try again, from the beginning, where a stack whose creation failed is cleared away:\n\n{start}"
    retry = (
        f"    aws codepipeline retry-stage-execution --pipeline-name {detail['pipeline']} --stage-name "
        f"{detail['stage']} --pipeline-execution-id {detail['execution-id']} --retry-mode FAILED_ACTIONS"
    )
    return f"To try again:\n\n{retry}"


def _more(result: Document) -> str:
    url = result.get("external-execution-url")
    return f"More: {url}" if url else ""


def _view(place: Place, detail: Document) -> str:
    return (
        f"Console: https://{place.region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/"
        f"{detail['pipeline']}/executions/{detail['execution-id']}?region={place.region}"
    )
