"""kill -9 in the middle of a stack's operations: they go on, and what the stack has is what exists."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localaws.document import Document
from localaws.ministack.cloudformation.attempts import ATTEMPT, OPERATION, Attempts
from localaws.ministack.cloudformation.operations import KEPT, Operation
from localaws.ministack.cloudformation.provisioner import generated_name
from tests.conftest import LocalAws
from tests.localaws.killed_stacks import KilledStack

STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/s/1"


def test_operations_go_on_after_a_kill(own_local_aws: Callable[[], LocalAws]) -> None:
    """Before the answer, while resources are made in four processes, and while they are deleted."""
    stack = KilledStack(own_local_aws)
    for operation, moment in (("CreateStack", 0.7), ("UpdateStack", 1.2), ("DeleteStack", 0.03)):
        stack.operate_and_be_killed(operation, moment)
        assert stack.lies() == []


@pytest.fixture
def operation() -> Document:
    """A stack under whose update there is an operation."""
    before = {"Queue": {"ResourceStatus": "CREATE_COMPLETE"}, "Topic": {"ResourceStatus": "UPDATE_COMPLETE", "n": 1}}
    stack: Document = {"StackStatus": "UPDATE_IN_PROGRESS", "_resources": dict(before)}
    options = {"is_update": True, "previous_stack": {"_resources": before}}
    Operation.begin(stack, "deployment", ({}, {}), options, "token")
    return stack


def test_a_deployment_is_done_with_what_it_has_changed(operation: Document) -> None:
    operation["_resources"]["Queue"] = {"ResourceStatus": "UPDATE_COMPLETE"}
    operation["_resources"]["Model"] = {"ResourceStatus": "UPDATE_FAILED"}
    assert list(Operation(operation[KEPT]).done(operation)) == ["Queue"]


def test_an_operation_that_ends_the_server_is_not_taken_up_for_ever(operation: Document) -> None:
    kept = Operation(operation[KEPT])
    assert [kept.may_be_taken_up() for _ in range(4)] == [True, True, False, False]


def test_an_operation_ends_only_itself(operation: Document) -> None:
    deployment = Operation(operation[KEPT])
    operation[KEPT]["DeleteOnFailure"] = True
    rollback = Operation.begin(operation, "rollback", ({"created": []},), {}, "")
    deployment.end(operation)
    assert operation[KEPT]["Kind"] == "rollback"
    assert operation[KEPT]["DeleteOnFailure"]
    rollback.end(operation)
    assert KEPT not in operation


@pytest.fixture
def in_operation() -> Iterator[Callable[[str], object]]:
    """Has what follows be a part of an operation."""
    tokens = OPERATION.set("one"), ATTEMPT.set(None)
    yield OPERATION.set
    OPERATION.reset(tokens[0])
    ATTEMPT.reset(tokens[1])


def test_an_attempt_is_known_after_a_kill_by_its_name_and_its_time(
    tmp_path: Path, in_operation: Callable[[str], object]
) -> None:
    first = Attempts(tmp_path / "attempts.sqlite")
    began = first.begin(STACK, "Model", "AWS::SageMaker::Model", {"a": 1})
    assert not began.again
    assert not first.begin(STACK, "Model", "AWS::SageMaker::Model", {"a": 1}).again
    assert not first.is_begun(STACK, "Model")
    assert first.of_stack(STACK) == []

    second = Attempts(tmp_path / "attempts.sqlite")
    [begun] = second.of_stack(STACK)
    assert (begun.resource, begun.properties) == ("Model", {"a": 1})
    assert second.is_begun(STACK, "Model")
    again = second.begin(STACK, "Model", "AWS::SageMaker::Model", {"a": 1})
    assert (again.seed, again.began, again.again) == (began.seed, began.began, True)
    assert again.has_made(time.time())
    assert not again.has_made(began.began - 2)
    assert not began.has_made(time.time())
    ATTEMPT.set(again)
    assert generated_name("s", "Model", 63) == f"s-Model-{began.seed}"

    in_operation("two")
    assert not second.begin(STACK, "Model", "AWS::SageMaker::Model", {"a": 1}).again
    second.forget("one")
    second.forget_others([STACK])
    assert [each.attempt.seed != began.seed for each in Attempts(tmp_path / "attempts.sqlite").of_stack(STACK)] == [
        True
    ]
    second.forget_others([])
    assert Attempts(tmp_path / "attempts.sqlite").of_stack(STACK) == []


def test_outside_of_an_operation_nothing_is_written_down(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "attempts.sqlite")
    attempts.begin(STACK, "Model", "AWS::SageMaker::Model", {})
    assert Attempts(tmp_path / "attempts.sqlite").of_stack(STACK) == []
