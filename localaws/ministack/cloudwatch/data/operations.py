"""The four operations on metric data, from a request as it came to its answer."""

import logging
import time
from collections.abc import Callable

from localaws.api_errors import ApiError, InternalFailure
from localaws.document import Document
from localaws.ministack.cloudwatch.data.datum import data_of
from localaws.ministack.cloudwatch.data.errors import RequestTooLarge
from localaws.ministack.cloudwatch.data.metric import Scope
from localaws.ministack.cloudwatch.data.metric_data import get_metric_data
from localaws.ministack.cloudwatch.data.metric_list import list_metrics
from localaws.ministack.cloudwatch.data.metric_statistics import get_metric_statistics
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.data.wire import Answer, Request, service_model
from localaws.protocol.shapes import check_members

logger = logging.getLogger(__name__)

_MOST_BYTES = 1 << 20
# The longest lists, whose items have no constraint in the model; `datum` looks at each.
_NUMBERS = ("Values", "Counts")

Read = Callable[[MetricStore, Scope, Document, float], Document]


def put_metric_data(store: MetricStore, scope: Scope, members: Document, now: float) -> Document:
    """Answer PutMetricData: when it has, the data are kept.

    Parameters
    ----------
    store : MetricStore
    scope : Scope
    members : dict
    now : float
        Seconds since the epoch.
    """
    store.write(data_of(scope, members, now))
    return {}


_OPERATIONS: dict[str, Read] = {
    "PutMetricData": put_metric_data,
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
}


class MetricOperations:
    """Answers what is asked about metric data, in the recorder's threads.

    Parameters
    ----------
    recorder : Recorder
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def answer(self, scope: Scope, request: Request) -> Answer | None:
        """Return the answer to a request, or None when it is none of these operations."""
        if (name := request.operation) not in _OPERATIONS:
            return None
        work = self._recorder.write if name == "PutMetricData" else self._recorder.read
        return await work(lambda store: _answered(store, scope, request, name))


def _answered(store: MetricStore, scope: Scope, request: Request, name: str) -> Answer:
    operation = service_model().operation_model(name)
    try:
        if name == "PutMetricData" and int(request.headers.get("content-length") or 0) > _MOST_BYTES:
            raise RequestTooLarge(f"A request of PutMetricData has at most {_MOST_BYTES:,} bytes.")
        members = request.members(operation.input_shape)
        check_members(operation.input_shape, _without_numbers(members))
        return request.answer(operation, _OPERATIONS[name](store, scope, members, time.time()))
    except ApiError as error:
        return request.refusal(error)
    except Exception:
        logger.exception("%s failed", name)
        return request.refusal(InternalFailure(f"{name} failed; the server's log says why"))


def _without_numbers(members: Document) -> Document:
    data = members.get("MetricData")
    if not isinstance(data, list):
        return members
    kept = [
        {name: value for name, value in each.items() if name not in _NUMBERS} if isinstance(each, dict) else each
        for each in data
    ]
    return {**members, "MetricData": kept}
