"""``states:startExecution``: an execution that a Task state starts, and with ``.sync`` waits for.

The execution is one like any other, so it goes on after a restart by itself; the state that waits finds it by its name,
which it has from the call if the state gives it none.
"""

import importlib
import json
import time
from typing import Any

from localaws.document import Document
from localaws.ministack.private import private
from localaws.ministack.stepfunctions.progress import CALL, IS_WANTED, call_alone
from localaws.ministack.stepfunctions.task import is_since

_POLL_SECONDS = 0.05
_SHOWN = ("executionArn", "input", "inputDetails", "name", "outputDetails", "startDate", "stateMachineArn", "status")


def start_nested_executions_once() -> None:
    """Start a nested execution once, as an execution of its own.

    Hooks ``ministack.services.stepfunctions``: ``_invoke_nested_start_execution`` and
    ``_invoke_nested_start_execution_sync``, which runs the other one inside of its own call;
    ``_nested_start_execution_request`` reads the arguments and ``_nested_execution_failure`` the failure;
    ``_start_execution`` and ``_stop_execution`` answer requests, ``_executions`` has what they change;
    ``_resolve_state_machine_arn`` knows the machine of an alias or a version.
    """
    engine: Any = importlib.import_module("ministack.services.stepfunctions")
    failure = private(engine.__name__, "_ExecutionError")
    request_of = private(engine.__name__, "_nested_start_execution_request")
    failure_of = private(engine.__name__, "_nested_execution_failure")
    for name in ("_invoke_nested_start_execution", "_invoke_nested_start_execution_sync", "_start_execution"):
        private(engine.__name__, name)
    private(engine.__name__, "_stop_execution")
    resolve = private(engine.__name__, "_resolve_state_machine_arn")

    def begin(arguments: Document) -> Document:
        call = CALL.get() or call_alone(arguments)
        request = {"name": call.token, **request_of(arguments)}
        if call.again:
            machine = resolve(request["stateMachineArn"]) or request["stateMachineArn"]
            arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request['name']}"
            there = engine._executions.get(arn)
            if there is not None and is_since(call.began, there["startDate"]):
                return dict(there)
        status, _, body = engine._start_execution(request)
        answer = json.loads(body)
        if status != 200:
            raise failure(answer["__type"], answer["message"])
        return dict(engine._executions.get(answer["executionArn"]))

    def start(_resource: str, arguments: Document) -> Document:
        begun = begin(arguments)
        return {"ExecutionArn": begun["executionArn"], "StartDate": begun["startDate"]}

    def start_and_wait(resource: str, arguments: Document) -> Document:
        arn = begin(arguments)["executionArn"]
        while (execution := engine._executions.get(arn))["status"] == "RUNNING":
            if not IS_WANTED.get()():
                engine._stop_execution(
                    {"executionArn": arn, "cause": "The execution that started it does not wait for it any more"}
                )
            time.sleep(_POLL_SECONDS)
        if execution["status"] != "SUCCEEDED":
            raise failure(*failure_of(execution))
        shown = {f"{name[0].upper()}{name[1:]}": execution.get(name) for name in (*_SHOWN, "stopDate")}
        output = execution["output"]
        return {**shown, "Output": json.loads(output) if resource.endswith(".sync:2") else output}

    engine._invoke_nested_start_execution, engine._invoke_nested_start_execution_sync = start, start_and_wait
