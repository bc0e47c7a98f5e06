"""Environments of functions: how many stay warm, and what of their output is kept."""

import base64
import io
import json
import os
import queue
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from localaws.containers.memory import family
from localaws.ministack.awslambda.hooks_logs import Lines
from localaws.ministack.awslambda.hooks_warm import Idle, superfluous
from localaws.settings import warm_functions
from tests.conftest import LocalAws, local_aws_command, start_local_aws, until

FUNCTION = """
import os

def f(event, context):
    if event.get("print"):
        line = "x" * 99 + "\\n"
        for _ in range(event["print"]):
            os.write(2, line.encode())
    if event.get("bytes"):
        os.write(2, b"\\xff\\xfe\\n" + b"y" * 300_000 + b"\\n")
    return os.getpid()
"""


@pytest.fixture(scope="module")
def frugal_local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One that keeps two functions warm."""
    state_dir = tmp_path_factory.mktemp("frugal") / "state"
    try:
        with mock.patch.dict(os.environ, {"LOCALAWS_WARM_FUNCTIONS": "2"}):
            started = start_local_aws(state_dir)
        yield started
    finally:
        local_aws_command("reset", "--yes", state_dir=state_dir)


def make_function(aws: LocalAws, code: str = FUNCTION, runtime: str = "python3.12") -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py" if runtime.startswith("python") else "f.js", code)
    name = f"w-{uuid.uuid4().hex[:8]}"
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="f.f",
        Role="arn:aws:iam::000000000000:role/f",
        Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )
    return name


def invoke(aws: LocalAws, name: str, event: Any = None) -> Any:
    return json.loads(aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))["Payload"].read())


def test_hook_the_least_recently_used_function_goes(frugal_local_aws: LocalAws) -> None:
    """`limit_warm_workers`."""
    aws = frugal_local_aws
    one, two, three = (make_function(aws) for _ in range(3))
    first, second = invoke(aws, one), invoke(aws, two)
    assert invoke(aws, one) == first, "it is warm"
    third = invoke(aws, three)
    server = aws.pids()["ministack"]
    until(lambda: second not in family(server))
    assert (invoke(aws, one), invoke(aws, three)) == (first, third)
    assert invoke(aws, two) != second


def test_as_many_go_as_are_too_many_or_too_large() -> None:
    idle = [Idle(last_used, 100, name) for last_used, name in ((3.0, "c"), (1.0, "a"), (2.0, "b"))]
    assert superfluous(idle, [100], most=4, most_bytes=400) == []
    assert [each.worker for each in superfluous(idle, [100], most=3, most_bytes=400)] == ["a"]
    assert [each.worker for each in superfluous(idle, [100], most=4, most_bytes=250)] == ["a", "b"]
    assert len(superfluous(idle, [900], most=1, most_bytes=1)) == 3, "what is in use stays"


def test_the_limits_are_numbers() -> None:
    assert warm_functions({}) == (24, 1024)
    assert warm_functions({"LOCALAWS_WARM_FUNCTIONS": "3", "LOCALAWS_WARM_FUNCTIONS_MB": "200"}) == (3, 200)


def test_lines_over_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localaws.ministack.awslambda.hooks_logs._MOST_BYTES", 500)
    lines = Lines()
    while not lines.is_full:
        lines.put("x" * 36)
    lines.leave_out(7)
    taken = [lines.get_nowait() for _ in range(7)]
    assert taken[:6] == ["x" * 36] * 6
    assert "7 lines are left out here" in taken[6]
    with pytest.raises(queue.Empty):
        lines.get_nowait()


def test_hook_a_function_that_prints_without_end_costs_bounded_memory(local_aws: LocalAws) -> None:
    """`limit_output`: of 60 MB in 600,000 lines a part is kept, and the function goes on."""
    name, server = make_function(local_aws), local_aws.pids()["ministack"]

    def resident() -> int:
        return int(Path(f"/proc/{server}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    invoke(local_aws, name)
    before, began = resident(), time.monotonic()
    assert isinstance(invoke(local_aws, name, {"print": 600_000}), int)
    assert time.monotonic() - began < 60
    assert resident() - before < 400 * 1024**2


def test_hook_what_a_function_prints_need_not_be_text(local_aws: LocalAws) -> None:
    """`limit_output`: MiniStack's reader ends at such bytes, and the function waits for ever at a full pipe."""
    name = make_function(local_aws)
    for _ in range(3):
        assert isinstance(invoke(local_aws, name, {"bytes": True}), int)


PYTHON_TALKS = "def f(event, context):\n    print(event, end='')\n    1 / event\n"
NODE_TALKS = (
    """exports.f = async event => { process.stdout.write(String(event)); if (!event) throw new Error("0"); };"""
)


@pytest.mark.parametrize(("code", "runtime"), [(PYTHON_TALKS, "python3.12"), (NODE_TALKS, "nodejs20.x")])
def test_hook_the_log_of_an_invocation_is_whole_when_it_answers(local_aws: LocalAws, code: str, runtime: str) -> None:
    """`end_logs_with_answers`: what is printed last, be it no whole line, does not wait for the next invocation."""
    name, client = make_function(local_aws, code, runtime), local_aws.client("lambda")
    for number in (1, 2, 0, 3):
        answer = client.invoke(FunctionName=name, Payload=str(number), LogType="Tail")
        assert ("FunctionError" in answer) == (number == 0)
        log = base64.b64decode(answer["LogResult"]).decode().splitlines()
        assert str(number) in log
        assert not {"1", "2", "0", "3"}.difference({str(number)}).intersection(log), "it is another's"
        assert not any("END" in line and not line.startswith("END RequestId: ") for line in log)
