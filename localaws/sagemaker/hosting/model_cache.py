"""The models that one instance of a multi-model endpoint has loaded: fetched when they are first asked for, unloaded
when there is no room for another, the one that was asked for longest ago first.

The contract with the container is that of "Build Your Own Container for SageMaker AI Multi-Model Endpoints" in the
SageMaker Developer Guide: ``POST /models`` loads, ``DELETE /models/NAME`` unloads, 507 says that there is no room.
"""

import asyncio
import hashlib
import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

Ask = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Sends a method, a path and a body to the instance's server; returns the status and the body of its answer."""


class NotLoadedError(Exception):
    """The container did not load a model.

    Parameters
    ----------
    status : int
        What it answered.
    sentence : str
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class LoadedModel:
    """A model that is loaded for as long as it is used.

    Attributes
    ----------
    path : str
        Where it is invoked.
    metrics : dict of str to float
        CloudWatch's ModelCacheHit, and how long loading took.
    """

    path: str
    metrics: dict[str, float] = field(default_factory=dict)


class ModelCache:
    """The loaded models of one instance, for one event loop.

    Parameters
    ----------
    folder : Path
        What the container has as /opt/ml/models.
    fetch : callable(str, Path)
        Unpacks the target model to ``model`` in a folder; called in a thread, may raise a JobFailure.
    is_full : callable() -> bool
        Whether the container has used up its memory; called in a thread.
    keeps : bool
        Whether models stay loaded: false for ``ModelCacheSetting: Disabled``.
    """

    def __init__(
        self, folder: Path, fetch: Callable[[str, Path], None], is_full: Callable[[], bool], *, keeps: bool = True
    ) -> None:
        self._folder, self._fetch, self._is_full, self._keeps = folder, fetch, is_full, keeps
        self._loaded: dict[str, None] = {}  # the least recently used first
        self._users: Counter[str] = Counter()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __len__(self) -> int:
        return len(self._loaded)

    @asynccontextmanager
    async def use(self, ask: Ask, target_model: str) -> AsyncIterator[LoadedModel]:
        """Have a model loaded while the context lasts.

        Raises
        ------
        JobFailure
            There is no such object, or it cannot be unpacked.
        NotLoadedError
            The container refused it.
        """
        name = hashlib.sha256(target_model.encode()).hexdigest()[:32]
        model = LoadedModel(f"/models/{name}/invoke", {"ModelCacheHit": float(name in self._loaded)})
        self._users[name] += 1
        try:
            async with self._locks[name]:
                if name not in self._loaded:
                    model.metrics["ModelCacheHit"] = 0.0
                    await self._load(ask, name, target_model, model.metrics)
            self._loaded[name] = self._loaded.pop(name, None)
            yield model
        finally:
            self._users[name] -= 1
            if not self._keeps:
                await self._unload(ask, name, model.metrics)
            self._forget_unused(name)

    async def _load(self, ask: Ask, name: str, target_model: str, metrics: dict[str, float]) -> None:
        folder = self._folder / name
        started = time.monotonic()
        try:
            await asyncio.to_thread(self._fetch, target_model, folder)
            fetched = time.monotonic()
            status, answer = await self._ask_to_load(ask, name, metrics)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if status not in (HTTPStatus.OK, HTTPStatus.CONFLICT):  # a conflict: it is loaded already
            shutil.rmtree(folder, ignore_errors=True)
            raise NotLoadedError(status, answer.decode("utf-8", "replace"))
        self._loaded[name] = None
        metrics["ModelDownloadingTime"] = _microseconds(started, fetched)
        metrics["ModelLoadingTime"] = _microseconds(fetched, time.monotonic())
        metrics["ModelLoadingWaitTime"] = _microseconds(started, time.monotonic())

    async def _ask_to_load(self, ask: Ask, name: str, metrics: dict[str, float]) -> tuple[int, bytes]:
        wanted = json.dumps({"model_name": name, "url": f"/opt/ml/models/{name}/model"}).encode()
        while await asyncio.to_thread(self._is_full) and await self._unload_one(ask, metrics):
            pass
        while True:
            status, answer = await ask("POST", "/models", wanted)
            if status != HTTPStatus.INSUFFICIENT_STORAGE or not await self._unload_one(ask, metrics):
                return status, answer

    async def _unload_one(self, ask: Ask, metrics: dict[str, float]) -> bool:
        """Unload the model that was used longest ago and is not used now; return whether there was one."""
        for name in list(self._loaded):
            if await self._unload(ask, name, metrics):
                self._forget_unused(name)
                return True
        return False

    async def _unload(self, ask: Ask, name: str, metrics: dict[str, float]) -> bool:
        """Unload a model unless it is used, or was unloaded meanwhile; return whether it was."""
        if self._users[name]:
            return False
        async with self._locks[name]:
            if self._users[name] or name not in self._loaded:
                return False
            del self._loaded[name]
            started = time.monotonic()
            await ask("DELETE", f"/models/{name}", b"")
            await asyncio.to_thread(shutil.rmtree, self._folder / name, ignore_errors=True)
            metrics["ModelUnloadingTime"] = _microseconds(started, time.monotonic())
            return True

    def _forget_unused(self, name: str) -> None:
        if not self._users[name]:
            del self._users[name]
            self._locks.pop(name, None)


def _microseconds(started: float, ended: float) -> float:
    return float(round((ended - started) * 1e6))
