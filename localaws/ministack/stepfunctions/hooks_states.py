"""MiniStack's engine of state machines, and its functions, made to fail as AWS's do and to tell of what happens.

What the tasks call is in `localaws.ministack.stepfunctions`; how executions run and go on in
`localaws.ministack.stepfunctions.hooks_executions`.
"""

import importlib
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any

from localaws.account.session import Clients
from localaws.ministack.private import private
from localaws.ministack.stepfunctions import lambda_function
from localaws.ministack.stepfunctions.integrations import INTEGRATIONS, Integration
from localaws.ministack.stepfunctions.patience import patiently
from localaws.ministack.stepfunctions.progress import CALL, IS_WANTED, call_alone
from localaws.ministack.stepfunctions.reporter import ExecutionReporter
from localaws.ministack.stepfunctions.task import Task, TaskFailed


def call_services_from_states(clients: Callable[[str | None], Clients]) -> None:
    """Have Task states call SageMaker and functions by the API, and fail with AWS's error names.

    `clients` gives those of a state machine's role.

    Hooks ``ministack.services.stepfunctions``: ``_SERVICE_DISPATCH`` is asked first for an integration,
    ``_call_lambda`` calls functions; both fail with ``_ExecutionError``. ``_execute_task`` knows the execution of a
    task, ``_state_machines`` its machine, and ``_invoke_resource_with_timeout`` how long it may take.
    """
    engine: Any = importlib.import_module("ministack.services.stepfunctions")
    failure, dispatch = private(engine.__name__, "_ExecutionError"), private(engine.__name__, "_SERVICE_DISPATCH")
    execute = private(engine.__name__, "_execute_task")
    invoke_limited = private(engine.__name__, "_invoke_resource_with_timeout")
    private(engine.__name__, "_call_lambda")
    machines = private(engine.__name__, "_state_machines")
    role_arn: ContextVar[str | None] = ContextVar("role_arn", default=None)

    def client(service: str) -> Any:
        return clients(role_arn.get())(service)

    def task(resource: str, arguments: Any) -> Task:
        return replace((CALL.get() or call_alone(arguments)).task(resource), arguments=arguments)

    def failing_by_name(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except TaskFailed as error:
            raise failure(error.error, error.cause) from error

    def execute_known(state: Any, raw_input: Any, execution: dict[str, Any], context: Any) -> Any:
        IS_WANTED.set(lambda: execution["status"] == "RUNNING")
        role_arn.set((machines.get(execution["stateMachineArn"]) or {}).get("roleArn"))
        resource = state.get("Resource", "")
        if resource.endswith(".waitForTaskToken") and resource.startswith(tuple(INTEGRATIONS)):
            raise failure("States.Runtime", f"{resource}: this service returns no task token, as on AWS")
        return execute(state, raw_input, execution, context)

    def invoke_known(resource: str, arguments: Any, timeout: float) -> Any:
        runs, deadline = IS_WANTED.get(), time.monotonic() + timeout
        IS_WANTED.set(lambda: runs() and time.monotonic() < deadline)
        try:
            return invoke_limited(resource, arguments, timeout)
        finally:
            IS_WANTED.set(runs)

    def reach(integration: Integration) -> Callable[[str, Any], Any]:
        return lambda resource, arguments: failing_by_name(
            lambda: patiently(partial(integration, client), task(resource, arguments))
        )

    def call_function(name: str, event: Any) -> Any:
        return failing_by_name(
            lambda: patiently(lambda _: lambda_function.invoke(client, name, event), task(name, event)),
        )

    dispatch.update({prefix: reach(integration) for prefix, integration in INTEGRATIONS.items()})
    engine._call_lambda = call_function
    engine._execute_task, engine._invoke_resource_with_timeout = execute_known, invoke_known


def report_executions(changed: Callable[[], None], reporter: ExecutionReporter) -> None:
    """Save, log and count what happens to executions; the history of one that a kill ended says so.

    Hooks ``ministack.services.stepfunctions``: ``_add_event`` and ``_emit_execution_status_event`` are called with all
    that happens; ``_state_machines`` has the logging configurations; ``_restore_state`` fails what ran when the state
    was saved, and leaves the ``_map_runs`` of distributed Map states as they were.
    """
    engine: Any = importlib.import_module("ministack.services.stepfunctions")
    add, emit = private(engine.__name__, "_add_event"), private(engine.__name__, "_emit_execution_status_event")
    restore, executions = private(engine.__name__, "_restore_state"), private(engine.__name__, "_executions")
    machines, map_runs = private(engine.__name__, "_state_machines"), private(engine.__name__, "_map_runs")

    def add_seen(execution: dict[str, Any], event_type: str, details: Any = None) -> Any:
        event = add(execution, event_type, details)
        machine = machines.get(execution["stateMachineArn"]) or {}
        changed()
        reporter.event(execution, event, machine.get("loggingConfiguration", {}))
        return event

    def emit_seen(execution: dict[str, Any]) -> None:
        emit(execution)
        changed()
        reporter.status(execution)

    def restore_with_history(data: Any) -> None:
        restore(data)
        for run in map_runs.all_values():
            if run["status"] == "RUNNING":
                run.update(status="ABORTED", stopDate=engine.now_iso())
        for execution in executions.all_values():
            told = [event["type"] for event in execution["events"][-1:]]
            if execution.get("error") == "States.ServiceRestart" and told != ["ExecutionFailed"]:
                details = {"error": execution["error"], "cause": execution["cause"]}
                add(execution, "ExecutionFailed", {"executionFailedEventDetails": details})

    engine._add_event, engine._emit_execution_status_event = add_seen, emit_seen
    engine._restore_state = restore_with_history
