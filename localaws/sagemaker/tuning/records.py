"""The stored training jobs of a tuning job, and what the tuning job's document says about them.

A row is written before its training job is created: so no suggestion is lost or tried twice if a process dies in
between. The row's document is the ``HyperParameterTrainingJobSummary`` that lists show.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from localaws.document import Document
from localaws.sagemaker.tuning.objective import Objective, Trial
from localaws.storage.store import Resource, Store

KIND = "hyper-parameter-tuning-job"
TRIAL = "tuning-trial"
_COPIED = ("CreationTime", "TrainingStartTime", "TrainingEndTime", "TrainingJobStatus", "FailureReason")


@dataclass(frozen=True)
class Record:
    """A training job of a tuning job.

    Attributes
    ----------
    name, arn : str
        Name and ARN of the training job.
    definition : str
        The name of its training job definition.
    lost : bool
        It died with this server: its values are tried again, and it does not count.
    """

    name: str
    arn: str
    definition: str
    trial: Trial
    document: Document
    lost: bool = False

    @property
    def objective_status(self) -> str:
        """``Pending``, ``Succeeded``, or ``Failed`` if it ended without a value of the objective metric."""
        if self.trial.runs:
            return "Pending"
        return "Failed" if self.trial.value is None else "Succeeded"

    @property
    def ended(self) -> float:
        """When it ended, in seconds since the epoch."""
        return float(self.document.get("TrainingEndTime") or self.document["CreationTime"])

    def seen(self, job: Document, objective: Objective, curve: Sequence[float], *, lost: bool) -> "Record":
        """Return the record updated from a training job's document."""
        status = job["TrainingJobStatus"]
        values = {row["MetricName"]: row["Value"] for row in job.get("FinalMetricDataList") or []}
        ended = status in ("Completed", "Stopped")
        value = values.get(objective.metric_name) if ended else None
        if value is not None and not math.isfinite(value):
            value = None  # other results cannot be compared with nan
        if value is not None and (not curve or curve[-1] != value):
            curve = [*curve, value]
        document = self.document | {name: job[name] for name in _COPIED if name in job}
        if value is not None:
            document["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": objective.kind,
                "MetricName": objective.metric_name,
                "Value": value,
            }
        trial = replace(self.trial, status=status, value=value, curve=tuple(curve))
        return replace(self, trial=trial, document=document, lost=lost)

    def failed(self, reason: str, now: float) -> "Record":
        """Return the record of a training job that could not be created."""
        document = self.document | {"FailureReason": reason, "TrainingEndTime": now, "TrainingJobStatus": "Failed"}
        return replace(self, trial=replace(self.trial, status="Failed"), document=document)


def new_record(name: str, arn: str, definition: str, trial: Trial, now: float) -> Record:
    """Return the record of a training job that is about to be created."""
    document = {
        "TrainingJobName": name,
        "TrainingJobArn": arn,
        "CreationTime": now,
        "TrainingJobStatus": "InProgress",
        "TunedHyperParameters": dict(trial.values),
    }
    if definition:
        document["TrainingJobDefinitionName"] = definition
    return Record(name, arn, definition, trial, document)


def save(store: Store, tuning_arn: str, record: Record) -> None:
    """Store a record, whether it is new or not."""
    document = record.document | {"ObjectiveStatus": record.objective_status}
    internal = {
        "number": record.trial.number,
        "definition": record.definition,
        "curve": list(record.trial.curve),
        "lost": record.lost,
    }
    arn, status = f"{tuning_arn}/trial/{record.name}", record.trial.status
    if store.add(Resource(TRIAL, record.name, arn, document, internal, parent=tuning_arn, status=status)):
        return

    def edit(kept: Document, kept_internal: Document) -> dict[str, str]:
        kept.update(document)
        kept_internal.update(internal)
        return {"status": status}

    store.change(arn, edit)


def load(store: Store, tuning_arn: str) -> list[Record]:
    """Return all records of a tuning job, oldest first."""
    return [_record(row) for row in store.every(TRIAL, parent=tuning_arn)]


def _record(row: Resource) -> Record:
    document, internal = row.document, row.internal
    metric = document.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    trial = Trial(
        number=internal["number"],
        values=document["TunedHyperParameters"],
        status=document["TrainingJobStatus"],
        value=metric.get("Value"),
        curve=tuple(internal["curve"]),
    )
    arn = document["TrainingJobArn"]
    return Record(row.name, arn, internal["definition"], trial, document, internal["lost"])


def remove(store: Store, tuning_arn: str) -> None:
    """Delete the records of a tuning job that is being deleted; its training jobs stay, as on AWS."""
    for row in store.every(TRIAL, parent=tuning_arn):
        store.remove(row.arn)


def counters(records: Iterable[Record]) -> Document:
    """Return ``TrainingJobStatusCounters`` and ``ObjectiveStatusCounters``."""
    jobs = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for record in records:
        objectives[record.objective_status] += 1
        jobs[_counter(record)] += 1
    return {"TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}


def _counter(record: Record) -> str:
    if record.trial.status == "Failed":
        return "RetryableError" if record.lost else "NonRetryableError"
    return "InProgress" if record.trial.runs else record.trial.status


def best(records: Iterable[Record]) -> Document | None:
    """Return the summary of the best training job; of several definitions, the one with the best value."""
    with_value = [record for record in records if record.trial.value is not None]
    if not with_value:
        return None
    metric = with_value[0].document["FinalHyperParameterTuningJobObjectiveMetric"]
    sign = 1 if metric["Type"] == "Minimize" else -1
    winner = min(with_value, key=lambda record: sign * (record.trial.value or 0.0))
    return winner.document | {"ObjectiveStatus": winner.objective_status}
