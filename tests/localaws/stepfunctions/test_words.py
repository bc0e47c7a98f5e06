"""How Step Functions writes what it is told: events in a log, members and errors as the SDK for Java has them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.model import Shape, ShapeResolver

from localaws.ministack.logs.writer import LogWriter
from localaws.ministack.stepfunctions import lambda_function, reporter, sdk
from localaws.ministack.stepfunctions.task import TaskFailed, is_since


@pytest.mark.parametrize(
    ("event_type", "levels"),
    [
        ("ExecutionStarted", {"ALL"}),
        ("ExecutionSucceeded", {"ALL"}),
        ("TaskStateEntered", {"ALL"}),
        ("TaskFailed", {"ALL", "ERROR"}),
        ("LambdaFunctionTimedOut", {"ALL", "ERROR"}),
        ("MapStateAborted", {"ALL", "ERROR"}),
        ("ExecutionFailed", {"ALL", "ERROR", "FATAL"}),
        ("ExecutionAborted", {"ALL", "ERROR", "FATAL"}),
        ("ExecutionTimedOut", {"ALL", "ERROR", "FATAL"}),
    ],
)
def test_which_level_logs_which_events(event_type: str, levels: set[str]) -> None:
    """Source: "Log levels for Step Functions execution events" in the Developer Guide."""
    assert {level for level in ("ALL", "ERROR", "FATAL", "OFF") if reporter.is_logged(level, event_type)} == levels


def test_a_line_of_the_log_has_data_only_if_it_may() -> None:
    details = {"name": "A", "input": "{}", "output": "{}"}
    event = {
        "id": 3,
        "type": "PassStateExited",
        "timestamp": "2026-01-31T12:00:00.250Z",
        "stateExitedEventDetails": details,
    }
    line = {
        "id": "3",
        "type": "PassStateExited",
        "details": {"name": "A"},
        "previous_event_id": "2",
        "event_timestamp": "1769860800250",
        "execution_arn": "arn",
    }
    assert reporter.log_line("arn", event, with_data=False) == line
    assert reporter.log_line("arn", event, with_data=True) == {**line, "details": details}
    del event["stateExitedEventDetails"]
    assert reporter.log_line("arn", event, with_data=True)["details"] == {}


class Counted:
    """CloudWatch, as far as values go to it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, Any, Any]] = []

    def add(self, namespace: Any, dimensions: Any, values: Any) -> None:
        self.told.append((namespace.name, dimensions, values))


@pytest.mark.parametrize(
    ("status", "metric"),
    [
        ("RUNNING", "ExecutionsStarted"),
        ("SUCCEEDED", "ExecutionsSucceeded"),
        ("FAILED", "ExecutionsFailed"),
        ("TIMED_OUT", "ExecutionsTimedOut"),
        ("ABORTED", "ExecutionsAborted"),
    ],
)
def test_what_becomes_of_an_execution_is_counted(status: str, metric: str) -> None:
    """Source: "Execution metrics" in the Developer Guide."""
    execution = {"status": status, "stateMachineArn": "m", "startDate": "2026-01-31T12:00:00Z"}
    if status != "RUNNING":
        execution["stopDate"] = "2026-01-31T12:00:01.5Z"
    counted = Counted()
    reporter.ExecutionReporter(LogWriter(lambda _: None), counted).status(execution)
    time = {} if status == "RUNNING" else {"ExecutionTime": 1500.0}
    assert counted.told == [("AWS/States", (("StateMachineArn", "m"),), {metric: 1.0, **time})]
    assert set(time) | {metric} <= set(reporter.STATES.metrics)


@pytest.mark.parametrize(
    ("name", "told"),
    [("ModelName", "ModelName"), ("DBName", "DbName"), ("S3Uri", "S3Uri"), ("ARN", "Arn"), ("VPCId", "VpcId")],
)
def test_members_begin_with_one_capital(name: str, told: str) -> None:
    assert sdk.member_name(name) == told


@pytest.mark.parametrize("code", ["ResourceInUse", "ResourceInUseFault", "ResourceInUseException"])
def test_an_error_is_an_exception(code: str) -> None:
    assert sdk.exception_name(code) == "ResourceInUseException"


def shape() -> Shape:
    """A structure with a list, a map and bytes of structures in it."""
    return ShapeResolver(
        {
            "Whole": {
                "type": "structure",
                "members": {"DBParts": {"shape": "List"}, "ByName": {"shape": "Map"}, "Body": {"shape": "Bytes"}},
            },
            "List": {"type": "list", "member": {"shape": "Part"}},
            "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Part"}},
            "Part": {"type": "structure", "members": {"DBName": {"shape": "Text"}}},
            "Text": {"type": "string"},
            "Bytes": {"type": "blob"},
        }
    ).get_shape_by_name("Whole")


def test_names_are_changed_at_every_depth_and_back() -> None:
    of_java: dict[str, Any] = {"DbParts": [{"DbName": "a"}], "ByName": {"DBName": {"DbName": "b"}}, "Body": "c"}
    of_api = {"DBParts": [{"DBName": "a"}], "ByName": {"DBName": {"DBName": "b"}}, "Body": b"c"}
    assert sdk._named(shape(), of_java) == of_api
    assert sdk._named(shape(), {"Body": {"x": 1}}) == {"Body": b'{"x": 1}'}
    assert sdk._shown(shape(), of_api) == of_java


class Functions:
    """Lambda, which answers as it is told."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self._answer = answer

    def invoke(self, **_arguments: object) -> dict[str, Any]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Payload:
    """What a function returned."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


def refused(status: int) -> ClientError:
    answer = {"Error": {"Code": "CodeStorageExceededException"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Invoke")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(400), "Lambda.CodeStorageExceededException"),
        (refused(500), "Lambda.ServiceException"),
        (NoCredentialsError(), "Lambda.SdkClientException"),
        ({"FunctionError": "Unhandled", "Payload": Payload(b'{"errorType": "KeyError"}')}, "KeyError"),
        ({"FunctionError": "Unhandled", "Payload": Payload(b"killed")}, "Lambda.Unknown"),
        ({"FunctionError": "Unhandled", "Payload": Payload(b"[]")}, "Lambda.Unknown"),
    ],
)
def test_how_a_function_fails_its_state(answer: dict[str, Any] | Exception, error: str) -> None:
    with pytest.raises(TaskFailed) as failed:
        lambda_function.invoke(lambda _: Functions(answer), "f", {})
    assert failed.value.error == error


def test_a_function_that_returns_nothing() -> None:
    assert lambda_function.invoke(lambda _: Functions({"Payload": Payload(b"")}), "f", {}) is None


def test_a_moment_is_in_whole_milliseconds() -> None:
    assert is_since(1769860800.2509, "2026-01-31T12:00:00.250Z")
    assert not is_since(1769860800.2510, "2026-01-31T12:00:00.250Z")
