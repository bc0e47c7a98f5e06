"""CreateXxxJob and StopXxxJob, the same for the three types of jobs."""

import time

from localaws.document import Document
from localaws.sagemaker.errors import ResourceInUse
from localaws.sagemaker.families.defaults import completed
from localaws.sagemaker.families.lookup import find
from localaws.sagemaker.jobs.job_type import JobType
from localaws.sagemaker.jobs.processing import ProcessingJob
from localaws.sagemaker.jobs.training import TrainingJob
from localaws.sagemaker.jobs.transform import TransformJob
from localaws.sagemaker.lineage.experiments import check_experiment_config
from localaws.sagemaker.parts import Handler, Parts
from localaws.storage.store import Resource

JOB_TYPES: tuple[JobType, ...] = (ProcessingJob(), TrainingJob(), TransformJob())


def handlers() -> dict[str, Handler]:
    """Return Create and Stop of every job type, by the operation's name."""
    found: dict[str, Handler] = {}
    for job_type in JOB_TYPES:
        found[f"Create{job_type.noun}Job"] = _create(job_type)
        found[f"Stop{job_type.noun}Job"] = _stop(job_type)
    return found


def _create(job_type: JobType) -> Handler:
    noun = job_type.noun

    def create(parts: Parts, request: Document) -> Document:
        job_type.check(request, parts.jobs)
        request = job_type.completed(request)
        check_experiment_config(parts, f"Create{noun}Job", request)
        name = request[f"{noun}JobName"]
        arn = parts.aws.arn(job_type.kind, name)
        document = _document(job_type, request, arn)
        resource = Resource(job_type.kind, name, arn, document, {"request": request}, status="InProgress")
        with parts.store.transaction():
            if not parts.store.add(resource):
                raise ResourceInUse(
                    f"{noun} job names must be unique within an AWS account and region, and a {noun.lower()} job named"
                    f" '{name}' already exists: {arn}"
                )
            parts.tag(arn, request)
            parts.jobs.announce(resource, job_type)
        parts.jobs.start(job_type, resource, request)
        return {f"{noun}JobArn": arn}

    return create


def _document(job_type: JobType, request: Document, arn: str) -> Document:
    noun, now = job_type.noun, time.time()
    document = {
        **{name: value for name, value in request.items() if name != "Tags"},
        f"{noun}JobArn": arn,
        job_type.status: "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    document |= job_type.results(request)
    job_type.move(document, "Starting", now)
    return completed(f"Describe{noun}Job", document)


def _stop(job_type: JobType) -> Handler:
    def stop(parts: Parts, request: Document) -> Document:
        name = request[f"{job_type.noun}JobName"]
        parts.jobs.stop(find(parts, job_type.kind, name, f"Stop{job_type.noun}Job"), job_type)
        return {}

    return stop
