"""Executions that were running when the server was killed go on, each from where it was."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from localaws.ministack.stepfunctions.patience import AWAY
from tests.conftest import LocalAws, local_aws_command, start_local_aws, wait_until_gone
from tests.localaws.sagemaker.conftest import Bench
from tests.localaws.saved import wait_until_saved
from tests.localaws.stepfunctions.conftest import States, states_of

Document = dict[str, Any]

# Leaves a file for each call, the token that it was given; the first call takes its time.
FUNCTION = """
import pathlib, time, uuid

def handler(event, context):
    folder = pathlib.Path(event["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(uuid.uuid4())).write_text(event.get("token", ""))
    if len(list(folder.iterdir())) == 1:
        time.sleep(event.get("seconds", 0))
    if "error" in event:
        raise ValueError(event["error"])
    return folder.name
"""
DONE = {"Type": "Pass", "Result": "done", "End": True}


@dataclass
class Killed:
    """A server that was killed while executions ran, and is there again.

    Attributes
    ----------
    aws : LocalAws
    states : States
    bench : Bench
    folder : Path
        Where the function leaves its files.
    function : str
    executions : dict of str to str
        Their ARNs, by the name of a test's own.
    known : dict
        What tests wrote down before the kill.
    """

    aws: LocalAws
    states: States
    bench: Bench
    folder: Path
    function: str = ""
    executions: dict[str, str] = field(default_factory=dict)
    known: Document = field(default_factory=dict)

    def call(self, name: str, **event: Any) -> Document:
        """A Task state that calls the function."""
        payload = {"folder": str(self.folder / name), **event}
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload"}
        return {**task, "Parameters": {"FunctionName": self.function, "Payload": payload}, "End": True}

    def calls(self, name: str) -> list[str]:
        """The tokens of the calls."""
        return [path.read_text() for path in (self.folder / name).glob("*")]

    def end(self, name: str) -> Document:
        """How an execution has ended."""
        return self.states.wait(self.executions[name])

    def output(self, name: str) -> Any:
        """What an execution gave."""
        ended = self.end(name)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def waits_anew(self, name: str, seconds: int) -> bool:
        """Say whether an execution of so many seconds took all of them after the kill."""
        late: bool = self.end(name)["stopDate"].timestamp() > self.known["back"] + seconds - 1
        return late

    def history(self, name: str) -> list[str]:
        """The types of an execution's events, whose ids are without a gap."""
        events = self.states.client.get_execution_history(executionArn=self.executions[name])["events"]
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        return [event["type"] for event in events]


def until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def one(state: Document) -> Document:
    return {"StartAt": "Only", "States": {"Only": state}}


def wait(seconds: int, then: str = "") -> Document:
    return {"Type": "Wait", "Seconds": seconds, **({"Next": then} if then else {"End": True})}


def begin(this: Killed) -> None:
    """Start one execution for each test, and wait until it is where it is to be killed."""
    start, machine, client = this.states.start, this.states.machine, this.states.client
    activities = [client.create_activity(name=f"a-{uuid.uuid4().hex[:8]}")["activityArn"] for _ in range(2)]
    late, changed = machine(one(DONE)), machine({"StartAt": "Wait", "States": {"Wait": wait(4, "Done"), "Done": DONE}})
    express = machine(one(wait(60)), type="EXPRESS")
    wait_until_saved(this.aws)

    def waiting(name: str) -> Document:
        task = {**this.call(name, **{"token.$": "$$.Task.Token"}), "OutputPath": "$"}
        return {**task, "Resource": f"{task['Resource']}.waitForTaskToken"}

    job = this.bench.processing("import time; time.sleep(5)")
    job_task = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync", "Parameters": job}
    child = {"StateMachineArn": machine(one(wait(4))), "Input": {"x": 1}}
    nested = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": child}
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 3, "BackoffRate": 1, "MaxAttempts": 2}]
    quick = {"StartAt": "Call", "States": {"Call": this.call("branch")}}
    far = one(this.call("distributed", seconds=200))
    slow = {"StartAt": "Wait", "States": {"Wait": wait(4)}}
    item = {"Call": {**this.call("item"), "Next": "Wait"}, "Wait": wait(2)}
    item["Call"].pop("End")
    variables = {
        "QueryLanguage": "JSONata",
        "StartAt": "Say",
        "States": {
            "Say": {"Type": "Pass", "Assign": {"said": "{% $states.input.x %}"}, "Next": "Wait"},
            "Wait": {"Type": "Wait", "Seconds": 4, "Output": "{% $said + 1 %}", "End": True},
        },
    }
    first = {"Type": "Pass", "Result": {"y": 2}, "Next": "Wait"}
    this.executions |= {
        "wait": start(
            {"StartAt": "Say", "States": {"Say": first, "Wait": wait(6, "Done"), "Done": {"Type": "Succeed"}}}
        ),
        "variables": start(variables, x=1),
        "call": start(one(this.call("call", seconds=200))),
        "retry": start(one({**this.call("retry", error="never"), "Retry": retry})),
        "token": start(one(waiting("token"))),
        "late token": start(one({**waiting("late token"), "TimeoutSeconds": 5})),
        "activity": start(one({"Type": "Task", "Resource": activities[0], "End": True}), x=1),
        "idle activity": start(one({"Type": "Task", "Resource": activities[1], "End": True}), x=2),
        "job": start(one({**job_task, "End": True})),
        "nested": start(one({**nested, "OutputPath": "$.Output", "End": True})),
        "parallel": start(one({"Type": "Parallel", "Branches": [quick, slow], "End": True}), x=1),
        "map": start(
            one(
                {
                    "Type": "Map",
                    "ItemsPath": "$.items",
                    "MaxConcurrency": 1,
                    "ItemProcessor": {"StartAt": "Call", "States": item},
                    "End": True,
                }
            ),
            items=[1, 2, 3],
        ),
        "distributed": start(
            one(
                {
                    "Type": "Map",
                    "ItemsPath": "$.items",
                    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **far},
                    "End": True,
                }
            ),
            items=[1],
        ),
        "limited": start({**one(wait(60)), "TimeoutSeconds": 5}),
        "changed": client.start_execution(stateMachineArn=changed)["executionArn"],
        "express": client.start_execution(stateMachineArn=express)["executionArn"],
        "stopped": start(one(wait(60))),
    }
    this.known["activity"] = client.get_activity_task(activityArn=activities[0])["taskToken"]
    this.known["idle activity"] = activities[1]
    until(lambda: "TaskScheduled" in this.history("idle activity"))
    this.known["job"] = job["ProcessingJobName"]
    this.known["child"] = child["StateMachineArn"]
    until(lambda: all(map(this.calls, ("call", "retry", "branch", "token", "late token", "distributed"))))
    until(lambda: len(this.calls("item")) >= 2)
    until(lambda: this.bench.sagemaker.list_processing_jobs(NameContains=this.known["job"])["ProcessingJobSummaries"])
    until(lambda: "TaskFailed" in this.history("retry"))
    until(lambda: client.list_map_runs(executionArn=this.executions["distributed"])["mapRuns"])
    wait_until_saved(this.aws)
    client.update_state_machine(stateMachineArn=changed, definition=json.dumps(one({**DONE, "Result": "changed"})))
    client.stop_execution(executionArn=this.executions["stopped"], error="Enough", cause="it is late")
    this.executions["late"] = client.start_execution(stateMachineArn=late)["executionArn"]


def kill(this: Killed) -> None:
    """Kill the server, and answer a token as soon as its supervisor has started another one."""
    pid = this.aws.pids()["ministack"]
    client = this.aws.client("stepfunctions", config=Config(retries={"total_max_attempts": 1}))
    [token] = this.calls("token")
    os.kill(pid, signal.SIGKILL)
    wait_until_gone([pid])

    def answered() -> bool:
        try:
            client.send_task_success(taskToken=token, output='{"z": 3}')
        except AWAY:
            return False
        return True

    until(answered)
    this.known["back"] = time.time()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """All executions, after the kill."""
    state_dir = tmp_path_factory.mktemp("recovery") / "state"
    try:
        aws = start_local_aws(state_dir)
        s3, bucket = aws.client("s3"), f"states-{uuid.uuid4().hex}"
        s3.create_bucket(Bucket=bucket)
        bench = Bench(aws.client("sagemaker"), s3, aws.client("logs"), bucket)
        this = Killed(aws, states_of(aws), bench, tmp_path_factory.mktemp("calls"))
        this.function = this.states.function(FUNCTION)
        this.states.functions.update_function_configuration(FunctionName=this.function, Timeout=300)
        begin(this)
        kill(this)
        yield this
    finally:
        local_aws_command("reset", "--yes", state_dir=state_dir)


def test_a_wait_ends_when_it_was_to_end(killed: Killed) -> None:
    assert killed.output("wait") == {"y": 2}
    ended = killed.end("wait")
    assert (ended["stopDate"] - ended["startDate"]).total_seconds() >= 6
    assert not killed.waits_anew("wait", 6)
    assert killed.history("wait") == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "WaitStateEntered",
        "WaitStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]


def test_variables_are_kept(killed: Killed) -> None:
    assert killed.output("variables") == 2


def test_a_function_that_was_being_called_is_called_again(killed: Killed) -> None:
    assert killed.output("call") == "call"
    assert len(killed.calls("call")) == 2
    task = ["TaskStateEntered", "TaskScheduled", "TaskSucceeded", "TaskStateExited"]
    assert killed.history("call") == ["ExecutionStarted", *task, "ExecutionSucceeded"]


def test_attempts_are_counted_on(killed: Killed) -> None:
    assert killed.end("retry")["error"] == "ValueError"
    assert len(killed.calls("retry")) == 3
    attempts = ["TaskScheduled", "TaskFailed"] * 3
    assert killed.history("retry") == ["ExecutionStarted", "TaskStateEntered", *attempts, "ExecutionFailed"]


def test_a_token_is_known_at_once_and_given_once(killed: Killed) -> None:
    assert killed.output("token") == {"z": 3}
    assert len(killed.calls("token")) == 1


def test_a_timeout_counts_from_the_first_call(killed: Killed) -> None:
    assert killed.end("late token")["error"] == "States.Timeout"
    assert not killed.waits_anew("late token", 5)


def test_a_worker_of_an_activity_can_answer(killed: Killed) -> None:
    killed.states.client.send_task_success(taskToken=killed.known["activity"], output='"worked"')
    assert killed.output("activity") == "worked"


def test_a_task_that_no_worker_had_is_given_out(killed: Killed) -> None:
    task = killed.states.client.get_activity_task(activityArn=killed.known["idle activity"])
    assert json.loads(task["input"]) == {"x": 2}
    killed.states.client.send_task_failure(taskToken=task["taskToken"], error="Tired", cause="it is late")
    assert killed.end("idle activity")["error"] == "Tired"


def test_a_job_is_found_again(killed: Killed) -> None:
    job = killed.output("job")
    assert (job["ProcessingJobName"], job["ProcessingJobStatus"]) == (killed.known["job"], "Completed")
    assert killed.history("job").count("TaskScheduled") == 1


def test_an_execution_that_is_waited_for_is_found_again(killed: Killed) -> None:
    assert killed.output("nested") == {"x": 1}
    children = killed.states.client.list_executions(stateMachineArn=killed.known["child"])["executions"]
    assert [child["status"] for child in children] == ["SUCCEEDED"]


def test_each_branch_goes_on_by_itself(killed: Killed) -> None:
    assert killed.output("parallel") == ["branch", {"x": 1}]
    assert len(killed.calls("branch")) == 1


def test_each_item_goes_on_by_itself(killed: Killed) -> None:
    assert killed.output("map") == ["item"] * 3
    assert len(killed.calls("item")) == 3


def test_a_distributed_map_begins_again(killed: Killed) -> None:
    assert killed.output("distributed") == ["distributed"]
    runs = killed.states.client.list_map_runs(executionArn=killed.executions["distributed"])["mapRuns"]
    described = [killed.states.client.describe_map_run(mapRunArn=run["mapRunArn"])["status"] for run in runs]
    assert sorted(described) == ["ABORTED", "SUCCEEDED"]


def test_a_machines_time_counts_from_its_start(killed: Killed) -> None:
    assert killed.end("limited")["status"] == "TIMED_OUT"
    assert not killed.waits_anew("limited", 5)


def test_an_execution_goes_on_by_the_definition_that_it_began_with(killed: Killed) -> None:
    assert killed.output("changed") == "done"


def test_an_execution_that_was_stopped_stays_so(killed: Killed) -> None:
    stopped = killed.end("stopped")
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Enough", "it is late")
    assert killed.history("stopped")[-1] == "ExecutionAborted"


def test_an_execution_that_had_just_been_started_is_there(killed: Killed) -> None:
    assert killed.output("late") == "done"


def test_an_express_workflow_ends(killed: Killed) -> None:
    ended = killed.end("express")
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ServiceRestart")
    assert killed.history("express")[-1] == "ExecutionFailed"


def test_a_job_that_dies_with_its_server_fails_its_state(killed: Killed) -> None:
    """Last in this file: it kills SageMaker. A retrier with a name of its own for each attempt has it done again."""
    sagemaker, name = killed.bench.sagemaker, f"job-{uuid.uuid4().hex[:8]}"
    job = killed.bench.processing("import os, time; time.sleep(float(os.environ['SECONDS']))")
    job["ProcessingJobName.$"] = f"States.Format('{name}-{{}}', $$.State.RetryCount)"
    job["Environment"] = {"SECONDS.$": "States.ArrayGetItem(States.Array('60', '0'), $$.State.RetryCount)"}
    del job["ProcessingJobName"]
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    task = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync", "Parameters": job}
    killed.executions["died"] = killed.states.start(one({**task, "Retry": retry, "End": True}))
    until(
        lambda: sagemaker.list_processing_jobs(NameContains=name, StatusEquals="InProgress")["ProcessingJobSummaries"]
    )
    os.kill(killed.aws.pids()["sagemaker"], signal.SIGKILL)
    assert killed.output("died")["ProcessingJobName"] == f"{name}-1"
    died = sagemaker.describe_processing_job(ProcessingJobName=f"{name}-0")
    assert died["FailureReason"].endswith("Start the job again.")
    events = killed.states.client.get_execution_history(executionArn=killed.executions["died"])["events"]
    failures = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
    assert [failure["error"] for failure in failures] == ["States.TaskFailed"]
    assert "Start the job again." in failures[0]["cause"]
