"""What a plan says, decided without AWS."""

from datetime import UTC, datetime

import pytest

from deploy import plan
from deploy.stacks import Request, Stack

TEMPLATE = "Resources:\n  A: 1\n"


def stack(status: str = "CREATE_COMPLETE", **parameters: str) -> Stack:
    return Stack("mine", "arn:mine", status, "", parameters, {}, {"team": "ml"}, datetime.now(UTC))


def request(template: str = TEMPLATE, **parameters: str) -> Request:
    return Request("mine", template, None, parameters, {"team": "ml"})


def test_the_same_again_is_no_change():
    found = plan.compare(stack(Count="1"), TEMPLATE, request(Count="1"), {})
    assert found.is_empty
    assert list(plan.lines(found)) == ["mine: no change"]


@pytest.mark.parametrize("before", [None, stack("ROLLBACK_COMPLETE", Count="1")])
def test_what_is_not_there_would_be_created(before: Stack | None):
    found = plan.compare(before, "", request(Count="1"), {})
    assert next(iter(plan.lines(found))) == "mine: would be created"
    assert not found.is_empty


def test_a_parameter_that_changes_is_shown_with_both_values():
    found = plan.compare(stack(Count="1", Type="a"), TEMPLATE, request(Count="2", Type="a"), {})
    assert found.parameters == {"Count": ("1", "2")}
    assert [line.split() for line in plan.lines(found)][1] == ["Count", "1", "->", "2"]


def test_a_parameter_that_is_left_out_goes_back_to_its_default():
    found = plan.compare(stack(Weight="10"), TEMPLATE, request(), {"Weight": "0"})
    assert found.parameters == {"Weight": ("10", "0")}


def test_lines_of_the_template_are_counted():
    found = plan.compare(stack(), TEMPLATE, request("Resources:\n  A: 2\n  B: 1\n"), {})
    assert (found.added_lines, found.removed_lines) == (2, 1)


def test_a_tag_is_a_change():
    found = plan.compare(stack(), TEMPLATE, Request("mine", TEMPLATE, None, {}, {"team": "x"}), {})
    assert found.tags == {"team": ("ml", "x")}
