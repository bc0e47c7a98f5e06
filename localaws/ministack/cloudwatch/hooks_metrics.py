"""CloudWatch: metric data are in a store of ours."""

import importlib
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from localaws.ministack.cloudwatch.data.aggregate import single
from localaws.ministack.cloudwatch.data.metric import Datum, Metric, Scope, sorted_dimensions
from localaws.ministack.cloudwatch.data.operations import MetricOperations
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.wire import Request
from localaws.ministack.private import private


def current_scope() -> Callable[[], Scope]:
    """Return a function that says in which account and region something is being done.

    It uses ``ministack.core.responses.get_account_id`` and ``get_region``.
    """
    account = private("ministack.core.responses", "get_account_id")
    region = private("ministack.core.responses", "get_region")
    return lambda: Scope(account(), region())


def answer_metric_data(recorder: Recorder) -> None:
    """Answer what is about metric data ourselves, so that none are in MiniStack's memory or in its state.

    Hook ``ministack.services.cloudwatch.handle_request``, which every request comes through. What it leaves to
    MiniStack are alarms, dashboards and tags.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    handle, scope = private(cloudwatch.__name__, "handle_request"), current_scope()
    operations = MetricOperations(recorder)

    async def handle_or_answer(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        answer = await operations.answer(scope(), Request(path, headers, body, query_params))
        return await handle(method, path, headers, body, query_params) if answer is None else answer

    cloudwatch.handle_request = handle_or_answer


def record_in_store(recorder: Recorder) -> None:
    """Keep what MiniStack's services count, and forget everything when MiniStack does.

    Hooks ``ministack.services.cloudwatch.record_metric``, ``reset``, and ``load_persisted_state``: a state of an
    earlier version has data, which are dropped.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    load, reset = private(cloudwatch.__name__, "load_persisted_state"), private(cloudwatch.__name__, "reset")
    scope = current_scope()
    private(cloudwatch.__name__, "record_metric")

    def record(
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        metric = Metric(scope(), namespace, metric_name, sorted_dimensions(list((dimensions or {}).items())))
        recorder.put([Datum(metric, int(time.time() * 1000), single(float(value), 1.0), unit)])

    def reset_all() -> None:
        reset()
        recorder.clear()

    cloudwatch.record_metric, cloudwatch.reset = record, reset_all
    cloudwatch.load_persisted_state = lambda data: load({**(data or {}), "metrics": {}})


_MOST_INFLATED_BYTES = 16 << 20


def inflate_within_bounds() -> None:
    """Inflate a compressed body, as boto3 sends with PutMetricData, to 16 MB at most; what is larger cannot be read.

    Hook ``ministack.app._decompress_request_body``, which inflates whatever comes, in the event loop.
    """
    app: Any = importlib.import_module("ministack.app")
    private(app.__name__, "_decompress_request_body")

    def inflate(body: bytes, headers: dict[str, str]) -> bytes:
        encodings = [each.strip() for each in headers.get("content-encoding", "").split(",") if each.strip()]
        left = [each for each in encodings if each.lower() != "gzip"]
        if left == encodings or (inflated := _inflated(body)) is None:
            return body
        headers.pop("content-encoding")
        if left:
            headers["content-encoding"] = ", ".join(left)
        return inflated

    app._decompress_request_body = inflate


def _inflated(body: bytes) -> bytes | None:
    """Return a body, inflated; None when it is not whole, or too large."""
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        inflated = stream.decompress(body, _MOST_INFLATED_BYTES)
    except zlib.error:
        return None
    return inflated if stream.eof else None
