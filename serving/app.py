"""The application: what each path answers, and an answer to everything that goes wrong on the way.

There is no framework between the HTTP parser and the model: four paths need no router, and each layer left
out is latency that every prediction would pay.

Sources: "Use Your Own Inference Code with Hosting Services" and "... with Batch Transform" in the SageMaker
Developer Guide.
"""

import asyncio
import logging
import time
import uuid
from bisect import bisect_left
from collections.abc import Callable, Iterator
from http import HTTPStatus

import orjson

from serving import metrics
from serving.board import ANSWERED, LATENCY_BOUNDS, REQUEST_BUCKETS, Board, Field, Row
from serving.chain import Served
from serving.connection import Connection
from serving.errors import (
    MethodNotAllowedError,
    ModelTimeoutError,
    NotFoundError,
    RequestError,
    StuckError,
    refused_by_script,
)
from serving.message import Head, Response, error_body, refusal
from serving.model import Answer
from serving.repository import Repository
from serving.runner import Outcome, Runner
from serving.settings import Settings
from serving.stream import Stream

log = logging.getLogger(__name__)


class App:
    """One worker's application.

    Parameters
    ----------
    model : Served or None
        It is loaded before the application is made: /ping says 200 from its first answer on. None begins the
        multi-model mode.
    board : Board
        The numbers of all workers.
    row : Row
        This worker's.
    settings : Settings
    """

    def __init__(self, model: Served | None, board: Board, row: Row, settings: Settings) -> None:
        self.row = row
        self.timeout = settings.timeout
        self._runner = None if model is None else Runner(model, row)
        self._repository = Repository(row, settings.loaded_models) if model is None else None
        self._board = board
        self._settings = settings
        self._routes: dict[str, tuple[str, Callable[[], Response]]] = {
            "/ping": ("GET", self._ping),
            "/execution-parameters": ("GET", self._execution_parameters),
            "/metrics": ("GET", self._metrics),
        }

    def handle(self, head: Head, body: bytes, connection: Connection) -> None:
        """Answer one request, now or later."""
        if self._runner is not None and head.path == "/invocations" and head.method == "POST":
            Invocation(self, self._runner, head, body, connection).submit()
            return
        try:
            if self._repository is not None and head.path.startswith("/models"):
                self._handle_models(self._repository, head, body, connection)
            else:
                connection.respond(self._route(head)())
        except RequestError as error:
            connection.respond(error_response(error, head))

    def _handle_models(self, repository: Repository, head: Head, body: bytes, connection: Connection) -> None:
        runner = repository.runner(head.path)
        if runner is None:
            repository.manage(head, body, lambda outcome: self._respond(outcome, head, connection))
        elif head.method == "POST":
            Invocation(self, runner, head, body, connection).submit()
        else:
            raise MethodNotAllowedError(f"{head.path} takes POST, not {head.method}.", allow="POST")

    def _respond(self, outcome: Response | BaseException, head: Head, connection: Connection) -> None:
        if connection.gone:
            return
        connection.respond(error_response(outcome, head) if isinstance(outcome, BaseException) else outcome)

    def _route(self, head: Head) -> Callable[[], Response]:
        paths = {path: method for path, (method, _) in self._routes.items()}
        if self._runner is not None:
            paths["/invocations"] = "POST"
        if head.path not in paths:
            raise NotFoundError(f"There is no {head.path}: the paths are {', '.join(paths)}.")
        method = paths[head.path]
        if head.method != method:
            raise MethodNotAllowedError(f"{head.path} takes {method}, not {head.method}.", allow=method)
        return self._routes[head.path][1]

    def _ping(self) -> Response:
        if not self._board.any_responsive(time.monotonic(), self.timeout):
            raise StuckError(f"The model has been busy with one call for more than {self.timeout} seconds.")
        return Response(b"")

    def _execution_parameters(self) -> Response:
        parameters = {
            "MaxConcurrentTransforms": self._settings.workers,  # more requests in flight would only wait
            "BatchStrategy": "MULTI_RECORD",  # the Developer Guide's spelling; the API says MultiRecord
            "MaxPayloadInMB": self._settings.max_payload_mb,
        }
        return Response(orjson.dumps(parameters))

    def _metrics(self) -> Response:
        return Response(metrics.exposition(self._board, self._settings.workers), metrics.CONTENT_TYPE)


class Invocation:
    """One POST to /invocations, from its last byte in to its first byte out.

    Parameters
    ----------
    app : App
    runner : Runner
    head : Head
    body : bytes
    connection : Connection
        Which is answered.
    """

    __slots__ = (
        "_app",
        "_connection",
        "_head",
        "_runner",
        "_started",
        "_timer",
        "accept",
        "answered",
        "body",
        "headers",
        "media",
    )

    def __init__(self, app: App, runner: Runner, head: Head, body: bytes, connection: Connection) -> None:
        self.body, self.media, self.accept, self.headers = body, head.media, head.accept, head.headers
        self.answered = False
        self._app, self._runner, self._head, self._connection = app, runner, head, connection
        self._started = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def submit(self) -> None:
        """Have the model called."""
        self._app.row[Field.RECEIVED] += 1
        self._app.row[Field.BYTES_IN] += len(self.body)
        self._runner.submit(self)
        if not self.answered:
            self._timer = asyncio.get_running_loop().call_later(self._app.timeout, self._expired)

    def done(self, outcome: Outcome) -> None:
        """Answer with what the model made, or with what went wrong."""
        if self.answered:  # too late
            return
        if isinstance(outcome, Answer):
            if not isinstance(outcome.body, bytes):
                self._stream(outcome.body, Response(b"", *outcome[1:]))
            elif outcome.status == HTTPStatus.OK and not outcome.headers:
                self._succeed(outcome.body, outcome.content_type)
            else:
                self._answer(Response(outcome.body, *outcome[1:]))
        else:
            self._answer(self._error_response(outcome))

    def _succeed(self, body: bytes, content_type: str) -> None:
        self._app.row[Field.BYTES_OUT] += len(body)
        self._count(200)
        if not self._connection.gone:
            self._connection.succeed(body, content_type)

    def _answer(self, response: Response) -> None:
        self._count(response.status)
        if not self._connection.gone:
            self._connection.respond(response)

    def _stream(self, chunks: Iterator[bytes | str], response: Response) -> None:
        Stream(self._runner, self._connection, chunks, response, self._streamed).start()

    def _streamed(self, error: BaseException | None, began: bool) -> None:
        """Count the end of a stream: complete, or with an error, before or after its first chunk."""
        if error is None:
            self._count(200)
        elif began:
            self._failure(error)
            self._count(500)
        else:
            self._answer(self._error_response(error))

    def _expired(self) -> None:
        self._app.row[Field.TIME_OUTS] += 1
        sentence = f"No answer within {self._app.timeout} seconds (SAGEMAKER_MODEL_SERVER_TIMEOUT)."
        self.done(ModelTimeoutError(sentence))

    def _count(self, status: int) -> None:
        self.answered = True
        if self._timer is not None:
            self._timer.cancel()
        row, seconds = self._app.row, time.monotonic() - self._started
        row[Field.ANSWERED_2XX if status < HTTPStatus.BAD_REQUEST else ANSWERED[f"{status // 100}XX"]] += 1
        row[Field.REQUEST_SECONDS] += seconds
        row[REQUEST_BUCKETS + bisect_left(LATENCY_BOUNDS, seconds)] += 1

    def _error_response(self, error: BaseException) -> Response:
        error = refused_by_script(error)
        return error_response(error, self._head) if isinstance(error, RequestError) else self._failure(error)

    def _failure(self, error: BaseException) -> Response:
        self._app.row[Field.MODEL_ERRORS] += 1
        return failure(error, self._head)


def error_response(error: BaseException, head: Head) -> Response:
    """Return the answer to a request that was refused or failed, and log the reason."""
    if isinstance(error, RequestError):
        log_refusal(error, head)
        return refusal(error)
    return failure(error, head)


def failure(error: BaseException, head: Head) -> Response:
    """Return the answer to a request on which the model's own code failed; its exception goes to the log only."""
    request_id = head.header(b"x-request-id") or uuid.uuid4().hex
    fields = {"status": 500, "method": head.method, "path": head.path, "request_id": request_id}
    log.error("the model failed", extra={"fields": fields}, exc_info=error)
    sentence = f"The model failed on this request; the log has the reason under request id {request_id}."
    return Response(error_body(sentence), status=500)


def log_refusal(error: RequestError, head: Head) -> None:
    """Log why a request was refused."""
    fields = {"status": int(error.status), "method": head.method, "path": head.path}
    if request_id := head.header(b"x-request-id"):
        fields["request_id"] = request_id
    # The cause is the script's own exception, if it was the script that refused.
    log.info("refused: %s", error, extra={"fields": fields}, exc_info=error.__cause__)
