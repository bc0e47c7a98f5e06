"""CreateXxxJob and StopXxxJob: one table for the three types of jobs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localaws.document import Document
from localaws.sagemaker.errors import ResourceInUse
from localaws.sagemaker.families.lookup import find
from localaws.sagemaker.jobs.processing import ProcessingJob, check_processing_request
from localaws.sagemaker.jobs.runner import JobType, kind
from localaws.sagemaker.jobs.training import TrainingJob, check_training_request
from localaws.sagemaker.jobs.transform import TransformJob, model_container
from localaws.sagemaker.lineage.experiments import check_experiment_config
from localaws.sagemaker.parts import Control, Handler
from localaws.storage.store import Resource

_DAY = 86_400


@dataclass(frozen=True)
class _JobFamily:
    job_type: JobType
    check: Callable[[Document, Path], None]
    defaults: Document


_FAMILIES = (
    _JobFamily(ProcessingJob(), check_processing_request, {"StoppingCondition": {"MaxRuntimeInSeconds": _DAY}}),
    _JobFamily(
        TrainingJob(),
        check_training_request,
        {
            "StoppingCondition": {"MaxRuntimeInSeconds": _DAY},
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "EnableManagedSpotTraining": False,
        },
    ),
    _JobFamily(TransformJob(), lambda *_: None, {"BatchStrategy": "MultiRecord"}),
)


def handlers() -> dict[str, Handler]:
    """Create and Stop of every job type, by the operation's name."""
    found: dict[str, Handler] = {}
    for family in _FAMILIES:
        found[f"Create{family.job_type.noun}Job"] = _create(family)
        found[f"Stop{family.job_type.noun}Job"] = _stop(family.job_type.noun)
    return found


def _create(family: _JobFamily) -> Handler:
    noun = family.job_type.noun

    def create(control: Control, request: Document) -> Document:
        family.check(request, control.state_dir)
        check_experiment_config(control, f"Create{noun}Job", request)
        if noun == "Transform":
            model_container(control.store, control.aws.arn("model", request["ModelName"]))
        name = request[f"{noun}JobName"]
        arn = control.aws.arn(kind(noun), name)
        resource = Resource(
            kind(noun), name, arn, _document(family, request, arn), {"request": request}, status="InProgress"
        )
        if not control.store.add(resource):
            raise ResourceInUse(
                f"{noun} job names must be unique within an AWS account and region, and a {noun.lower()} job named"
                f" '{name}' already exists: {arn}"
            )
        control.tag(arn, request)
        control.jobs.start(family.job_type, resource, request)
        return {f"{noun}JobArn": arn}

    return create


def _document(family: _JobFamily, request: Document, arn: str) -> Document:
    noun, now = family.job_type.noun, time.time()
    document = {
        **family.defaults,
        **{name: value for name, value in request.items() if name != "Tags"},
        f"{noun}JobArn": arn,
        f"{noun}JobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    if noun == "Training":
        document["SecondaryStatus"] = "Starting"
        document["SecondaryStatusTransitions"] = [
            {"Status": "Starting", "StartTime": now, "StatusMessage": "Preparing the instances for training"}
        ]
    return document


def _stop(noun: str) -> Handler:
    def stop(control: Control, request: Document) -> Document:
        resource = find(control, kind(noun), request[f"{noun}JobName"], f"Stop{noun}Job")
        control.jobs.stop(resource, noun)
        return {}

    return stop
