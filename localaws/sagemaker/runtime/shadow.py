"""Shadow variants: a copy of a request goes to the variant that is tried out, after the caller has its answer.

What the shadow answers is captured and measured under its own name and never returned; that it fails, is slow or is
not there is its own matter. So that a slow shadow cannot pile up requests, at most `_MOST_AT_ONCE` are under way, and
those beyond are left out.
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
        Sends the invocation's request to another variant; the invocation that this is.
    answered : callable(Invocation)
        Gets what a shadow has answered.
    """

    def __init__(self, invoke: Invoke, answered: Callable[[Invocation], None]) -> None:
        self._invoke, self._answered = invoke, answered
        self._under_way: set[asyncio.Task[None]] = set()

    def follow(self, invocation: Invocation) -> None:
        """Repeat an invocation at the shadows of its fleet that are to see it. Returns at once."""
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
    """AWS sends a shadow this share: its weight, as a part of the weight of the production variant beside it."""
    production = invocation.variant.weight
    share = shadow.weight / production if production else shadow.weight
    return random.random() < share  # noqa: S311 - a sample, no secret
