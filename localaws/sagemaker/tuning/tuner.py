"""Runs tuning jobs, one thread each: a loop of small turns until no training job is running and none will follow.

::

    collect     how running training jobs ended, and what they have printed so far
    prune       stop the jobs that the stopping rule rejects
    judge       budget used up, criterion met, out of time, hopeless, or asked to stop?
    launch      otherwise start training jobs, as many as may run at a time
    report      counters, best training job and completion details into the tuning job's document

Each turn begins with the state of the store, so a tuning job resumes after this server died (`Tuner.recover`).
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from localaws.document import Document
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.event_formats import job_detail
from localaws.sagemaker.jobs import builtin
from localaws.sagemaker.jobs.metric_pattern import MetricPattern
from localaws.sagemaker.jobs.runner import KILLED_REASON
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.tuning import completion, records
from localaws.sagemaker.tuning.completion import Verdict
from localaws.sagemaker.tuning.metric_reader import MetricReader
from localaws.sagemaker.tuning.objective import Trial, not_improving
from localaws.sagemaker.tuning.plan import Definition, Plan
from localaws.sagemaker.tuning.records import KIND, Record
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

Call = Callable[[str, Document], Document]

_TURN_SECONDS = 0.05
_CLOSE_SECONDS = 2.0
_RUNNING = ("InProgress", "Stopping")


@dataclass
class _Run:
    """One running tuning job."""

    resource: Resource
    plan: Plan
    parents: list[Trial]
    elder: list[Record]
    records: dict[str, Record]
    stop: threading.Event = field(default_factory=threading.Event)
    verdict: Verdict | None = None
    reason: str | None = None
    readers: dict[str, MetricReader] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    judged: dict[str, int] = field(default_factory=dict)
    exhausted: set[str] = field(default_factory=set)

    def of(self, definition: Definition) -> list[Record]:
        """Return the definition's training jobs that count."""
        return [record for record in self.records.values() if record.definition == definition.name and not record.lost]

    def counted(self) -> list[Record]:
        """Return all training jobs that count."""
        return [record for record in self.records.values() if not record.lost]

    def running(self) -> list[Record]:
        """Return the training jobs that have not ended."""
        return [record for record in self.records.values() if record.trial.runs]

    def definition(self, record: Record) -> Definition:
        """Return the definition that a training job was created from."""
        return next(each for each in self.plan.definitions if each.name == record.definition)


class Tuner:
    """Starts, stops and monitors the tuning jobs of one local SageMaker.

    Parameters
    ----------
    parts : Parts
    call : callable
        The API: takes an operation's name and a request, and returns the answer.
    clock : callable
        Returns the time in seconds since the epoch.
    """

    def __init__(self, parts: Parts, call: Call, clock: Callable[[], float] = time.time) -> None:
        self._parts, self._call, self._clock = parts, call, clock
        self._runs: dict[str, tuple[_Run, threading.Thread]] = {}
        self._closing = threading.Event()

    def recover(self) -> None:
        """Resume the tuning jobs of the last server; call this after the training jobs were recovered."""
        for status in _RUNNING:
            for resource in self._parts.store.every(KIND, status=status):
                self.start(resource)

    def start(self, resource: Resource) -> None:
        """Start or resume a stored tuning job."""
        run = self._run(resource)
        thread = threading.Thread(target=self._live, args=(run,), name=resource.name, daemon=True)
        self._runs[resource.arn] = (run, thread)
        self._announce(resource.arn)
        thread.start()

    def stop(self, arn: str) -> None:
        """Ask a tuning job and its training jobs to stop; return immediately."""
        with self._parts.store.transaction():
            self._write(arn, {}, "Stopping")
            self._announce(arn)
        if arn in self._runs:
            self._runs[arn][0].stop.set()

    def close(self) -> None:
        """Suspend all tuning jobs; they resume at the next start."""
        self._closing.set()
        for _, thread in list(self._runs.values()):
            thread.join(_CLOSE_SECONDS)

    def _run(self, resource: Resource) -> _Run:
        store, request = self._parts.store, resource.internal["request"]
        plan = Plan.of(request, resource.internal["seed"])
        elder = [record for arn in resource.internal["parents"] for record in records.load(store, arn)]
        run = _Run(
            resource=resource,
            plan=plan,
            parents=[record.trial for record in elder if record.trial.value is not None],
            elder=elder if _identical(request) else [],
            records={record.name: record for record in records.load(store, resource.arn)},
        )
        if resource.status == "Stopping":
            run.stop.set()
        return run

    def _live(self, run: _Run) -> None:
        arn = run.resource.arn
        try:
            while not self._turn(run):
                if self._closing.wait(_TURN_SECONDS):
                    return
        except Exception as error:
            logger.exception("Tuning job %s failed because of an error in the local SageMaker", run.resource.name)
            self._stop_all(run)
            self._end(run, "Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            for reader in run.readers.values():
                reader.close()
            self._runs.pop(arn, None)

    def _turn(self, run: _Run) -> bool:
        """Run one turn of the loop; return whether the tuning job has ended."""
        self._collect(run)
        if self._closing.is_set():
            return True
        self._prune(run)
        self._judge(run)
        if run.verdict is None and not run.stop.is_set():
            self._launch(run)
        self._report(run)
        if run.running() or not (run.verdict or run.stop.is_set()):
            return False
        # what was asked to stop is Stopped, whatever its training jobs had reached meanwhile
        status = "Stopped" if run.stop.is_set() or run.verdict is None else run.verdict.value.partition(" ")[0]
        self._end(run, status, None if run.stop.is_set() else run.reason)
        return True

    def _collect(self, run: _Run) -> None:
        for record in run.running():
            job = self._parts.store.by_arn(record.arn)
            if self._closing.is_set():
                return  # its training jobs are being ended with the server: the next start checks them
            curve = self._curve(run, record) if run.plan.rule(run.definition(record)) else []
            if job is None:  # this server died between writing the row and creating the job
                seen = replace(record.failed(KILLED_REASON, self._clock()), lost=True)
            else:
                lost = job.document.get("FailureReason") == KILLED_REASON
                seen = record.seen(job.document, run.definition(record).objective, curve, lost=lost)
            if not seen.trial.runs and record.name in run.readers:
                run.readers.pop(record.name).close()
            if seen.document != record.document:
                records.save(self._parts.store, run.resource.arn, seen)
            run.records[record.name] = seen

    def _curve(self, run: _Run, record: Record) -> Sequence[float]:
        log = self._parts.jobs.log(record.arn)
        if record.name not in run.readers:
            if log is None:
                return record.trial.curve
            run.readers[record.name] = MetricReader(log, _pattern(run.definition(record)))
        return tuple(run.readers[record.name].read())

    def _prune(self, run: _Run) -> None:
        for record in run.running():
            definition = run.definition(record)
            rule, epochs = run.plan.rule(definition), len(record.trial.curve)
            if rule is None or epochs == run.judged.get(record.name, 0):
                continue
            run.judged[record.name] = epochs
            others = [other.trial for other in run.of(definition) if other.name != record.name]
            if rule.stops(record.trial, others):
                self._stop_job(run, record)

    def _judge(self, run: _Run) -> None:
        if run.stop.is_set():
            self._stop_all(run)
            return
        if run.verdict not in (None, Verdict.BUDGET):
            return
        counted = run.counted()
        more = len(counted) < run.plan.max_jobs and len(run.exhausted) < len(run.plan.definitions)
        trials = [record.trial for record in counted]
        seconds = run.plan.criteria.seconds
        if hopeless := completion.hopeless(trials, more=more):
            run.verdict, run.reason = Verdict.HOPELESS, hopeless
        elif seconds is not None and self._clock() - run.resource.created > seconds:
            run.verdict = Verdict.OUT_OF_TIME
            run.reason = f"The tuning job exceeded MaxRuntimeInSeconds {seconds}"
        elif any(self._met(run, definition) for definition in run.plan.definitions):
            run.verdict = Verdict.CRITERION
        elif not more:
            run.verdict = Verdict.BUDGET
        if run.verdict not in (None, Verdict.BUDGET):
            self._stop_all(run)

    def _met(self, run: _Run, definition: Definition) -> bool:
        trials = _as_ended(run.of(definition))
        return completion.criterion_met(run.plan.criteria, definition.objective, trials)

    def _launch(self, run: _Run) -> None:
        while len(run.running()) < run.plan.max_parallel and len(run.counted()) < run.plan.max_jobs:
            left = [each for each in run.plan.definitions if each.name not in run.exhausted]
            if not left:
                return
            definition = min(left, key=lambda each: len(run.of(each)))
            trials = [record.trial for record in run.of(definition)]
            used = {trial.number for trial in trials}
            number = next(candidate for candidate in range(len(used) + 1) if candidate not in used)
            values = run.plan.strategy(definition).ask(number, [*run.parents, *trials])
            if values is None:
                run.exhausted.add(definition.name)
            elif not self._create(run, definition, Trial(number, values)):
                return  # decide first whether to continue

    def _create(self, run: _Run, definition: Definition, trial: Trial) -> bool:
        """Create a training job; return False if its request is refused."""
        name = f"{run.resource.name}-{len(run.records) + 1:03d}-{uuid.uuid4().hex[:8]}"
        arn = self._parts.aws.arn("training-job", name)
        record = records.new_record(name, arn, definition.name, trial, self._clock())
        records.save(self._parts.store, run.resource.arn, record)
        run.records[name] = record
        request = definition.training_request(name, dict(trial.values), run.plan.tags)
        try:
            self._call("CreateTrainingJob", request)
        except ApiError as error:
            run.records[name] = record.failed(f"{error.code}: {error.message}", self._clock())
            records.save(self._parts.store, run.resource.arn, run.records[name])
            return False

        def mark(document: Document, _: Document) -> None:
            document["TuningJobArn"] = run.resource.arn

        self._parts.store.change(arn, mark)
        return True

    def _stop_all(self, run: _Run) -> None:
        for record in run.running():
            self._stop_job(run, record)

    def _stop_job(self, run: _Run, record: Record) -> None:
        if record.name not in run.stopped:
            run.stopped.add(record.name)
            with suppress(ApiError):  # it may have just ended by itself
                self._call("StopTrainingJob", {"TrainingJobName": record.name})

    def _report(self, run: _Run) -> None:
        found = list(run.records.values())
        winner = records.best(found)
        members = records.counters(found) | {"BestTrainingJob": winner}
        if run.elder:
            older = [record.document | {"TuningJobName": _tuning_name(record)} for record in run.elder]
            overall = records.best([*run.elder, *found])
            named = {document["TrainingJobName"]: document for document in older}
            members["OverallBestTrainingJob"] = overall and overall | named.get(overall["TrainingJobName"], {})
        definition = run.plan.definitions[0]
        values = completion.results(_as_ended(run.of(definition)))
        details = run.resource.document.get("TuningJobCompletionDetails", {}) | {
            "NumberOfTrainingJobsObjectiveNotImproving": not_improving(definition.objective, values)
        }
        if "ConvergenceDetectedTime" not in details and completion.converged(definition.objective, values):
            details["ConvergenceDetectedTime"] = self._clock()
        members["TuningJobCompletionDetails"] = details
        if any(run.resource.document.get(name) != value for name, value in members.items()):
            run.resource.document.update(members)
            self._write(run.resource.arn, members, None)

    def _end(self, run: _Run, status: str, reason: str | None) -> None:
        now = self._clock()
        members: Document = {
            "HyperParameterTuningEndTime": now,
            "ConsumedResources": {"RuntimeInSeconds": round(now - run.resource.created)},
        }
        if reason:
            members["FailureReason"] = reason[:1024]
        with self._parts.store.transaction():
            self._write(run.resource.arn, members, status)
            self._announce(run.resource.arn)

    def _write(self, arn: str, members: Document, status: str | None) -> None:
        def edit(document: Document, _: Document) -> dict[str, str]:
            if document["HyperParameterTuningJobStatus"] not in _RUNNING:
                return {}  # it ended while it was asked to stop
            document.update(members, LastModifiedTime=self._clock())
            if status:
                document["HyperParameterTuningJobStatus"] = status
            return {"status": document["HyperParameterTuningJobStatus"]}

        self._parts.store.change(arn, edit)

    def _announce(self, arn: str) -> None:
        resource = self._parts.store.by_arn(arn)
        if resource:
            detail = job_detail(resource.document)
            self._parts.outbox.event("sagemaker", "SageMaker HyperParameter Tuning Job State Change", detail, [arn])


def _identical(request: Document) -> bool:
    return (request.get("WarmStartConfig") or {}).get("WarmStartType") == "IdenticalDataAndAlgorithm"


def _pattern(definition: Definition) -> MetricPattern:
    name = definition.objective.metric_name
    rows = builtin.metric_definitions(definition.document["AlgorithmSpecification"])
    return MetricPattern(name, next(row["Regex"] for row in rows if row["Name"] == name))


def _as_ended(found: Sequence[Record]) -> list[Trial]:
    return [record.trial for record in sorted(found, key=lambda record: record.ended) if not record.trial.runs]


def _tuning_name(record: Record) -> str:
    return record.name.rsplit("-", 2)[0]
