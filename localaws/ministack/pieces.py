"""Work in proportion to a body, done in a thread while the event loop goes on, from code that cannot wait for it.

MiniStack answers a request in the event loop, in functions that hash, copy, read and write whole objects and cannot
``await``. `in_pieces` runs such a request in greenlets: where one of its functions calls `elsewhere`, the greenlet is
left, the work is done in a thread, and the greenlet goes on with the result. All of MiniStack's own code still runs in
the event loop's thread, one request at a time; others come in between only where `elsewhere` is called.

(SQLAlchemy runs its synchronous core under asyncio in the same way.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

LARGE_BYTES = 1024 * 1024
"""What is smaller is done at once: a thread costs more."""


def elsewhere(work: Callable[[], T]) -> T:
    """Return the result of a function that runs in a thread; outside of `in_pieces`, just call it."""
    step = getcurrent()
    if not isinstance(step, _Step):
        return work()
    result: T = step.parent.switch(work)
    return result


class in_pieces(Awaitable[Any]):  # noqa: N801 - used as a function
    """Await something whose functions may call `elsewhere`.

    Parameters
    ----------
    work : awaitable
    """

    def __init__(self, work: Awaitable[Any]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run each step, from one ``await`` to the next, in a greenlet."""
        steps: Any = self._work.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            step = _Step(steps.send if error is None else steps.throw)
            step.gr_context = getcurrent().gr_context
            try:
                outcome = step.switch(value if error is None else error)
                while not step.dead:
                    try:
                        result = yield from asyncio.to_thread(outcome).__await__()
                    except BaseException as failure:
                        outcome = step.throw(failure)
                    else:
                        outcome = step.switch(result)
            except StopIteration as end:
                return end.value
            try:
                value, error = (yield outcome), None
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as raised:
                value, error = None, raised


class _Step(greenlet):  # type: ignore[misc]
    """A step of a coroutine."""
