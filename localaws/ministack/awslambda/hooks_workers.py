"""Lambda: functions that answer soon, few that start at once, and what CloudWatch is told of them."""

import importlib
import inspect
import threading
import time
from contextvars import ContextVar
from typing import Any

from localaws.errors import HookMissingError
from localaws.ministack.awslambda.metrics import Function, FunctionMetrics
from localaws.ministack.private import hook, installed_version

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


def let_functions_be_counted(metrics: FunctionMetrics) -> None:
    """Let each invocation be counted, whoever asks for it: MiniStack counts some of those that the API asks for.

    Hooks ``ministack.services.lambda_svc``: every invocation goes through ``_acquire_execution_slot``, which gives None
    when too many run (``_inflight`` and ``_inflight_total`` say how many do), and then through
    ``_execute_function_dispatch``; ``_emit_lambda_metrics`` is MiniStack's own way to count.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    acquire = hook(functions.__name__, "_acquire_execution_slot")
    execute = hook(functions.__name__, "_execute_function_dispatch")
    for name in ("_inflight", "_inflight_total", "_emit_lambda_metrics"):
        hook(functions.__name__, name)

    def acquire_counted(function: Any, configuration: Any) -> Any:
        slot, limit = acquire(function, configuration)
        if slot is None:
            metrics.throttled(Function.of(configuration))
        else:
            running = functions._inflight.get(slot, 1)
            metrics.began(Function.of(configuration), running, functions._inflight_total)
        return slot, limit

    def execute_counted(function: Any, configuration: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        result = execute(function, configuration, *arguments)
        if result.get("throttle"):
            metrics.throttled(Function.of(configuration))
        else:
            seconds = time.perf_counter() - began
            metrics.ended(Function.of(configuration), seconds, failed=bool(result.get("error")))
        return result

    functions._acquire_execution_slot, functions._execute_function_dispatch = acquire_counted, execute_counted
    functions._emit_lambda_metrics = lambda *_arguments, **_more: None


# Stands for no destination at all: MiniStack says of an event that it gives up only where it is to go.
_NOWHERE = "arn:aws:sqs:::nowhere"


def let_events_of_functions_be_counted(metrics: FunctionMetrics) -> None:
    """Let the events be counted that functions get asynchronously, and those that are given up.

    Hooks ``ministack.services.lambda_svc``: ``invoke_async_with_retry`` takes an event, and hands one that is given up
    to ``_route_async_failure``, if the function has a destination for it. That logs what it cannot deliver; what it
    looks for are ``_get_func_record_for_ref``, ``ministack.services.sqs._queue_by_arn`` and ``...sns._topics``.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    take = hook(functions.__name__, "invoke_async_with_retry")
    route = hook(functions.__name__, "_route_async_failure")
    function_by_name = hook(functions.__name__, "_get_func_record_for_ref")
    queue_by_arn = hook("ministack.services.sqs", "_queue_by_arn")
    topics = hook("ministack.services.sns", "_topics")
    taken: ContextVar[Function] = ContextVar("taken")

    def is_there(arn: str) -> bool:
        service = arn.split(":")[2]
        if service == "lambda":
            return function_by_name(arn)[0] is not None
        return arn in topics if service == "sns" else service == "sqs" and queue_by_arn(arn) is not None

    def take_counted(record: Any, event: Any) -> None:
        configuration = record.get("config") or record
        dead_letters = configuration.get("DeadLetterConfig") or {}
        somewhere = {"DeadLetterConfig": {"TargetArn": dead_letters.get("TargetArn") or _NOWHERE}}
        function = Function.of(configuration)
        metrics.received(function)
        before = taken.set(function)
        try:  # its thread has a copy of this context
            take({**record, "config": {**configuration, **somewhere}}, event)
        finally:
            taken.reset(before)

    def route_counted(arn: str, name: str, event: Any, result: Any) -> None:
        function = taken.get()
        metrics.dropped(function)
        if arn == _NOWHERE:
            return
        if not is_there(arn):
            dead_letters = functions._functions.get(name, {}).get("config", {}).get("DeadLetterConfig") or {}
            metrics.not_delivered(function, to_destination=arn != dead_letters.get("TargetArn"))
        route(arn, name, event, result)

    functions.invoke_async_with_retry, functions._route_async_failure = take_counted, route_counted
