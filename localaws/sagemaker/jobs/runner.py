"""The life of a job, the same for all types: stored, run in a thread, ended with a status and a reason.

::

    create      the document is stored as InProgress, a thread is started, the ARN is answered
    stage       the thread makes a folder and the job type fills it (S3 -> /opt/ml)
    run         the container runs, its log is shipped
    collect     the job type uploads what came out
    end         Completed, Failed with a reason or Stopped, in the store first, then as an event

A job type is an object with these three phases (`JobType`). Processing, training and transform have a module each. At
most `AT_ONCE` jobs run at a time; the others wait as ``Starting``, as jobs on AWS wait for instances.

What was running when this server died is found at the next start (`JobRunner.recover`) and marked as failed: the
process is gone with the server.
"""

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from localaws.containers.errors import JobFailure, JobStopped
from localaws.document import Document
from localaws.sagemaker.aws import Aws
from localaws.sagemaker.errors import ConflictException, ValidationError
from localaws.sagemaker.event_formats import job_detail
from localaws.sagemaker.lineage.graph import Graph
from localaws.sagemaker.lineage.recording import record_job
from localaws.sagemaker.notifier import Notifier
from localaws.storage import disk
from localaws.storage.store import Resource, Store

logger = logging.getLogger(__name__)

AT_ONCE = max(8, 2 * (os.cpu_count() or 1))
KILLED_REASON = "InternalServerError: the local SageMaker was stopped while this job was running. Start the job again."
_FINAL = ("Completed", "Failed", "Stopped")
_SECONDARY_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Interrupted": "The managed spot training instances were interrupted",
    "Restarting": "Restarting the training job from its checkpoint",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class JobType(Protocol):
    """What differs between processing, training and transform jobs."""

    noun: str
    """``Processing``, ``Training`` or ``Transform``: the beginning of the members' names."""

    def run(self, job: "Job") -> None:
        """Stage, run and collect; raises JobFailure or JobStopped."""


@dataclass
class Job:
    """A running job, as its type sees it.

    Attributes
    ----------
    request : dict
        The request that it was created by, validated.
    folder : Path
        Becomes /opt/ml.
    log : Path
        Where the container's output goes.
    stop : threading.Event
        Set when the job was asked to stop.
    """

    noun: str
    name: str
    arn: str
    request: Document
    folder: Path
    log: Path
    runner: "JobRunner"
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def log_group(self) -> str:
        """The log group in which AWS keeps the output of such jobs."""
        return f"/aws/sagemaker/{self.noun}Jobs"

    def update(self, **members: Any) -> None:
        """Set members of the job's document."""
        self.runner.update(self.arn, self.noun, members)

    def phase(self, secondary_status: str) -> None:
        """Say what a training job is doing; stops the job here when it was asked to."""
        if self.stop.is_set():
            raise JobStopped
        if self.noun == "Training":
            self.runner.update(self.arn, self.noun, {}, secondary_status)

    @property
    def aws(self) -> Aws:
        """The other services, as the job's role may use them."""
        return self.runner.aws.acting_as(self.request.get("RoleArn"), "sagemaker")

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The environment of the job's container: the way to AWS, and the job's own variables over it."""
        return self.runner.aws.environment(variables, self.request.get("RoleArn"))


class JobRunner:
    """Starts, stops and follows the jobs of one local SageMaker.

    Parameters
    ----------
    store : Store
    aws : Aws
    notifier : Notifier
    state_dir : Path
        Below it each job has a folder while it runs.
    """

    def __init__(self, store: Store, aws: Aws, notifier: Notifier, state_dir: Path) -> None:
        self.store, self.aws, self.notifier, self.state_dir = store, aws, notifier, state_dir
        self._folders = state_dir / "jobs"
        self._slots = threading.Semaphore(AT_ONCE)
        self._running: dict[str, tuple[Job, threading.Thread]] = {}

    def recover(self) -> None:
        """Mark what was running when the last server died as failed, and clear its folders."""
        for noun in ("Processing", "Training", "Transform"):
            for status in ("InProgress", "Stopping"):
                for resource in self.store.every(kind(noun), status=status):
                    self._end(resource.arn, noun, "Failed", KILLED_REASON)
        shutil.rmtree(self._folders, ignore_errors=True)

    def start(self, job_type: JobType, resource: Resource, request: Document) -> None:
        """Run a job that was just stored."""
        try:
            home = self._make_home(resource.name)
        except OSError as error:
            self._end(resource.arn, job_type.noun, "Failed", self._reason(error))
            return
        folder = home / "ml"
        job = Job(job_type.noun, resource.name, resource.arn, request, folder, home / "job.log", self)
        thread = threading.Thread(target=self._live, args=(job_type, job), name=job.name, daemon=True)
        self._running[job.arn] = (job, thread)
        self._announce(job.arn, job.noun)
        thread.start()

    def _make_home(self, name: str) -> Path:
        self._folders.mkdir(parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix=f"{name[:40]}-", dir=self._folders))
        home.chmod(0o755)
        (home / "ml").mkdir()
        return home

    def stop(self, resource: Resource, noun: str) -> None:
        """Ask a job to stop; returns at once, as AWS does.

        Raises
        ------
        ValidationError
            The job has ended already.
        """
        running = self._running.get(resource.arn)
        if resource.status in _FINAL or running is None:
            raise ValidationError(
                f"The request was rejected because the {noun.lower()} job is in status {resource.status}."
            )
        self.update(resource.arn, noun, {f"{noun}JobStatus": "Stopping"}, "Stopping")
        running[0].stop.set()

    def wait(self, arn: str) -> None:
        """Return when the job has ended."""
        running = self._running.get(arn)
        if running:
            running[1].join()

    def log(self, arn: str) -> Path | None:
        """The log that a running job's container writes; None when the job has ended."""
        running = self._running.get(arn)
        return running[0].log if running else None

    def close(self) -> None:
        """End all containers; their jobs are marked as failed, since they did not end by themselves."""
        for job, _ in list(self._running.values()):
            self._end(job.arn, job.noun, "Failed", KILLED_REASON)
            job.stop.set()

    def update(self, arn: str, noun: str, members: Document, secondary_status: str | None = None) -> None:
        """Write members, and a secondary status with its history, into a job's document. An ended job stays."""

        def edit(document: Document, _: Document) -> dict[str, str]:
            if document[f"{noun}JobStatus"] in _FINAL:
                return {}
            now = time.time()
            document.update(members, LastModifiedTime=now)
            if noun == "Training" and secondary_status:
                _move(document, secondary_status, now)
            return {"status": document[f"{noun}JobStatus"]}

        self.store.change(arn, edit)

    def _live(self, job_type: JobType, job: Job) -> None:
        status, reason = "Completed", None
        try:
            with self._slots:
                job.update(**{f"{job.noun}StartTime": time.time()})
                job_type.run(job)
        except JobStopped:
            status = "Stopped"
        except JobFailure as failure:
            status, reason = "Failed", str(failure)
        except Exception as error:
            logger.exception("Job %s cannot go on", job.name)
            status, reason = "Failed", self._reason(error)
        finally:
            self._end_with_room(job, status, reason)
            self._running.pop(job.arn, None)
            shutil.rmtree(job.folder.parent, ignore_errors=True)

    def _reason(self, error: Exception) -> str:
        """Say why a job failed that no fault of its own has ended.

        A full disk is no InternalServerError, which pipelines try again: it is as full in a minute.
        """
        if disk.is_full(error):
            return f"ClientError: {disk.full(self.state_dir)}"
        return f"InternalServerError: {type(error).__name__}: {error}"

    def _end_with_room(self, job: Job, status: str, reason: str | None) -> None:
        """End a job; when the disk is full, what the job itself wrote makes room before anybody hears of its end."""
        if not disk.has_room(self.state_dir):
            shutil.rmtree(job.folder.parent, ignore_errors=True)
        disk.patiently(lambda: self._end(job.arn, job.noun, status, reason))

    def _end(self, arn: str, noun: str, status: str, reason: str | None) -> None:
        resource = self.store.by_arn(arn)
        if resource is None or resource.status in _FINAL:
            return
        now = time.time()
        members: Document = {f"{noun}JobStatus": status, f"{noun}EndTime": now}
        if reason:
            members["FailureReason"] = reason[:1024]
        started = resource.document.get(f"{noun}StartTime")
        if noun == "Training" and started:
            members["TrainingTimeInSeconds"] = members["BillableTimeInSeconds"] = max(1, round(now - started))
        exceeded = resource.document.get("SecondaryStatus") == "MaxRuntimeExceeded"
        with self.store.transaction():
            self.update(arn, noun, members, None if exceeded else status)
            if (ended := self.store.by_arn(arn)) is not None:
                record_job(Graph(self.store, self.aws), ended, noun)
        self._announce(arn, noun)

    def _announce(self, arn: str, noun: str) -> None:
        resource = self.store.by_arn(arn)
        if resource:
            self.notifier.event(f"SageMaker {noun} Job State Change", job_detail(resource.document), [resource.arn])


def kind(noun: str) -> str:
    """The word for such jobs in ARNs: ``training-job`` for ``Training``."""
    return f"{noun.lower()}-job"


def refuse_running(resource: Resource) -> None:
    """Refuse to delete a job that has not ended."""
    if resource.status not in _FINAL:
        raise ConflictException(f"{resource.arn} is in status {resource.status}: stop it first")


def _move(document: Document, secondary_status: str, now: float) -> None:
    history = document.setdefault("SecondaryStatusTransitions", [])
    if history and "EndTime" not in history[-1]:
        history[-1]["EndTime"] = now
    message = document.get("FailureReason") or _SECONDARY_MESSAGES[secondary_status]
    entry = {"Status": secondary_status, "StartTime": now, "StatusMessage": message}
    if secondary_status in (*_FINAL, "MaxRuntimeExceeded"):
        entry["EndTime"] = now
    history.append(entry)
    document["SecondaryStatus"] = secondary_status
