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
    model_package_group_name : str
        Whose versions are called by their number alone.
    """

    project: str
    region: str
    model_package_group_name: str

    def mail(self, what: str, *paragraphs: str) -> Mail:
        """Return a mail about this project."""
        subject = f"[{self.project}] {what}".encode("ascii", "replace").decode()
        text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
        return Mail(subject[:_SUBJECT_LENGTH], f"{text}\n")

    def called(self, arn: str) -> str:
        """Return what a version is called: by its number in the project's group, else with its group."""
        group, number = group_of(arn), number_of(arn)
        return f"version {number}" if group == self.model_package_group_name else f"{group}/{number}"

    def command(self, arguments: str) -> str:
        """Return a command of `deploy-model` for this project, on a line of its own."""
        return f"    deploy-model {arguments} --project-name {self.project}"

    def console(self, service: str, fragment: str) -> str:
        """Return the address of a page of the console."""
        return f"https://{self.region}.console.aws.amazon.com/{service}/home?region={self.region}#{fragment}"


@dataclass(frozen=True)
class Version:
    """A version of the model.

    Attributes
    ----------
    arn : str
    metrics : Mapping of str to float
    unreadable : str
        Why its metrics cannot be read; empty when they can, or when it has none.
    """

    arn: str
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


def number_of(arn: str) -> str:
    """Return the number of a version."""
    return arn.rpartition("/")[2]


def group_of(arn: str) -> str:
    """Return the group of a version."""
    return arn.split("/")[-2]


def registered(place: Place, new: Version, current: Version | None) -> Mail:
    """Write the mail about a version that waits for a decision, its metrics beside those of the deployed one."""
    number, arn = number_of(new.arn), new.arn
    return place.mail(
        f"Version {number} of the model waits for your decision",
        f"Version {number} of the model was registered.",
        comparison(place, new, current),
        "To approve it, which brings it to staging, and after its test and your approval there to production:",
        f"    deploy-model approve-model {arn}\n\nor\n\n{_update(arn, 'Approved')}",
        "To reject it:",
        f"    deploy-model reject-model {arn} --reason WHY\n\nor\n\n{_update(arn, 'Rejected')}",
        f"Console: {place.console('sagemaker', '/model-registry')}",
    )


def decided(place: Place, detail: Document, newest: str | None, in_production: bool) -> Mail:
    """Write the mail about a version that was approved or rejected.

    Parameters
    ----------
    place : Place
    detail : dict
        Of the event.
    newest : str or None
        The ARN of the newest approved version, which ModelDeploy takes.
    in_production : bool
    """
    arn, status = str(detail["ModelPackageArn"]), detail["ModelApprovalStatus"].lower()
    what = f"Version {number_of(arn)} of the model was {status}"
    why = detail.get("ApprovalDescription")
    follows = _approved(place, arn, newest) if status == "approved" else _rejected(place, newest, in_production)
    return place.mail(what, f"{what}.", f"Reason: {why}" if why else "", *follows, arn)


def _approved(place: Place, arn: str, newest: str | None) -> list[str]:
    if newest in (None, arn):
        return ["ModelDeploy brings it to staging, tests it there, and asks for your approval for production."]
    return [
        f"Nothing is deployed: ModelDeploy takes the newest approved version, which is {place.called(str(newest))}.",
        f"To have this one deployed, reject {place.called(str(newest))} and whatever else is newer:",
        f"    deploy-model reject-model {newest} --reason WHY",
    ]


def _rejected(place: Place, newest: str | None, in_production: bool) -> list[str]:
    if not in_production:
        return ["It is not in production: nothing changes there."]
    if newest is None:
        return ["It is in production, and stays there: no other version is approved."]
    return [f"It is in production: ModelDeploy brings {place.called(newest)}, the newest that is approved, there."]


def approval(place: Place, detail: Document, question: str, new: Version | None, current: Version | None) -> Mail:
    """Write the mail about an approval that a CodePipeline waits for.

    Parameters
    ----------
    place : Place
    detail : dict
        Of the event.
    question : str
        What the action asks; may be empty.
    new, current : Version or None
        What the question is about, and what production serves.
    """
    called = place.called(new.arn).replace("version", "Version", 1) if new else ""
    what = f"{f'{called} of the model' if new else detail['pipeline']} waits for your approval for production"
    return place.mail(
        what,
        f"{what}.",
        comparison(place, new, current) if new else "",
        question,
        "To approve it, which deploys it to production:",
        place.command("answer approve"),
        "To reject it, which leaves production as it is:",
        place.command("answer reject --summary WHY"),
        _view(place, detail),
    )


def nothing_to_deploy(place: Place) -> Mail:
    """Write the mail about a first ModelDeploy: CodePipeline starts a pipeline as soon as there is one."""
    return place.mail(
        "The project is there; ModelDeploy waits for a first version",
        "No version of the model is approved yet, so ModelDeploy, which CodePipeline starts as soon as it is made, had "
        "nothing to deploy and has ended. Nothing is wrong.",
        "ModelBuild registers a version, of which you get a mail; ModelDeploy starts when you approve it. To see both:",
        place.command("follow"),
    )


def no_data(place: Place, name: str, reason: str) -> Mail:
    """Write the mail about a pipeline that found nothing to train on, as that of a new project does."""
    return place.mail(
        f"Pipeline {name} waits for training data",
        f"Pipeline {name} found no training data, and has ended. Put them there: a training then starts by itself.",
        reason,
    )


def lacks_data(text: str) -> bool:
    """Return whether a reason is that of SageMaker for a folder of training data that is empty."""
    return "No S3 objects found" in text and "/traindata/" in text


def endpoint(place: Place, name: str, status: str, versions: Iterable[str], reason: str | None) -> Mail:
    """Write the mail about an endpoint that is in service, is rolled back, or has failed."""
    called = " and ".join(map(place.called, versions))
    serving = f"It serves {called} of the model." if called else ""
    what = {
        "IN_SERVICE": f"{name} is in service",
        "ROLLING_BACK": f"{name} is rolled back",
        "UPDATE_ROLLBACK_FAILED": f"{name} could not be rolled back",
        "FAILED": f"{name} has failed",
    }[status]
    log = _log(f"/aws/sagemaker/Endpoints/{name}", "")
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


def build(place: Place, detail: Document, last_words: Iterable[str]) -> Mail:
    """Write the mail about a build of CodeBuild that has failed, with the last lines of its commands."""
    information = detail.get("additional-information", {})
    logs = information.get("logs", {})
    what = f"Build {detail['project-name']} {detail['build-status'].lower().replace('_', ' ')}"
    reasons = [
        f"{phase['phase-type']}: {context}"
        for phase in information.get("phases", ())
        if phase.get("phase-status") not in (None, "SUCCEEDED")
        for context in phase.get("phase-context") or ()
    ]
    said = "\n".join(f"    {line}" for line in last_words)
    return place.mail(
        what,
        f"{what}.",
        "\n".join(reasons),
        f"The last lines of its log:\n\n{said}" if said else "",
        f"The whole log:\n\n{place.command(f'log {build_id(detail)}')}",
        f"Console: {logs['deep-link']}" if "deep-link" in logs else "",
    )


def build_id(detail: Document) -> str:
    """Return the id of an event's build, PROJECT:UUID."""
    return str(detail["build-id"]).rpartition("/")[2]


def comparison(place: Place, new: Version, current: Version | None) -> str:
    """Return a table of the metrics of two versions, side by side; which is in production is a matter of ARNs."""
    if current and current.arn == new.arn:
        return "\n".join([*_table(place, new, None), "", "It is the version that production serves."])
    unreadable = [
        f"The metrics of {place.called(each.arn)} cannot be read: {each.unreadable}"
        for each in (new, current)
        if each and each.unreadable
    ]
    stranger = current and group_of(current.arn) != group_of(new.arn)
    if current is None:
        unreadable.append("No version is in production.")
    elif stranger:
        unreadable.append(f"Production serves {place.called(current.arn)}, a version of another group.")
    table = _table(place, new, current if current and current.metrics else None)
    return "\n".join([*table, *([""] if new.metrics else []), *unreadable]).rstrip()


def _table(place: Place, new: Version, current: Version | None) -> list[str]:
    if not new.metrics:
        return [] if new.unreadable else ["It was registered without metrics."]
    before = current.metrics if current else {}
    head = ["metric", place.called(new.arn), f"{place.called(current.arn)}, in production" if current else "", ""]
    names = sorted({*new.metrics, *before})
    rows = [head, *([name, *_values(name, new.metrics.get(name), before.get(name))] for name in names)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return [f"    {line}" for line in lines]


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
    return _log(f"/aws/sagemaker/{group}", f"{name}/")


def _log(group: str, prefix: str) -> str:
    """Return where a log is, and the command that shows it."""
    streams, chosen = (f", streams {prefix}...", f" --log-stream-name-prefix {prefix}") if prefix else ("", "")
    show = f"aws logs filter-log-events --log-group-name {group}{chosen} --query 'events[].[message]' --output text"
    return f"Log: group {group}{streams}\n    {show}"


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
