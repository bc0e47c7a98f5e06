"""/metrics: the server's numbers in Prometheus's text format, version 0.0.4.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator

from serving.board import ANSWERED, LATENCY_BOUNDS, MODEL_BUCKETS, REQUEST_BUCKETS, Board, Field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "serving_model_errors_total": (Field.MODEL_ERRORS, "Exceptions of the model's own code."),
    "serving_timeouts_total": (Field.TIME_OUTS, "Invocations that took longer than the time-out."),
    "serving_request_bytes_total": (Field.BYTES_IN, "Bytes of invocations' bodies."),
    "serving_response_bytes_total": (Field.BYTES_OUT, "Bytes of invocations' answers."),
}
_HISTOGRAMS = {
    "serving_request_seconds": (
        REQUEST_BUCKETS,
        Field.REQUEST_SECONDS,
        "Time from an invocation's last byte to its answer.",
    ),
    "serving_model_seconds": (
        MODEL_BUCKETS,
        Field.MODEL_SECONDS,
        "Time in the model's code, for each call; a batch of requests is one call.",
    ),
}


def exposition(board: Board, workers: int) -> bytes:
    """Return all metrics of a server.

    Parameters
    ----------
    board : Board
    workers : int
        How many workers there are meant to be.
    """
    return "".join(f"{line}\n" for line in _lines(board, workers)).encode()


def _lines(board: Board, workers: int) -> Iterator[str]:
    yield from _gauge("serving_workers", "Worker processes.", workers)
    yield from _gauge("serving_connections", "Open connections.", board.total(Field.OPEN_CONNECTIONS))
    yield from _gauge("serving_in_flight", "Invocations that are waiting or being answered.", board.in_flight)
    yield from _header("serving_invocations_total", "counter", "Invocations answered, by class of status.")
    for name, field in ANSWERED.items():
        yield f'serving_invocations_total{{status="{name}"}} {board.total(field):.0f}'
    for name, (field, text) in _COUNTERS.items():
        yield from _header(name, "counter", text)
        yield f"{name} {board.total(field):.0f}"
    for name, (first, seconds, text) in _HISTOGRAMS.items():
        yield from _header(name, "histogram", text)
        yield from _histogram(name, board, first, seconds)


def _histogram(name: str, board: Board, first: int, seconds: int) -> Iterator[str]:
    counts = board.histogram(first)
    for bound, count in zip((*LATENCY_BOUNDS, "+Inf"), counts, strict=True):
        yield f'{name}_bucket{{le="{bound}"}} {count:.0f}'
    yield f"{name}_sum {board.total(seconds):.9g}"
    yield f"{name}_count {counts[-1]:.0f}"


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    yield from _header(name, "gauge", text)
    yield f"{name} {value:.0f}"


def _header(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
