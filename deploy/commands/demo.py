"""`demo`: the project's automation, shown on a change of the model's threshold.

    git push ─> ModelBuild ─> a version ─> approved ─> ModelDeploy: staging, tests ─> approved ─> production
    a file in batchdata/input/ ─> its predictions in batchdata/output/
    files in traindata/ ─> quiet ─> the SageMaker pipeline ─> another version

The training data that a first demo uploads are new data, too: retraining registers a version of its own from them,
beside that of the push. Nothing here starts what an event starts: it pushes, approves twice, puts files, and
watches.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from deploy import approved, codepipeline, failures, packages, provisioned, stacks
from deploy.codepipeline import BUILD, DEPLOY, PipelineState
from deploy.codepipeline_view import PipelinesPicture
from deploy.errors import DeployError
from deploy.packages import Package
from deploy.project import PRODUCTION, Project
from model_road import model_packages
from model_road.live import View

Found = TypeVar("Found")

_POLL_SECONDS = 1.0
_SAMPLE = "pipelines/lr/pipeline.py"
_THRESHOLD = '"R2Threshold", 0.2)'
_CHANGED = '"R2Threshold", 0.25)'
# CodeCommit takes the caller's AWS credentials for HTTPS; source: "Set up the AWS CLI credential helper".
_GIT = (
    *("git", "-c", "credential.helper=!aws codecommit credential-helper $@", "-c", "credential.UseHttpPath=true"),
    *("-c", "user.name=Demo", "-c", "user.email=demo@example.com"),
)
_BATCH = b"-0.05\n0.0\n0.3\n"


def show(project: Project, options: argparse.Namespace) -> int:
    """Push a change and see it go to production; then have a file transformed.

    Raises
    ------
    DeployError
        When an action fails or takes too long; before anything is changed, when there is no project or no sample in it.
    """
    stack = provisioned.find(project.cloudformation, project.name)
    if stack is None or not stack.is_whole:
        raise DeployError(f"the project has no stack yet: `{project.next_command('project')}`")
    clone_url = stack.outputs.get("CloneUrl")
    if clone_url is None:
        raise DeployError("the demo pushes to CodeCommit, and this project's code is behind a code connection")
    _look_for_sample(clone_url)
    data = stack.outputs["DataBucketName"]
    _upload_training_data(project, data, stack.parameters["QuietMinutes"])
    _say("wait", "a new project's ModelBuild runs once by itself")
    _follow(project, BUILD, options.minutes, lambda state: not state.is_at_work)
    known = _newest(project)
    _say("git push", "a higher threshold for R2")
    _push(clone_url)
    # ModelDeploy runs once when it is made, and fails for lack of an approved version: ignored here.
    built = _follow(project, BUILD, options.minutes, lambda _: _newer(project, known))
    _say("approve-model", f"{built.arn}: as a person would, with the mail's figures before them")
    approved.approve(project.session.client, project.sagemaker, built, "demo")
    asked = _follow(project, DEPLOY, options.minutes, _waiting)
    _say("answer approve", "staging is tested; production is asked for")
    codepipeline.answer(project.session.client("codepipeline"), asked, "Approved", "demo")
    _follow(project, DEPLOY, options.minutes, lambda _: _in_production(project, built))
    print(f"Production     serves {built.short_name}")
    _say("put", f"s3://{data}/batchdata/input/demo.csv")
    project.s3.put_object(Bucket=data, Key="batchdata/input/demo.csv", Body=_BATCH)
    output = "batchdata/output/demo.csv.out"
    predictions = _follow(project, DEPLOY, options.minutes, lambda _: _read(project, data, output))
    print(f"Predictions    {', '.join(predictions.split())}")
    return 0


def _say(what: str, why: str) -> None:
    print(f"\n{what:<14} {why}", flush=True)


def _upload_training_data(project: Project, bucket: str, quiet_minutes: str) -> None:
    """Put the sample data where the project trains from, unless there is something."""
    if project.s3.list_objects_v2(Bucket=bucket, Prefix="traindata/", MaxKeys=1)["KeyCount"]:
        return
    command = [sys.executable, "-m", "pipelines.lr.sample_data"]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode != 0:
        said = made.stderr.decode().strip().rpartition("\n")[2]
        raise DeployError(f"the sample's training data cannot be made ({said}): put data into s3://{bucket}/traindata/")
    _say("put", f"s3://{bucket}/traindata/diabetes.csv: when no other file has come for {quiet_minutes} minutes,")
    print("               retraining starts by itself and registers a version beside that of the push below")
    project.s3.put_object(Bucket=bucket, Key="traindata/diabetes.csv", Body=made.stdout, ContentType="text/csv")


def _look_for_sample(clone_url: str) -> None:
    """Make sure that there is what `_push` changes."""
    with tempfile.TemporaryDirectory() as folder:
        _git("clone", "--quiet", clone_url, ".", folder=folder)
        _changed(folder)


def _push(clone_url: str) -> None:
    """Clone the repository, change the threshold and push."""
    with tempfile.TemporaryDirectory() as folder:
        _git("clone", "--quiet", clone_url, ".", folder=folder)
        Path(folder, _SAMPLE).write_text(_changed(folder), encoding="utf-8")
        _git("commit", "--quiet", "--all", "--message", "Demo: another threshold", folder=folder)
        _git("push", "--quiet", folder=folder)


def _changed(folder: str) -> str:
    """Return the sample's pipeline with the other threshold: a second demo changes it back.

    Raises
    ------
    DeployError
        When the repository holds another model, or the sample with another threshold.
    """
    path = Path(folder, _SAMPLE)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for before, after in ((_THRESHOLD, _CHANGED), (_CHANGED, _THRESHOLD)):
        if before in text:
            return text.replace(before, after)
    raise DeployError(
        f"the demo changes the sample model's threshold, and the repository has no {_SAMPLE} with `{_THRESHOLD}`: "
        "nothing was changed. Push a commit of your own, and look on with `deploy-model follow`."
    )


def _git(*arguments: str, folder: str) -> None:
    """Run git in a folder.

    Raises
    ------
    DeployError
        When it fails; its words say why, some of which it writes to stdout.
    """
    try:
        subprocess.run([*_GIT, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise DeployError("git is not installed") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or error.stdout.strip()).replace("\n", " ")
        raise DeployError(f"git {arguments[0]} failed: {said}") from error


def _follow(project: Project, which: str, minutes: float, wanted: Callable[[PipelineState], Found | None]) -> Found:
    """Show a pipeline until something is there; return it.

    Raises
    ------
    DeployError
        When an action fails, or the time is over.
    """
    client, name = project.session.client("codepipeline"), codepipeline.name_of(project.name, which)
    failed_before = codepipeline.read(client, name).failures
    deadline = time.monotonic() + 60 * minutes
    with View(PipelinesPicture()) as view:
        while time.monotonic() < deadline:
            state = codepipeline.read(client, name)
            view.show([state])
            if state.failures - failed_before:
                found_failed = failures.read(project.session.client, state, failed_before)
                raise DeployError("\n".join(line for each in found_failed for line in each.lines(project.next_command)))
            found = wanted(state)
            if found:
                return found
            time.sleep(_POLL_SECONDS)
    raise DeployError(f"not within {minutes:g} minutes: see `{project.next_command('follow')}`")


def _newest(project: Project) -> str | None:
    # The templates name the group as the project.
    return next(model_packages.arns(project.sagemaker, project.name), None)


def _newer(project: Project, known: str | None) -> Package | None:
    arn = _newest(project)
    return packages.describe(project.sagemaker, arn) if arn and arn != known else None


def _waiting(state: PipelineState) -> PipelineState | None:
    return state if any(state.approvals) else None


def _in_production(project: Project, package: Package) -> bool:
    stack = stacks.describe(project.of(PRODUCTION).cloudformation, project.stack_name(PRODUCTION))
    return stack is not None and stack.is_whole and stack.parameters.get("ModelPackageName") == package.arn


def _read(project: Project, bucket: str, key: str) -> str | None:
    try:
        content: Any = project.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    return str(content.decode())
