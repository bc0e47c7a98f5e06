"""Runs the steps of pipeline executions.

The story of one execution, all of it in the store as it happens::

    start     the definition and the parameters' values are kept with the execution; a thread takes over
    plan      of the steps that wait: which can begin, which never will (pure, `plan`)
    run       each step that can begin does so in a thread of its own, through the same API as everybody's calls
    end       Succeeded; or Failed, when a step did: no new step begins then, those that run are waited for;
              or Stopped

A step in the branch that a condition did not take is passed over, and so is what depends on it: neither fails the
execution. An execution that this server's death interrupted is marked as failed at the next start (`recover`).
"""

import logging
import random
import string
import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from localaws.sagemaker import steps
from localaws.sagemaker.control import Control
from localaws.sagemaker.definition import Definition, Step
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.events import iso_time
from localaws.sagemaker.expressions import UnresolvedError
from localaws.sagemaker.steps.context import Call, StepContext, StepFailed, StepStopped
from localaws.sagemaker.store import Resource

logger = logging.getLogger(__name__)

Document = dict[str, Any]

EXECUTION = "pipeline-execution"
STEP = "execution-step"
KILLED_REASON = (
    "InternalServerError: the local SageMaker was stopped while this execution was running. Start the pipeline again."
)
FAILED_REASON = "Step failure: One or multiple steps failed."
_DEFAULT_PARALLEL_STEPS = 50
_ID_CHARACTERS = string.ascii_lowercase + string.digits
_TOKENS_KEPT = 1_000


class Outcome(Enum):
    """What became of a step."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    PASSED_OVER = "passed over"


@dataclass
class _Run:
    """One execution while it runs."""

    resource: Resource
    definition: Definition
    context: StepContext
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)


class Executor:
    """Runs the pipeline executions of one local SageMaker.

    Parameters
    ----------
    control : Control
    call : callable
        The API: an operation's name and a request to its answer.
    """

    def __init__(self, control: Control, call: Call) -> None:
        self._control, self._call = control, call
        self._runs: dict[str, _Run] = {}
        self._tokens: dict[str, str] = {}

    def recover(self) -> None:
        """Mark what was running when the last server died as failed."""
        store = self._control.store
        for status in ("Executing", "Stopping"):
            for execution in store.every(EXECUTION, status=status):
                for step in store.every(STEP, parent=execution.arn):
                    if step.status not in ("Succeeded", "Failed", "Stopped"):
                        self._write_step(step.arn, "Failed", {"FailureReason": KILLED_REASON})
                self._write_execution(execution.arn, "Failed", KILLED_REASON)

    def start(
        self, pipeline: Resource, definition: Definition, parameters: Mapping[str, Any], request: Document
    ) -> str:
        """Store and begin an execution; its ARN."""
        token = request["ClientRequestToken"]
        if token in self._tokens:
            return self._tokens[token]
        resource = self._store_execution(pipeline, parameters, request)
        self._remember(token, resource.arn)
        context = StepContext(self._control, self._call, resource, definition, dict(parameters))
        run = _Run(resource, definition, context)
        self._runs[resource.arn] = run
        self._announce_execution(resource, None)
        threading.Thread(target=self._execute, args=(run,), name=resource.name, daemon=True).start()
        return resource.arn

    def stop(self, arn: str) -> None:
        """Ask an execution to stop; returns at once."""
        self._write_execution(arn, "Stopping", None)
        run = self._runs.get(arn)
        if run:
            run.stop.set()
            run.context.stop_jobs()

    def _store_execution(self, pipeline: Resource, parameters: Mapping[str, Any], request: Document) -> Resource:
        name = "".join(random.choices(_ID_CHARACTERS, k=12))  # noqa: S311 - a name, not a secret
        arn = f"{pipeline.arn}/execution/{name}"
        now = time.time()
        document = {
            "PipelineArn": pipeline.arn,
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName", f"execution-{int(now * 1000)}"),
            "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
            "PipelineExecutionStatus": "Executing",
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": self._control.created_by,
            "LastModifiedBy": self._control.created_by,
            "ParallelismConfiguration": request.get("ParallelismConfiguration")
            or pipeline.document.get("ParallelismConfiguration"),
        }
        internal = {
            "definition": pipeline.document["PipelineDefinition"],
            "parameters": dict(parameters),
            "pipeline_name": pipeline.name,
        }
        resource = Resource(EXECUTION, name, arn, document, internal, pipeline.arn, "Executing", created=now)
        self._control.store.add(resource)

        def note(document: Document, _: Document) -> None:
            document["LastExecutionTime"] = document["LastRunTime"] = now

        self._control.store.change(pipeline.arn, note)
        return resource

    def _remember(self, token: str, arn: str) -> None:
        self._tokens[token] = arn
        if len(self._tokens) > _TOKENS_KEPT:
            del self._tokens[next(iter(self._tokens))]

    def _execute(self, run: _Run) -> None:
        try:
            self._run_steps(run)
            failed = Outcome.FAILED in run.outcomes.values()
            status = "Failed" if failed else "Stopped" if run.stop.is_set() else "Succeeded"
            self._write_execution(run.resource.arn, status, FAILED_REASON if failed else None)
        except Exception as error:
            logger.exception("Execution %s met a defect of the local SageMaker", run.resource.arn)
            self._write_execution(run.resource.arn, "Failed", f"InternalServerError: {error}")
        finally:
            self._runs.pop(run.resource.arn, None)

    def _run_steps(self, run: _Run) -> None:
        parallel = (run.resource.document.get("ParallelismConfiguration") or {}).get(
            "MaxParallelExecutionSteps", _DEFAULT_PARALLEL_STEPS
        )
        futures: dict[Future[Outcome], str] = {}
        with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix=run.resource.name) as pool:
            while True:
                if not run.stop.is_set() and Outcome.FAILED not in run.outcomes.values():
                    begun = set(futures.values())
                    for step in self._ready(run, begun):
                        futures[pool.submit(self._run_step, run, step)] = step.name
                if not futures:
                    return
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                for future in done:
                    run.outcomes[futures.pop(future)] = future.result()

    def _ready(self, run: _Run, begun: set[str]) -> list[Step]:
        ready, passed_over = plan(run.definition, run.outcomes, run.context.condition_outcomes, begun)
        run.outcomes.update(dict.fromkeys(passed_over, Outcome.PASSED_OVER))
        return ready

    def _run_step(self, run: _Run, step: Step) -> Outcome:
        arn = self._store_step(run, step)

        def progress(metadata: Document) -> None:
            self._write_step(arn, "Executing", {"Metadata": metadata})

        try:
            metadata = steps.run(step, run.context, progress)
        except StepStopped:
            return self._end_step(arn, Outcome.STOPPED, {})
        except StepFailed as failure:
            return self._end_step(arn, Outcome.FAILED, {"FailureReason": str(failure), **failure.members})
        except (ApiError, UnresolvedError) as error:
            reason = f"{error.code}: {error}" if isinstance(error, ApiError) else f"ClientError: {error}"
            return self._end_step(arn, Outcome.FAILED, {"FailureReason": reason})
        except Exception as error:
            logger.exception("Step %s of %s met a defect of the local SageMaker", step.name, run.resource.arn)
            return self._end_step(arn, Outcome.FAILED, {"FailureReason": f"InternalServerError: {error}"})
        return self._end_step(arn, Outcome.SUCCEEDED, {"Metadata": metadata} if metadata else {})

    def _store_step(self, run: _Run, step: Step) -> str:
        arn = f"{run.resource.arn}/step/{step.name}"
        now = time.time()
        document: Document = {
            "StepName": step.name,
            "StepDisplayName": step.document.get("DisplayName"),
            "StepDescription": step.document.get("Description"),
            "StartTime": now,
            "StepStatus": "Executing",
            "AttemptCount": 1,
            "Metadata": {},
        }
        internal = {"type": step.kind, "execution": run.resource.arn, "pipeline": run.resource.parent}
        resource = Resource(STEP, step.name, arn, document, internal, run.resource.arn, "Executing", created=now)
        self._control.store.add(resource)
        self._announce_step(resource, "Starting")
        return arn

    def _end_step(self, arn: str, outcome: Outcome, members: Document) -> Outcome:
        self._write_step(arn, outcome.value, members)
        return outcome

    def _write_step(self, arn: str, status: str, members: Document) -> None:
        def edit(document: Document, _: Document) -> dict[str, str]:
            document.update(members, StepStatus=status)
            if status != "Executing":
                document["EndTime"] = time.time()
            return {"status": status}

        changed = self._control.store.change(arn, edit)
        if changed and status != "Executing":
            self._announce_step(changed, "Executing")

    def _write_execution(self, arn: str, status: str, reason: str | None) -> None:
        previous: list[str] = []

        def edit(document: Document, _: Document) -> dict[str, str]:
            previous.append(document["PipelineExecutionStatus"])
            document.update(PipelineExecutionStatus=status, LastModifiedTime=time.time())
            if reason:
                document["FailureReason"] = reason
            return {"status": status}

        changed = self._control.store.change(arn, edit)
        if changed:
            self._announce_execution(changed, previous[0])

    def _announce_execution(self, resource: Resource, previous: str | None) -> None:
        document = resource.document
        detail = {
            "pipelineExecutionDisplayName": document["PipelineExecutionDisplayName"],
            "currentPipelineExecutionStatus": document["PipelineExecutionStatus"],
            "executionStartTime": iso_time(document["CreationTime"]),
            "pipelineArn": resource.parent,
            "pipelineExecutionArn": resource.arn,
        }
        if previous:
            detail["previousPipelineExecutionStatus"] = previous
        if document["PipelineExecutionStatus"] in ("Succeeded", "Failed", "Stopped"):
            detail["executionEndTime"] = iso_time(document["LastModifiedTime"])
        self._control.notifier.event(
            "SageMaker Model Building Pipeline Execution Status Change",
            detail,
            [resource.parent, resource.arn],
        )

    def _announce_step(self, resource: Resource, previous: str) -> None:
        document, internal = resource.document, resource.internal
        detail = {
            "stepName": resource.name,
            "stepType": internal["type"],
            "metadata": document.get("Metadata", {}),
            "previousStepStatus": previous,
            "currentStepStatus": document["StepStatus"],
            "stepStartTime": iso_time(document["StartTime"]),
            "pipelineArn": internal["pipeline"],
            "pipelineExecutionArn": internal["execution"],
        }
        if "EndTime" in document:
            detail["stepEndTime"] = iso_time(document["EndTime"])
        self._control.notifier.event(
            "SageMaker Model Building Pipeline Execution Step Status Change",
            detail,
            [internal["pipeline"], internal["execution"]],
        )


def plan(
    definition: Definition,
    outcomes: Mapping[str, Outcome],
    condition_outcomes: Mapping[str, bool],
    begun: set[str],
) -> tuple[list[Step], list[str]]:
    """Which steps can begin now, and which will never run.

    Parameters
    ----------
    outcomes : mapping
        Of the steps that have ended.
    condition_outcomes : mapping of str to bool
        Of the condition steps that have ended.
    begun : set of str
        The steps that run at this moment.

    Returns
    -------
    ready : list of Step
        All that they need has succeeded.
    passed_over : list of str
        In a branch that was not taken, or in need of such a step.
    """
    ready: list[Step] = []
    passed_over: list[str] = []
    gone = {name for name, outcome in outcomes.items() if outcome is Outcome.PASSED_OVER}
    for step in definition.steps.values():
        if step.name in outcomes or step.name in begun:
            continue
        other_branch = step.branch and condition_outcomes.get(step.branch[0], step.branch[1]) != step.branch[1]
        if other_branch or step.needs & gone:
            gone.add(step.name)
            passed_over.append(step.name)
        elif all(outcomes.get(name) is Outcome.SUCCEEDED for name in step.needs):
            ready.append(step)
    return ready, passed_over
