"""What goes on in a server's event loop as long as the server runs."""

import asyncio
from abc import ABC, abstractmethod


class LoopTask(ABC):
    """Begun when the server starts, and ended before it stops."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; afterwards nothing is done any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @abstractmethod
    async def _run(self) -> None:
        """Run until it is cancelled."""
