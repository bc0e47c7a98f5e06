"""Lambda: what CloudWatch is told of functions."""

import importlib
import time
from contextvars import ContextVar
from typing import Any

from localaws.ministack.awslambda.metrics import Function, FunctionMetrics
from localaws.ministack.private import private


def count_invocations(metrics: FunctionMetrics) -> None:
    """Count every invocation, from whatever source: MiniStack counts only some of those that come by the API.

    Hooks ``ministack.services.lambda_svc``: every invocation goes through ``_acquire_execution_slot``, which gives None
    when too many run (``_inflight`` and ``_inflight_total`` say how many do), and then through
    ``_execute_function_dispatch``; ``_emit_lambda_metrics`` is MiniStack's own way to count.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    acquire = private(functions.__name__, "_acquire_execution_slot")
    execute = private(functions.__name__, "_execute_function_dispatch")
    for name in ("_inflight", "_inflight_total", "_emit_lambda_metrics"):
        private(functions.__name__, name)

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


def count_asynchronous_events(metrics: FunctionMetrics) -> None:
    """Count the events that functions receive asynchronously, and those that are dropped.

    Hooks ``ministack.services.lambda_svc``: ``invoke_async_with_retry`` takes an event, and hands one that is given up
    to ``_route_async_failure``, if the function has a destination for it. That logs what it cannot deliver; what it
    looks for are ``_get_func_record_for_ref``, ``ministack.services.sqs._queue_by_arn`` and ``...sns._topics``.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    take = private(functions.__name__, "invoke_async_with_retry")
    route = private(functions.__name__, "_route_async_failure")
    function_by_name = private(functions.__name__, "_get_func_record_for_ref")
    queue_by_arn = private("ministack.services.sqs", "_queue_by_arn")
    topics = private("ministack.services.sns", "_topics")
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
