"""The order of the hooks into MiniStack: what `after` says, and that it says enough."""

import json
import subprocess
import sys
from collections import defaultdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from localaws.ministack.hook import Hook, HookOrderError, in_order, install


def first() -> None:
    """Do nothing."""


def second() -> None:
    """Do nothing."""


def third(_what: str) -> None:
    """Do nothing."""


def names(*hooks: Hook) -> list[str]:
    return [hook.name for hook in in_order(hooks)]


def test_a_hook_comes_after_those_that_it_names() -> None:
    last = Hook("s", partial(third, "x"), after=("second",))
    middle = Hook("s", second, after=("first",))
    assert names(last, middle, Hook("s", first)) == ["first", "second", "third"]
    assert names(Hook("s", first), last, middle) == ["first", "second", "third"]


def test_a_hook_that_is_named_and_missing_is_an_error() -> None:
    with pytest.raises(HookOrderError, match="second is to come after frist: there is no such hook"):
        names(Hook("s", first), Hook("s", second, after=("frist",)))


def test_hooks_in_a_circle_are_an_error() -> None:
    with pytest.raises(HookOrderError, match=r"come after the next: (first <- second|second <- first)"):
        names(Hook("s", first, after=("second",)), Hook("s", second, after=("first",)))


def test_two_hooks_of_one_name_are_an_error() -> None:
    with pytest.raises(HookOrderError, match="More than one hook is called first"):
        names(Hook("s", first), Hook("t", first))


def test_each_hook_is_installed_once_and_in_order() -> None:
    installed: list[str] = []

    def outer() -> None:
        installed.append("outer")

    def inner() -> None:
        installed.append("inner")

    install([Hook("s", outer, after=("inner",)), Hook("s", inner)])
    assert installed == ["inner", "outer"]


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `tests.localaws.replaced` says of the hooks."""
    command = [sys.executable, "-m", "tests.localaws.replaced", str(tmp_path_factory.mktemp("replaced"))]
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_each_hook_changes_something_and_lies_in_the_folder_of_its_service(hooks: list[dict[str, Any]]) -> None:
    others = {"check_schedules_every_second", "describe_types"}  # one replaces a number, one adds
    assert [hook["name"] for hook in hooks if not hook["replaced"] and hook["name"] not in others] == []
    prefix = "localaws.ministack"
    wrong = [hook for hook in hooks if not hook["module"].startswith(f"{prefix}.{hook['service']}.hooks_")]
    assert wrong == []


def test_of_two_hooks_that_replace_one_function_one_is_after_the_other(hooks: list[dict[str, Any]]) -> None:
    after = {hook["name"]: set(hook["after"]) for hook in hooks}
    for hook in hooks:  # in the order of installation, so what is before is complete
        after[hook["name"]] |= {earlier for name in hook["after"] for earlier in after[name]}
    replaced: dict[str, list[str]] = defaultdict(list)
    for hook in hooks:
        for name in hook["replaced"]:
            replaced[name].append(hook["name"])
    shared = {name: by for name, by in replaced.items() if len(by) > 1}
    assert "ministack.services.stepfunctions._add_event" in shared
    wrong = {
        name: (inner, outer)
        for name, by in shared.items()
        for inner, outer in pairwise(by)
        if inner not in after[outer]
    }
    assert wrong == {}
