"""How an execution ends: once, for good, and known after a kill."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable

from tests.conftest import LocalAws, wait_until_gone
from tests.localaws.measured import Measured, until_counted
from tests.localaws.stepfunctions.conftest import States, states_of

WAIT = {"Type": "Wait", "Seconds": 60, "End": True}


def types(states: States, arn: str) -> list[str]:
    return [event["type"] for event in states.client.get_execution_history(executionArn=arn)["events"]]


def wait_for_event(states: States, arn: str, event_type: str) -> None:
    deadline = time.monotonic() + 60
    while event_type not in types(states, arn):
        assert time.monotonic() < deadline, types(states, arn)
        time.sleep(0.05)


def test_a_stopped_execution_stays_stopped(states: States) -> None:
    """A task that fails after the stop changes nothing any more."""
    name = states.function("import time\ndef handler(event, context):\n    time.sleep(1)\n    raise ValueError()")
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": name}}
    arn = states.start({"StartAt": "Task", "States": {"Task": {**task, "End": True}}})
    wait_for_event(states, arn, "TaskScheduled")
    states.client.stop_execution(executionArn=arn, error="Enough", cause="it is late")
    wait_for_event(states, arn, "TaskFailed")
    ended = states.wait(arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Enough", "it is late")
    assert "ExecutionFailed" not in types(states, arn)


def test_a_machine_has_its_time(states: States) -> None:
    arn = states.start({"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": WAIT}})
    assert states.wait(arn)["status"] == "TIMED_OUT"
    assert types(states, arn)[-1] == "ExecutionTimedOut"


def test_paths_and_intrinsic_functions(states: States) -> None:
    machine = {
        "StartAt": "Say",
        "States": {
            "Say": {
                "Type": "Pass",
                "Parameters": {
                    "Said.$": "States.Format('{} of {}', $.config.ProductionVariants[0].ModelName, $$.Execution.Name)",
                    "Second.$": "States.ArrayGetItem($.numbers, 1)",
                },
                "Next": "Fail",
            },
            "Fail": {"Type": "Fail", "ErrorPath": "$.Second", "CausePath": "$.Said"},
        },
    }
    arn = states.start(machine, config={"ProductionVariants": [{"ModelName": "m"}]}, numbers=["one", "two"])
    ended = states.wait(arn)
    assert (ended["error"], ended["cause"]) == ("two", f"m of {arn.rpartition(':')[2]}")


def test_jsonata_too(states: States) -> None:
    state = {"Type": "Pass", "Output": "{% $sum($states.input.numbers) %}", "End": True}
    arn = states.start({"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}}, numbers=[1, 2])
    assert states.wait(arn)["output"] == "3"


def test_cloudwatch_hears_of_executions(states: States, local_aws: LocalAws) -> None:
    logs, group = local_aws.client("logs"), f"states-{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    logging = {"level": "ERROR", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}
    fails = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Low", "Cause": "r2 0.1"}}}
    machine = states.machine(fails, loggingConfiguration=logging)
    states.wait(states.client.start_execution(stateMachineArn=machine)["executionArn"])
    deadline = time.monotonic() + 60
    while not (found := logs.filter_log_events(logGroupName=group)["events"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [line] = [json.loads(event["message"]) for event in found]
    assert (line["type"], line["details"]) == ("ExecutionFailed", {"error": "Low", "cause": "r2 0.1"})
    counted = Measured(local_aws, "AWS/States", StateMachineArn=machine)
    until_counted(lambda: counted.sum("ExecutionsFailed") == 1)
    assert counted.sum("ExecutionsStarted") == 1
    assert 0 <= counted.sum("ExecutionTime") < 10_000


def test_after_kill_9_of_everything_an_execution_goes_on(own_local_aws: Callable[[], LocalAws]) -> None:
    """At once: MiniStack has not saved its own state yet, neither the machine nor the executions."""
    aws = own_local_aws()
    states = states_of(aws)
    done = states.start({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}, x=1)
    states.wait(done)
    running = states.start({"StartAt": "Wait", "States": {"Wait": {**WAIT, "Seconds": 3}}}, y=2)
    pids = aws.pids().values()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until_gone(pids)
    states = states_of(own_local_aws())
    assert json.loads(states.wait(running)["output"]) == {"y": 2}
    assert types(states, running) == ["ExecutionStarted", "WaitStateEntered", "WaitStateExited", "ExecutionSucceeded"]
    assert json.loads(states.wait(done)["output"]) == {"x": 1}
