"""What happens in MiniStack's process once a second: metrics are published, and alarms decided by them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from localaws.ministack.loop_task import LoopTask

logger = logging.getLogger(__name__)

_TICK_SECONDS = 1.0


class Clock(LoopTask):
    """Decides all alarms once a second, after new data were published: data that stay away change an alarm too.

    Parameters
    ----------
    publish, decide : callable() -> awaitable
    """

    def __init__(self, publish: Callable[[], Awaitable[None]], decide: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._publish, self._decide = publish, decide

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            try:
                await self._publish()
            except Exception:  # the alarms go on without what it was
                logger.exception("The metrics of services were not published")
            try:
                await self._decide()
            except Exception:
                logger.exception("The alarms were not decided")
