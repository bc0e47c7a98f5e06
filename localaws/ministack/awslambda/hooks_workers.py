"""Lambda: few functions that start at once, and errors that say what was raised."""

import importlib
import threading
import time
from contextvars import ContextVar
from typing import Any

from localaws.errors import HookMissingError
from localaws.ministack.private import installed_version, private

_START_POLL_SECONDS = 0.02


def limit_concurrent_starts(most: int) -> None:
    """Start at most so many execution environments at a time; other requests take the first that becomes free.

    A burst of requests would otherwise start an environment each, and all would be slow.

    Hook ``ministack.services.lambda_svc.acquire_worker``, which leases a free environment or makes one; with
    ``max_concurrency=1`` it makes none where there is one. An environment is ``_cold`` until it runs. No request waits
    for one that is in use, only for those that start: a function that calls itself goes on.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    acquire = private(functions.__name__, "acquire_worker")
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


def report_exception_class() -> None:
    """Report what a Python function raises as Lambda does: class, message and stack.

    Hooks ``ministack.core.lambda_runtime``: ``_PYTHON_WORKER_SCRIPT`` runs the function and writes its answers,
    ``Worker.invoke`` reads them; and ``ministack.services.lambda_svc._execute_function_warm``, which makes an error of
    them that is called Runtime.HandlerError, whatever was raised.
    """
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    lambda_service: Any = importlib.import_module("ministack.services.lambda_svc")
    execute = private(lambda_service.__name__, "_execute_function_warm")
    worker, script = private(runtime.__name__, "Worker"), private(runtime.__name__, "_PYTHON_WORKER_SCRIPT")
    invoke, said = worker.invoke, '"trace": traceback.format_exc()}'
    if script.count(said) != 1:
        raise HookMissingError(f"MiniStack {installed_version()}: the Python worker does not write {said}")
    more = '"type": type(e).__name__, "stack": traceback.format_tb(e.__traceback__)[1:]}'
    runtime._PYTHON_WORKER_SCRIPT = script.replace(said, f"{said[:-1]}, {more}")
    answered: ContextVar[dict[str, Any]] = ContextVar("answered")

    def invoke_seen(self: Any, *arguments: Any, **more: Any) -> Any:
        answer = invoke(self, *arguments, **more)
        answered.set(answer)
        return answer

    def execute_named(function: Any, event: Any, request_id: str) -> Any:
        answered.set({})
        result, answer = execute(function, event, request_id), answered.get()
        if result.get("error") and "type" in answer:
            result["body"] |= {"errorType": answer["type"], "requestId": request_id, "stackTrace": answer["stack"]}
        return result

    worker.invoke, lambda_service._execute_function_warm = invoke_seen, execute_named
