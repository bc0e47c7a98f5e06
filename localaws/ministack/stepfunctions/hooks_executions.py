"""Executions that end once, and that a restart does not end.

`journal_executions` has them walk by `localaws.ministack.stepfunctions.hooks_walk` and write their journal. After a
restart, however the process ended, `Resumer.resume` brings back what the journal has and MiniStack's saved state has
not, and each execution that ran runs on. Express workflows, and executions that StartSyncExecution waits for, have no
journal: as on AWS, they could not be found again. MiniStack ends them as FAILED with States.ServiceRestart.
"""

import importlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from localaws.document import Document
from localaws.ministack.private import private
from localaws.ministack.stepfunctions.hooks_tokens import Tokens
from localaws.ministack.stepfunctions.hooks_walk import Walk
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.progress import CALL, VISIT, Call, call_alone
from localaws.ministack.stepfunctions.task import TaskFailed


def end_executions_once() -> None:
    """Fail no execution that has ended already.

    Hook ``ministack.services.stepfunctions._fail_execution``, which is called for a task's error even when the
    execution was stopped meanwhile.
    """
    engine: Any = importlib.import_module("ministack.services.stepfunctions")
    fail = private(engine.__name__, "_fail_execution")

    def fail_running(execution: Document, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    engine._fail_execution = fail_running


class Resumer:
    """Resumes the executions of earlier processes.

    Parameters
    ----------
    journal : Journal
    tokens : Tokens
    """

    def __init__(self, journal: Journal, tokens: Tokens) -> None:
        self._engine: Any = importlib.import_module("ministack.services.stepfunctions")
        self._journal, self._tokens = journal, tokens
        self._scope = private("ministack.core.responses", "request_scope")

    def resume(self, wait_until_ready: Callable[[], None]) -> None:
        """Bring executions back, and run on those that were running.

        Parameters
        ----------
        wait_until_ready : callable
            Returns when tasks can reach the services.
        """
        for kept in self._journal.kept():
            region, account = kept.arn.split(":")[3:5]
            with self._scope(account, region):
                self._engine._executions[kept.arn] = kept.record
                if kept.runs:
                    self._tokens.take_up(kept.arn)
                    target = copy_context().run
                    arguments = (self._run, kept.arn, wait_until_ready)
                    threading.Thread(target=target, args=arguments, daemon=True).start()

    def _run(self, arn: str, wait_until_ready: Callable[[], None]) -> None:
        wait_until_ready()
        self._engine._run_execution(arn)


def journal_executions(journal: Journal, tokens: Tokens) -> None:
    """Write what executions do into a journal, so that they can be resumed.

    Hooks ``ministack.services.stepfunctions``: ``_run_execution`` runs one and ``_run_sub_machine`` a branch of it;
    ``_run_parallel_branches`` and ``_run_map_items`` are called for each attempt; ``_emit_execution_status_event`` is
    called before an execution runs, ``_add_event`` with all that happens to it; ``_scaled_sleep`` waits; ``reset``
    forgets all.
    """
    engine: Any = importlib.import_module("ministack.services.stepfunctions")
    add, emit = private(engine.__name__, "_add_event"), private(engine.__name__, "_emit_execution_status_event")
    sleep, reset = private(engine.__name__, "_scaled_sleep"), private(engine.__name__, "reset")
    for name in ("_run_execution", "_run_sub_machine"):
        private(engine.__name__, name)
    walk, adding = Walk(engine, journal), threading.Lock()

    def emit_begun(execution: Document) -> None:
        machine = engine._state_machines.get(execution["stateMachineArn"]) or {}
        if execution["status"] == "RUNNING" and machine.get("type") != "EXPRESS":
            journal.begin(execution, machine["definition"])
        emit(execution)

    def add_once(execution: Document, event_type: str, details: Any = None) -> None:
        visit = VISIT.get()
        place = visit.place if visit is not None and visit.arn == execution["executionArn"] else ""
        if visit is not None and place and visit.is_told():
            return
        # Branches tell at once, and events are numbered.
        with adding:
            journal.tell(execution, add(execution, event_type, details), place)

    def sleep_on(seconds: float) -> None:
        visit = VISIT.get()
        sleep(visit.seconds_to_sleep(seconds) if visit is not None else seconds)

    def reset_all() -> None:
        reset()
        journal.clear()

    engine._run_execution, engine._run_sub_machine = walk.run, walk.branch
    for name in ("_run_parallel_branches", "_run_map_items"):
        setattr(engine, name, walk.forking(private(engine.__name__, name)))
    engine._emit_execution_status_event, engine._add_event = emit_begun, add_once
    engine._scaled_sleep, engine.reset = sleep_on, reset_all
    tokens.install()
    _remember_calls(engine, tokens)


def _remember_calls(engine: Any, tokens: Tokens) -> None:
    """Repeat no call that has an outcome.

    Hooks ``_invoke_resource``, ``_invoke_resource_with_timeout`` and ``_invoke_with_callback``, by which a Task state
    calls; the second calls the first.
    """
    failure = private(engine.__name__, "_ExecutionError")
    invoke = private(engine.__name__, "_invoke_resource")
    invoke_limited = private(engine.__name__, "_invoke_resource_with_timeout")
    private(engine.__name__, "_invoke_with_callback")

    def perform(arguments: Any, make: Callable[[Call], Any], token: str | None = None) -> Any:
        visit = VISIT.get()
        call = visit.call(arguments, token) if visit is not None else call_alone(arguments)
        if not call.has_ended():
            before = CALL.set(call)
            try:
                call.succeed(make(call))
            except (failure, TaskFailed) as error:
                call.fail(error.error, error.cause)
            finally:
                CALL.reset(before)
        try:
            return call.outcome()
        except TaskFailed as error:
            raise failure(error.error, error.cause) from error

    def invoke_once(resource: str, arguments: Any) -> Any:
        if CALL.get() is not None:
            return invoke(resource, arguments)
        return perform(arguments, lambda call: invoke(resource, call.arguments))

    def invoke_in_time(resource: str, arguments: Any, timeout: float) -> Any:
        def make(call: Call) -> Any:
            left = round(call.seconds_left(timeout), 3) if call.again else timeout
            if not left and not resource.endswith(".sync"):  # a job has to be found, and stopped
                raise failure("States.Timeout", f"Task timed out after {timeout} seconds")
            return invoke_limited(resource, call.arguments, left)

        return perform(arguments, make)

    def invoke_with_token(resource: str, arguments: Any, token: str, state: Document) -> Any:
        limit = state.get("TimeoutSeconds")

        def send(call: Call) -> None:
            invoke(resource.replace(".waitForTaskToken", ""), call.arguments)

        return perform(arguments, lambda call: tokens.answer(call, send, limit), token)

    engine._invoke_resource, engine._invoke_resource_with_timeout = invoke_once, invoke_in_time
    engine._invoke_with_callback = invoke_with_token
