"""The operations of hyperparameter tuning jobs."""

import random
import time
from typing import Any

from localaws.document import Document
from localaws.sagemaker.errors import ResourceInUse, ValidationError
from localaws.sagemaker.families.defaults import completed
from localaws.sagemaker.families.lookup import find, page
from localaws.sagemaker.parts import Handler, Parts
from localaws.sagemaker.service_model import summary
from localaws.sagemaker.tuning import records
from localaws.sagemaker.tuning.checks import check_tuning_request, check_warm_start
from localaws.sagemaker.tuning.plan import Plan
from localaws.sagemaker.tuning.records import KIND
from localaws.sagemaker.tuning.tuner import Tuner
from localaws.storage.store import Resource

_FINAL = ("Completed", "Failed", "Stopped")
_PAGE = 10
_SUMMARY = "HyperParameterTrainingJobSummary"


def handlers(tuner: Tuner) -> dict[str, Handler]:
    """Return the operations of this module by name."""

    def create(parts: Parts, request: Document) -> Document:
        return create_tuning_job(parts, request, tuner)

    def stop(parts: Parts, request: Document) -> Document:
        return stop_tuning_job(parts, request, tuner)

    return {
        "CreateHyperParameterTuningJob": create,
        "DescribeHyperParameterTuningJob": describe_tuning_job,
        "ListHyperParameterTuningJobs": list_tuning_jobs,
        "ListTrainingJobsForHyperParameterTuningJob": list_training_jobs,
        "StopHyperParameterTuningJob": stop,
        "DeleteHyperParameterTuningJob": delete_tuning_job,
    }


def create_tuning_job(parts: Parts, request: Document, tuner: Tuner) -> Document:
    """Store a tuning job and start it."""
    check_tuning_request(request, parts.state_dir)
    parents = _parents(parts, request)
    name = request["HyperParameterTuningJobName"]
    arn = parts.aws.arn(KIND, name)
    config = request["HyperParameterTuningJobConfig"]
    internal = {
        "request": request,
        "seed": config.get("RandomSeed", random.getrandbits(31)),
        "parents": [parent.arn for parent in parents],
    }
    resource = Resource(KIND, name, arn, _document(request, arn), internal, status="InProgress", created=time.time())
    if not parts.store.add(resource):
        raise ResourceInUse(
            f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name."
        )
    parts.tag(arn, request)
    tuner.start(resource)
    return {"HyperParameterTuningJobArn": arn}


def describe_tuning_job(parts: Parts, request: Document) -> Document:
    """Return a tuning job as it is stored, and how long it has been running if it has not ended."""
    resource = _find(parts, request, "DescribeHyperParameterTuningJob")
    running = {"ConsumedResources": {"RuntimeInSeconds": round(time.time() - resource.created)}}
    return running | resource.document


def list_tuning_jobs(parts: Parts, request: Document) -> Document:
    """Return a page of tuning jobs, by name unless the request says otherwise."""

    def row(resource: Resource) -> Document:
        config = resource.document["HyperParameterTuningJobConfig"]
        return resource.document | {name: config[name] for name in ("Strategy", "ResourceLimits")}

    query = {"SortBy": "Name", **request}
    return page(parts, "ListHyperParameterTuningJobs", KIND, query, descending=False, row=row)


def list_training_jobs(parts: Parts, request: Document) -> Document:
    """Return a page of a tuning job's training jobs; sorted by the metric, only those that have a value."""
    resource = _find(parts, request, "ListTrainingJobsForHyperParameterTuningJob")
    rows = [
        record.document | {"ObjectiveStatus": record.objective_status}
        for record in records.load(parts.store, resource.arn)
        if request.get("StatusEquals") in (None, record.trial.status)
    ]
    sort_by = request.get("SortBy", "Name")
    if sort_by == "FinalObjectiveMetricValue":
        rows = [row for row in rows if "FinalHyperParameterTuningJobObjectiveMetric" in row]
    rows.sort(key=lambda row: (_sort_value(row, sort_by), row["TrainingJobName"]))
    if request.get("SortOrder") == "Descending":
        rows.reverse()
    start, size = _start(request), request.get("MaxResults", _PAGE)
    following = str(start + size) if start + size < len(rows) else None
    shown = [summary(_SUMMARY, row) for row in rows[start : start + size]]
    return {"TrainingJobSummaries": shown, "NextToken": following}


def stop_tuning_job(parts: Parts, request: Document, tuner: Tuner) -> Document:
    """Stop a running tuning job."""
    resource = _find(parts, request, "StopHyperParameterTuningJob")
    if resource.status in _FINAL:
        raise ValidationError(
            f"The request was rejected because the hyperparameter tuning job is in status {resource.status}."
        )
    tuner.stop(resource.arn)
    return {}


def delete_tuning_job(parts: Parts, request: Document) -> Document:
    """Delete a tuning job that has ended; its training jobs stay."""
    resource = _find(parts, request, "DeleteHyperParameterTuningJob")
    if resource.status not in _FINAL:
        raise ValidationError(
            f"The request was rejected because the hyperparameter tuning job is in status {resource.status}: stop it"
            " first."
        )
    records.remove(parts.store, resource.arn)
    parts.store.remove(resource.arn)
    return {}


def _find(parts: Parts, request: Document, operation: str) -> Resource:
    return find(parts, KIND, request["HyperParameterTuningJobName"], operation)


def _document(request: Document, arn: str) -> Document:
    now = time.time()
    definitions = [each.described for each in Plan.of(request, seed=0).definitions]
    several = "TrainingJobDefinitions" in request
    document = {
        **{name: value for name, value in request.items() if name != "Tags"},
        **({"TrainingJobDefinitions": definitions} if several else {"TrainingJobDefinition": definitions[0]}),
        "HyperParameterTuningJobArn": arn,
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
        **records.counters([]),
    }
    return completed("DescribeHyperParameterTuningJob", document)


def _parents(parts: Parts, request: Document) -> list[Resource]:
    warm_start = request.get("WarmStartConfig")
    if not warm_start:
        return []
    plan, found = Plan.of(request, seed=0), []
    for row in warm_start["ParentHyperParameterTuningJobs"]:
        name = row.get("HyperParameterTuningJobName", "")
        parent = parts.store.by_arn(parts.aws.arn(KIND, name))
        if parent is None or parent.status not in _FINAL:
            state = "does not exist" if parent is None else f"is in status {parent.status}"
            raise ValidationError(f"The parent tuning job '{name}' {state}: a warm start needs one that has ended")
        check_warm_start(plan, Plan.of(parent.internal["request"], seed=0), name, warm_start["WarmStartType"])
        found.append(parent)
    return found


def _sort_value(row: Document, sort_by: str) -> Any:
    if sort_by == "FinalObjectiveMetricValue":
        return row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return row[{"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}[sort_by]]


def _start(request: Document) -> int:
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise ValidationError(f"Invalid NextToken '{token[:80]}': pass the one that the last page returned")
    return int(token)
