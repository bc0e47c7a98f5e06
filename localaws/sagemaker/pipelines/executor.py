"""Runs the steps of pipeline executions.

The life of one execution, all of it stored as it happens (`execution_record`)::

    start     the definition and the parameters' values are stored with the execution; a thread takes over
    plan      which of the waiting steps can begin, and which never will (`next_steps`)
    run       each step that can begin does so in a thread of its own, through the same API as any client's calls:
              from the cache if possible (`step_cache`), again if a retry policy says so (`retries`)
    end       Succeeded; or Failed if a step failed: running steps are waited for, and nothing new begins but what a
              trigger calls for; or Stopped

RetryPipelineExecution and selective execution begin with steps that have ended already, in this execution or in an
earlier one: their results are taken from there, and they are not run. So does an execution that this server's death
interrupted, at the server's next start (`recover`): ended steps are kept, steps that were running begin again.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from localaws.document import Document
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.pipelines import retries, steps
from localaws.sagemaker.pipelines.callbacks import Callbacks
from localaws.sagemaker.pipelines.definition import Definition, Step, parse
from localaws.sagemaker.pipelines.expressions import UnresolvedError
from localaws.sagemaker.pipelines.next_steps import Outcome, final_status, plan
from localaws.sagemaker.pipelines.record import ENDED, EXECUTION, ExecutionRecord
from localaws.sagemaker.pipelines.step_cache import CachedStep, StepCache
from localaws.sagemaker.pipelines.steps.context import Call, StepContext, StepFailed, StepStopped
from localaws.storage import disk
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

FAILED_REASON = "Step failure: One or multiple steps failed."
_DEFAULT_PARALLEL_STEPS = 50


@dataclass
class _Run:
    """One running execution."""

    resource: Resource
    definition: Definition
    context: StepContext
    cache: StepCache
    parallel: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def take_over(self, earlier: Sequence[Resource], names: Mapping[str, object]) -> None:
        """Take over the outcomes of steps as if they had run now; for an interrupted step, how far it came."""
        for step in earlier:
            if step.name not in names:
                continue
            if step.status == "Executing":
                self.context.interrupted[step.name] = step.document["Metadata"]
            else:
                self.outcomes[step.name] = Outcome(step.status)
                self.context.restore(step.name, step.internal.get("result") or {})


class Executor:
    """Runs the pipeline executions of one local SageMaker.

    Parameters
    ----------
    parts : Parts
    call : callable
        The API: takes an operation's name and a request, and returns the answer.

    Attributes
    ----------
    callbacks : Callbacks
        The waiting callback steps.
    """

    def __init__(self, parts: Parts, call: Call) -> None:
        self._parts, self._call = parts, call
        self._record = ExecutionRecord(parts)
        self._runs: dict[str, _Run] = {}
        self.callbacks = Callbacks(parts.store)

    def recover(self) -> None:
        """Resume the executions of the last server; those that were being stopped are stopped."""
        for execution in self._parts.store.every(EXECUTION, status="Stopping"):
            for step in self._record.steps(execution.arn):
                if step.status not in ENDED:
                    self._record.end_step(step.arn, "Stopped", {})
            self._end(execution.arn, "Stopped", None)
        for execution in self._parts.store.every(EXECUTION, status="Executing"):
            self._go_on(execution)

    def start(self, pipeline: Resource, text: str, parameters: Mapping[str, Any], request: Document) -> str:
        """Store an execution of a definition, which begins when the transaction is committed; return its ARN."""
        resource = self._record.create(pipeline, text, parameters, request)
        run = self._make_run(resource, parse(text), parameters)
        selective = request.get("SelectiveExecutionConfig")
        if selective:
            self._select(run, selective)
        self._begin(run)
        return resource.arn

    def retry(self, execution: Resource) -> None:
        """Run the steps that did not succeed in an execution that has ended; keep the others."""
        with self._parts.store.transaction():
            self._record.forget_unfinished(execution.arn)
            self._record.write(execution.arn, "Executing")
            self._go_on(execution)

    def _go_on(self, execution: Resource) -> None:
        definition = parse(execution.internal["definition"])
        run = self._make_run(execution, definition, execution.internal["parameters"])
        run.take_over(self._record.steps(execution.arn), definition.steps)
        selective = execution.document.get("SelectiveExecutionConfig")
        if selective:
            self._leave_out(run, {row["StepName"] for row in selective["SelectedSteps"]})
        self._begin(run)

    def stop(self, arn: str) -> None:
        """Ask an execution to stop; return immediately."""
        self._record.write(arn, "Stopping")
        run = self._runs.get(arn)
        if run:
            self._parts.store.after_commit(run.context.stop)

    def _make_run(self, resource: Resource, definition: Definition, parameters: Mapping[str, Any]) -> _Run:
        cache = StepCache(self._parts.store, resource.parent)

        def run_children(context: StepContext, children: Definition, parallel: int) -> dict[str, Outcome]:
            run = _Run(resource, children, context, cache, parallel)
            run.take_over(self._record.steps(resource.arn), children.steps)
            self._run_steps(run)
            return run.outcomes

        configuration = resource.document.get("ParallelismConfiguration") or {}
        parallel = int(configuration.get("MaxParallelExecutionSteps", _DEFAULT_PARALLEL_STEPS))
        context = StepContext(
            self._parts, self._call, self.callbacks, resource, definition, dict(parameters), run_children
        )
        return _Run(resource, definition, context, cache, parallel)

    def _select(self, run: _Run, selective: Document) -> None:
        """Take the steps before the selected ones from an earlier execution, and leave out all others."""
        selected = {row["StepName"] for row in selective["SelectedSteps"]}
        source = selective.get("SourcePipelineExecutionArn", "")
        needed = run.definition.before(selected) - selected
        run.take_over(self._record.steps(source), dict.fromkeys(needed))
        self._leave_out(run, selected)
        for name in needed & {name for name, outcome in run.outcomes.items() if outcome is Outcome.SUCCEEDED}:
            arn = self._record.begin_step(run.resource, run.definition.steps[name])
            reused = {"SelectiveExecutionResult": {"SourcePipelineExecutionArn": source}}
            self._record.end_step(arn, "Succeeded", reused, run.context.result(name))

    @staticmethod
    def _leave_out(run: _Run, selected: set[str]) -> None:
        for name in run.definition.steps:
            if name not in selected:
                run.outcomes.setdefault(name, Outcome.PASSED_OVER)

    def _begin(self, run: _Run) -> None:
        self._runs[run.resource.arn] = run
        thread = threading.Thread(target=self._execute, args=(run,), name=run.resource.name, daemon=True)
        self._parts.store.after_commit(thread.start)

    def _execute(self, run: _Run) -> None:
        arn = run.resource.arn
        try:
            self._run_steps(run)
            status = final_status(run.definition, run.outcomes, stopped=run.context.stopping.is_set())
            reason = FAILED_REASON if status == "Failed" else None
        except Exception as error:
            logger.exception("Execution %s cannot continue", arn)
            status, reason = "Failed", self._reason(error)
        self._runs.pop(arn, None)
        disk.patiently(lambda: self._end(arn, status, reason))

    def _end(self, arn: str, status: str, reason: str | None) -> None:
        with self._parts.store.transaction():
            self._record.write(arn, status, reason)
            self.callbacks.forget(arn)

    def _run_steps(self, run: _Run) -> None:
        running: dict[Future[Outcome], str] = {}
        with ThreadPoolExecutor(max_workers=run.parallel, thread_name_prefix=run.resource.name) as pool:
            while True:
                for step in self._ready(run, set(running.values())):
                    running[pool.submit(self._run_step, run, step)] = step.name
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    run.outcomes[running.pop(future)] = future.result()

    def _ready(self, run: _Run, begun: set[str]) -> list[Step]:
        if run.context.stopping.is_set():
            return []
        now = plan(run.definition, run.outcomes, run.context.condition_outcomes, begun)
        run.outcomes.update(dict.fromkeys(now.passed_over, Outcome.PASSED_OVER))
        return now.ready

    def _run_step(self, run: _Run, step: Step) -> Outcome:
        """Run a step to its end, with retries where allowed."""
        arn = self._record.begin_step(run.resource, step)
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            try:
                members = self._attempt(run, step, arn)
            except StepStopped:
                self._record.end_step(arn, "Stopped", {})
                return Outcome.STOPPED
            except StepFailed as failure:
                policies = step.document.get("RetryPolicies", [])
                pause = retries.delay(policies, failure.kind, attempt - 1, time.monotonic() - began)
                if pause is None:
                    self._record.end_step(arn, "Failed", {"FailureReason": str(failure)[:1024], **failure.members})
                    return Outcome.FAILED
                if run.context.stopping.wait(pause):
                    self._record.end_step(arn, "Stopped", {})
                    return Outcome.STOPPED
                self._record.write_step(arn, {"AttemptCount": self._record.attempts(arn) + 1})
            else:
                self._record.end_step(arn, "Succeeded", members, run.context.result(step.name))
                return Outcome.SUCCEEDED

    def _attempt(self, run: _Run, step: Step, arn: str) -> Document:
        """Run a step once, or find that it need not run; return the members of its end."""
        try:
            request = run.context.request(step) if "CacheConfig" in step.document else {}
            cached = run.cache.find(step, request)
            if cached:
                run.context.restore(step.name, {"properties": cached.properties})
                hit = {"SourcePipelineExecutionArn": cached.execution_arn}
                return {"Metadata": cached.metadata, "CacheHitResult": hit}
            metadata = steps.run(
                step, run.context, lambda metadata: self._record.write_step(arn, {"Metadata": metadata})
            )
            if request:
                properties = run.context.properties.get(step.name, {})
                run.cache.keep(step, request, CachedStep(run.resource.arn, metadata, properties))
        except ApiError as error:
            raise StepFailed(f"{error.code}: {error}", kind=retries.exception_type(code=error.code)) from error
        except UnresolvedError as error:
            raise StepFailed(f"ClientError: {error}") from error
        except (StepFailed, StepStopped):
            raise
        except Exception as error:
            logger.exception("Step %s of %s cannot continue", step.name, run.resource.arn)
            raise StepFailed(self._reason(error)) from error
        return {"Metadata": metadata}

    def _reason(self, error: Exception) -> str:
        """Return why a step or an execution failed through no fault of its own: a full disk, or a server error."""
        if disk.is_full(error):
            return f"ClientError: {disk.full(self._parts.state_dir)}"
        return f"InternalServerError: {error}"
