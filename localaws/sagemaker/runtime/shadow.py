"""Shadow variants: a copy of a request goes to the shadow variant once the caller has its answer.

A shadow's answer is captured and measured under its own name and never returned; a shadow that fails, is slow or has
no instances does not affect the caller. So that a slow shadow cannot pile up requests, at most `_MOST_AT_ONCE` are
under way, and any others are dropped.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from localaws.sagemaker.hosting.routes import Variant
from localaws.sagemaker.runtime.invocation import Invocation

logger = logging.getLogger(__name__)

Invoke = Callable[[Invocation, Variant], Awaitable[Invocation]]

_MOST_AT_ONCE = 64


class Shadows:
    """Repeats invocations at shadow variants.

    Parameters
    ----------
    invoke : callable(Invocation, Variant)
        Sends the invocation's request to another variant; returns the resulting invocation.
    answered : callable(Invocation)
        Called with each invocation of a shadow.
    """

    def __init__(self, invoke: Invoke, answered: Callable[[Invocation], None]) -> None:
        self._invoke, self._answered = invoke, answered
        self._under_way: set[asyncio.Task[None]] = set()

    def follow(self, invocation: Invocation) -> None:
        """Repeat an invocation at those shadows of its fleet that sample it. Returns immediately."""
        for shadow in invocation.fleet.shadows:
            if len(self._under_way) < _MOST_AT_ONCE and _is_sampled(invocation, shadow):
                task = asyncio.get_running_loop().create_task(self._repeat(invocation, shadow))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _repeat(self, invocation: Invocation, shadow: Variant) -> None:
        try:
            self._answered(await self._invoke(invocation, shadow))
        except Exception as error:
            logger.info("Shadow variant %s of %s: %s", shadow.name, invocation.route.endpoint_name, error)


def _is_sampled(invocation: Invocation, shadow: Variant) -> bool:
    """Return whether to repeat it: AWS's share is a shadow's weight as a part of its production variant's weight."""
    production = invocation.variant.weight
    share = shadow.weight / production if production else shadow.weight
    return random.random() < share  # noqa: S311 - a sample, no secret
