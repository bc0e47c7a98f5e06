"""Which steps begin, and how an execution ends: pure decisions."""

from localaws.sagemaker.pipelines.definition import Definition, Step
from localaws.sagemaker.pipelines.next_steps import Outcome, final_status, plan

OK, FAILED, STOPPED, OVER = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.STOPPED, Outcome.PASSED_OVER


def definition(**needs: dict[str, str]) -> Definition:
    return Definition({}, {name: Step(name, "Fail", {}, {}, before) for name, before in needs.items()})


def names(definition: Definition, outcomes: dict[str, Outcome], begun: tuple[str, ...] = ()) -> list[str]:
    return [step.name for step in plan(definition, outcomes, {}, set(begun)).ready]


CHAIN = definition(a={}, b={"a": "Completed"}, c={"b": "Completed"}, free={})


def test_a_step_begins_when_all_that_it_needs_has_succeeded() -> None:
    assert names(CHAIN, {}) == ["a", "free"]
    assert names(CHAIN, {}, ("a", "free")) == []
    assert names(CHAIN, {"a": OK}, ("free",)) == ["b"]


def test_after_a_failure_nothing_new_begins() -> None:
    assert names(CHAIN, {"a": FAILED}) == []
    assert plan(CHAIN, {"a": FAILED}, {}, set()).passed_over == ["b", "c"]


ANSWERED = definition(
    train={},
    notify={"train": "Failed"},
    clean={"notify": "Completed"},
    serve={"train": "Completed"},
    last={"train": "Any"},
)


def test_a_trigger_lets_a_step_run_after_a_failure_and_what_follows_from_it() -> None:
    assert names(ANSWERED, {"train": FAILED}) == ["notify", "last"]
    assert names(ANSWERED, {"train": FAILED, "notify": OK, "serve": OVER}, ("last",)) == ["clean"]
    after_success = plan(ANSWERED, {"train": OK}, {}, set())
    assert [step.name for step in after_success.ready] == ["serve", "last"]
    assert after_success.passed_over == ["notify", "clean"]


def test_a_branch_that_was_not_taken_is_passed_over_with_what_follows() -> None:
    steps = {
        "check": Step("check", "Condition", {}, {}),
        "yes": Step("yes", "Fail", {}, {}, {"check": "Completed"}, ("check", True)),
        "no": Step("no", "Fail", {}, {}, {"check": "Completed"}, ("check", False)),
        "after": Step("after", "Fail", {}, {}, {"no": "Completed"}),
    }
    now = plan(Definition({}, steps), {"check": OK}, {"check": True}, set())
    assert [step.name for step in now.ready] == ["yes"]
    assert now.passed_over == ["no", "after"]


def test_the_final_status() -> None:
    assert final_status(CHAIN, dict.fromkeys(CHAIN.steps, OK), stopped=False) == "Succeeded"
    assert final_status(CHAIN, {"a": OK, "b": STOPPED}, stopped=True) == "Stopped"
    assert final_status(CHAIN, {"a": OK, "b": STOPPED, "c": OVER}, stopped=False) == "Stopped"  # its job was stopped
    assert final_status(CHAIN, {"a": FAILED, "free": OK}, stopped=False) == "Failed"
    assert final_status(ANSWERED, {"train": FAILED, "notify": OK}, stopped=False) == "CompletedWithFailures"
    assert final_status(ANSWERED, {"train": FAILED, "notify": FAILED}, stopped=False) == "Failed"


def test_what_lies_before_a_step() -> None:
    assert CHAIN.before({"b"}) == {"a", "b"}
    assert CHAIN.before({"c", "free"}) == {"a", "b", "c", "free"}
