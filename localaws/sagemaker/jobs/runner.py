"""The life of a job, the same for all types: stored, run in a thread, ended with a status and a reason.

::

    create      the document is stored as InProgress, a thread is started, the ARN is returned
    run         the thread creates a folder and passes it to the job's type, which stages it (S3 -> /opt/ml), runs the
                container, ships its log and uploads the results
    end         Completed, Failed with a reason or Stopped, stored together with the event that announces it

`job_type.JobType` is what differs; processing, training and transform have a module each. At most `AT_ONCE` jobs run at
a time; the others wait as ``Starting``, as jobs on AWS wait for instances.

Jobs that were running when this server died are found at the next start (`JobRunner.recover`) and marked as failed:
their processes died with the server.
"""

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.containers.errors import JobFailure, JobStopped
from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.errors import ResourceInUse, ValidationError
from localaws.sagemaker.event_formats import job_detail
from localaws.sagemaker.jobs.job_type import FINAL, JobType
from localaws.sagemaker.lineage.graph import Graph
from localaws.sagemaker.lineage.recording import record_job
from localaws.service.outbox import Outbox
from localaws.storage import disk
from localaws.storage.store import Resource, Store

logger = logging.getLogger(__name__)

AT_ONCE = max(8, 2 * (os.cpu_count() or 1))
KILLED_REASON = "InternalServerError: the local SageMaker was stopped while this job was running. Start the job again."


@dataclass
class Job:
    """A running job, as its type sees it.

    Attributes
    ----------
    request : dict
        The validated request that created it.
    folder : Path
        The folder that becomes /opt/ml.
    log : Path
        The file of the container's output.
    stop : threading.Event
        Set when the job is asked to stop.
    """

    job_type: JobType
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
        return f"/aws/sagemaker/{self.job_type.noun}Jobs"

    def update(self, **members: Any) -> None:
        """Set members of the job's document."""
        self.runner.update(self.arn, self.job_type, members)

    def move(self, secondary_status: str) -> None:
        """Set the job's secondary status."""
        self.runner.update(self.arn, self.job_type, {}, secondary_status)

    def phase(self, secondary_status: str) -> None:
        """Set the job's secondary status; raise JobStopped here if the job was asked to stop."""
        if self.stop.is_set():
            raise JobStopped
        self.move(secondary_status)

    @property
    def aws(self) -> SageMakerAws:
        """The other services, called under the job's role."""
        return self.runner.aws.acting_as(self.request.get("RoleArn"), "sagemaker")

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the job's container: access to AWS, overridden by the job's own variables."""
        return self.runner.aws.environment(variables, self.request.get("RoleArn"))


class JobRunner:
    """Starts, stops and monitors the jobs of one local SageMaker.

    Parameters
    ----------
    store : Store
    aws : SageMakerAws
    outbox : Outbox
    state_dir : Path
        The server's.
    account_dir : Path
        Contains a folder for each job while it runs.
    """

    def __init__(self, store: Store, aws: SageMakerAws, outbox: Outbox, state_dir: Path, account_dir: Path) -> None:
        self.store, self.aws, self.outbox, self.state_dir = store, aws, outbox, state_dir
        self._folders = account_dir / "jobs"
        self._slots = threading.Semaphore(AT_ONCE)
        self._running: dict[str, tuple[Job, threading.Thread]] = {}

    def recover(self, job_types: Iterable[JobType]) -> None:
        """Mark the jobs that were running when the last server died as failed, and delete their folders."""
        for job_type in job_types:
            for status in ("InProgress", "Stopping"):
                for resource in self.store.every(job_type.kind, status=status):
                    self._end(resource.arn, job_type, "Failed", KILLED_REASON)
        shutil.rmtree(self._folders, ignore_errors=True)

    def start(self, job_type: JobType, resource: Resource, request: Document) -> None:
        """Run a job that was just stored and announced."""
        try:
            home = self._make_home(resource.name)
        except OSError as error:
            self._end(resource.arn, job_type, "Failed", self._reason(error))
            return
        job = Job(job_type, resource.name, resource.arn, request, home / "ml", home / "job.log", self)
        thread = threading.Thread(target=self._live, args=(job,), name=job.name, daemon=True)
        self._running[job.arn] = (job, thread)
        thread.start()

    def _make_home(self, name: str) -> Path:
        self._folders.mkdir(parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix=f"{name[:40]}-", dir=self._folders))
        home.chmod(0o755)
        (home / "ml").mkdir()
        return home

    def stop(self, resource: Resource, job_type: JobType) -> None:
        """Ask a job to stop; return immediately, as AWS does.

        Raises
        ------
        ValidationError
            If the job has ended already.
        """
        running = self._running.get(resource.arn)
        if resource.status in FINAL or running is None:
            raise ValidationError(
                f"The request was rejected because the {job_type.noun.lower()} job is in status {resource.status}."
            )
        self.update(resource.arn, job_type, {job_type.status: "Stopping"}, "Stopping")
        running[0].stop.set()

    def wait(self, arn: str) -> None:
        """Wait until the job has ended."""
        running = self._running.get(arn)
        if running:
            running[1].join()

    def log(self, arn: str) -> Path | None:
        """Return the log of a running job's container; None if the job has ended."""
        running = self._running.get(arn)
        return running[0].log if running else None

    def close(self) -> None:
        """End all containers; their jobs are marked as failed, since they did not end by themselves."""
        for job, _ in list(self._running.values()):
            self._end(job.arn, job.job_type, "Failed", KILLED_REASON)
            job.stop.set()

    def update(self, arn: str, job_type: JobType, members: Document, secondary_status: str | None = None) -> None:
        """Set members, and a secondary status with its history, in a job's document unless the job has ended."""

        def edit(document: Document, _: Document) -> dict[str, str]:
            if document[job_type.status] in FINAL:
                return {}
            now = time.time()
            document.update(members, LastModifiedTime=now)
            if secondary_status:
                job_type.move(document, secondary_status, now)
            return {"status": document[job_type.status]}

        self.store.change(arn, edit)

    def announce(self, resource: Resource, job_type: JobType) -> None:
        """Send EventBridge a job's state, in the transaction that changes it."""
        detail = job_detail(resource.document)
        self.outbox.event("sagemaker", f"SageMaker {job_type.noun} Job State Change", detail, [resource.arn])

    def _live(self, job: Job) -> None:
        status, reason = "Completed", None
        try:
            with self._slots:
                job.update(**{f"{job.job_type.noun}StartTime": time.time()})
                self._run(job)
        except JobStopped:
            status = "Stopped"
        except JobFailure as failure:
            status, reason = "Failed", str(failure)
        except Exception as error:
            logger.exception("Job %s cannot continue", job.name)
            status, reason = "Failed", self._reason(error)
        finally:
            self._end_with_room(job, status, reason)
            self._running.pop(job.arn, None)
            shutil.rmtree(job.folder.parent, ignore_errors=True)

    def _run(self, job: Job) -> None:
        """Run a job, and again, from the beginning, as often as its RetryStrategy says after a failure of our own.

        Source: RetryStrategy of CreateTrainingJob, "the number of times to retry the job when the job fails due to an
        InternalServerError"; the secondary status is ``Starting`` again.
        """
        for left in range(job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0), -1, -1):
            try:
                job.job_type.run(job)
            except (JobStopped, JobFailure):
                raise
            except Exception as error:
                if not left or disk.is_full(error):
                    raise
                logger.exception("Job %s begins again, %s more times at most", job.name, left - 1)
                shutil.rmtree(job.folder)
                job.folder.mkdir()
                job.phase("Starting")
            else:
                return

    def _reason(self, error: Exception) -> str:
        """Return the failure reason of a job that failed through no fault of its own.

        A full disk is not an InternalServerError, which pipelines retry: it is still full a minute later.
        """
        if disk.is_full(error):
            return f"ClientError: {disk.full(self.state_dir)}"
        return f"InternalServerError: {type(error).__name__}: {error}"

    def _end_with_room(self, job: Job, status: str, reason: str | None) -> None:
        """End a job; if the disk is full, delete what the job itself wrote before its end is announced."""
        if not disk.has_room(self.state_dir):
            shutil.rmtree(job.folder.parent, ignore_errors=True)
        disk.patiently(lambda: self._end(job.arn, job.job_type, status, reason))

    def _end(self, arn: str, job_type: JobType, status: str, reason: str | None) -> None:
        with self.store.transaction():
            resource = self.store.by_arn(arn)
            if resource is None or resource.status in FINAL:
                return
            now = time.time()
            members: Document = {job_type.status: status, f"{job_type.noun}EndTime": now}
            if reason:
                members["FailureReason"] = reason[:1024]
            members |= job_type.times(resource.document, now)
            exceeded = resource.document.get("SecondaryStatus") == "MaxRuntimeExceeded"
            self.update(arn, job_type, members, None if exceeded else status)
            if (ended := self.store.by_arn(arn)) is not None:
                record_job(Graph(self.store, self.aws), ended, job_type.noun)
                self.announce(ended, job_type)


def refuse_running(resource: Resource) -> None:
    """Refuse to delete a job that has not ended."""
    if resource.status not in FINAL:
        raise ResourceInUse(f"{resource.arn} is in status {resource.status}: stop it first")
