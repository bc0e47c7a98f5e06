"""Lambda: functions that answer soon, and few that start at once."""

import importlib
import inspect
import threading
import time
from typing import Any

from localaws.errors import HookMissingError
from localaws.ministack.hook import hook, installed_version

_START_POLL_SECONDS = 0.02
_LOG_FIRST_LINE_SECONDS, _LOG_IDLE_SECONDS, _LOG_MOST_SECONDS = 0.010, 0.001, 0.250


def let_functions_answer_soon() -> None:
    """Let a Lambda function's answer wait less for the log that belongs to it.

    Hook ``ministack.core.lambda_runtime.Worker._drain_stderr_bounded``, whose defaults hold up every answer: 50 ms when
    the function printed nothing, 5 ms after its last line. A line that comes later shows with the next request's.
    """
    drain = hook("ministack.core.lambda_runtime", "Worker")._drain_stderr_bounded
    names = tuple(inspect.signature(drain).parameters)
    if names != ("self", "first_line_wait", "idle_confirm", "hard_cap"):
        raise HookMissingError(f"MiniStack {installed_version()}: Worker._drain_stderr_bounded takes {names}")
    drain.__defaults__ = (_LOG_FIRST_LINE_SECONDS, _LOG_IDLE_SECONDS, _LOG_MOST_SECONDS)


def let_few_functions_start_at_once(most: int) -> None:
    """Let at most so many environments of functions start at a time; who comes meanwhile takes the first that is free.

    A burst of requests would otherwise start an environment each, and none would get on with so many others.

    Hook ``ministack.services.lambda_svc.acquire_worker``, which leases a free environment or makes one; with
    ``max_concurrency=1`` it makes none where there is one. An environment is ``_cold`` until it runs. Nobody waits for
    one that is in use, only for those that start: a function that calls itself goes on.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    acquire = hook(functions.__name__, "acquire_worker")
    starting: list[Any] = []
    lock = threading.Lock()

    def acquire_in_turn(*arguments: Any, max_concurrency: int | None = None, **more: Any) -> Any:
        while True:
            with lock:
                starting[:] = [worker for worker in starting if worker._cold and worker.in_use]
                must_wait = max_concurrency is None and len(starting) >= most
                worker, reason = acquire(*arguments, max_concurrency=1 if must_wait else max_concurrency, **more)
                if reason == "spawn":
                    starting.append(worker)
            if worker is not None or not must_wait:
                return worker, reason
            time.sleep(_START_POLL_SECONDS)

    functions.acquire_worker = acquire_in_turn
