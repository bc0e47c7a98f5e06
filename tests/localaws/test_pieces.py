"""What is large is done in a thread while the event loop goes on, by code that cannot wait for it."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from localaws.ministack.http.hooks_models import remembered
from localaws.ministack.pieces import elsewhere, in_pieces
from localaws.ministack.s3.hooks_large import KeysAtWork
from localaws.ministack.s3.hooks_lists import page

said: ContextVar[str] = ContextVar("said", default="")


def test_the_loop_goes_on_while_work_is_elsewhere() -> None:
    async def both() -> tuple[str, bool]:
        going_on = threading.Event()

        def synchronous() -> str:
            return "went on" if elsewhere(lambda: going_on.wait(20)) else "stood still"

        async def request() -> str:
            await asyncio.sleep(0)
            return synchronous()

        task = asyncio.ensure_future(in_pieces(request()))
        await asyncio.sleep(0.05)
        going_on.set()
        return await task, threading.current_thread() is threading.main_thread()

    assert asyncio.run(both()) == ("went on", True)


def test_results_errors_and_context_are_as_without() -> None:
    def fail() -> None:
        raise KeyError("work")

    async def request() -> list[Any]:
        said.set("before")
        found: list[Any] = [elsewhere(said.get), threading.get_ident() == elsewhere(threading.get_ident)]
        with pytest.raises(KeyError, match="work"):
            elsewhere(fail)
        await asyncio.sleep(0)
        return [*found, said.get()]

    async def run() -> tuple[list[Any], str]:
        return await in_pieces(request()), said.get()

    assert asyncio.run(run()) == (["before", False, "before"], "before")


def test_an_error_of_the_request_is_the_callers() -> None:
    async def request() -> None:
        elsewhere(int)
        raise ValueError("request")

    async def run() -> None:
        await in_pieces(request())

    with pytest.raises(ValueError, match="request"):
        asyncio.run(run())


def test_a_cancelled_request_ends() -> None:
    ended: list[str] = []

    async def request() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("ended")

    async def run() -> None:
        task = asyncio.ensure_future(in_pieces(request()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert ended == ["ended"]


def test_outside_of_a_request_work_is_just_done() -> None:
    assert elsewhere(lambda: 3) == 3


def test_what_is_found_elsewhere_is_remembered() -> None:
    asked: list[str] = []

    def find(name: str) -> int:
        asked.append(name)
        return len(name)

    found = remembered(find)
    assert [found("one"), found("three"), found("one")] == [3, 5, 3]
    assert asked == ["one", "three"]


def test_changes_of_one_key_follow_each_other() -> None:
    async def run() -> list[str]:
        at_work, order = KeysAtWork(), []

        async def change(bucket: str, key: str, name: str, seconds: float) -> None:
            async with at_work.changing(bucket, key):
                order.append(f"{name} begins")
                await asyncio.sleep(seconds)
                order.append(f"{name} ends")

        first = asyncio.ensure_future(change("b", "k", "first", 0.2))
        await asyncio.sleep(0.01)
        await asyncio.gather(
            first,
            change("b", "k", "second", 0),
            change("b", "other", "third", 0),
            change("b", "", "all", 0),
        )
        return order

    order = asyncio.run(run())
    assert order[:4] == ["first begins", "third begins", "third ends", "first ends"]
    assert sorted(order[4:]) == ["all begins", "all ends", "second begins", "second ends"]


def test_a_page_of_a_list_is_the_smallest_after_the_last() -> None:
    keys = ["b/2", "a", "b/1", "c/x/1", "c", "b/3", "d"]
    assert page(keys, "", "", 3, "") == (["a", "b/1", "b/2"], [], True, "b/2")
    assert page(keys, "", "", 9, "b/2") == (["b/3", "c", "c/x/1", "d"], [], False, "d")
    assert page(keys, "", "/", 2, "") == (["a"], ["b/"], True, "b/")
    assert page(keys, "", "/", 9, "b/") == (["c", "d"], ["c/"], False, "d")
    assert page(keys, "c/", "/", 9, "") == ([], ["c/x/"], False, "c/x/")
    assert page(keys, "zz", "/", 9, "") == ([], [], False, "")
    assert page(keys, "", "", 0, "") == ([], [], True, "")
