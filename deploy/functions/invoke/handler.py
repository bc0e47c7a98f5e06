"""POST /stream and POST /batch: from the API's gateway to the endpoint and back.

`{"x": [[0.3]]}` to /stream is one record and answers a number; /batch takes many and answers a list of numbers. The
gateway has held the body against the API's models; it is looked at here again for what these cannot say: that all rows
are of one width, and their numbers finite. The client is made once, with the function, and keeps its connection to the
endpoint.

Every error is a sentence for the caller; the reason is in the log, a JSON object on a line, under the request's
id.
"""

import json
import math
import os
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

Document = dict[str, Any]

MOST_ROWS = {"/stream": 1, "/batch": 10_000}

# The gateway waits 29 s.
_RETRIES = {"mode": "standard", "max_attempts": 2}
_CONFIG = Config(connect_timeout=2, read_timeout=25, retries=_RETRIES, tcp_keepalive=True)
_RUNTIME = boto3.client("sagemaker-runtime", config=_CONFIG)
_BUSY = {"ThrottlingException", "ModelNotReadyException", "ServiceUnavailable", "InternalDependencyException"}


def _give_up(caught_exception: Exception | None = None, **_others: Any) -> None:
    """Do not make a call that was answered slowly again, as boto3 would: it would only come on top."""
    if isinstance(caught_exception, ReadTimeoutError):
        raise caught_exception


_RUNTIME.meta.events.register_first("needs-retry.sagemaker-runtime.InvokeEndpoint", _give_up)


class Refusal(Exception):
    """An answer other than 200.

    Parameters
    ----------
    status : int
    sentence : str
        What the caller reads.
    reason : str, optional
        What the log says beside it.
    """

    def __init__(self, status: int, sentence: str, reason: str | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.reason = status, sentence, reason


def handler(event: Document, _context: object) -> Document:
    """Answer one request of the gateway (Lambda proxy integration)."""
    started = time.perf_counter()
    route, request_id = event["resource"], event["requestContext"]["requestId"]
    entry: Document = {"request_id": request_id, "route": route}
    answer: Any
    try:
        rows = read_rows(event, MOST_ROWS[route])
        predictions = invoke(rows, request_id)
        status, answer = 200, predictions[0] if route == "/stream" else predictions
        entry["rows"] = len(rows)
    except Refusal as refusal:
        status, answer = refusal.status, {"message": refusal.sentence}
        entry |= {"message": refusal.sentence, "reason": refusal.reason}
    entry |= {"status": status, "milliseconds": round((time.perf_counter() - started) * 1000, 2)}
    print(json.dumps(entry), flush=True)
    headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
    if status == 503:
        headers["Retry-After"] = "1"
    return {"statusCode": status, "headers": headers, "body": json.dumps(answer)}


def read_rows(event: Document, most: int) -> list[list[float]]:
    """Read the records out of a request.

    Raises
    ------
    Refusal
        400: the body is not {"x": [[number, ...], ...]} with 1 to `most` rows of one width.
    """
    if event.get("isBase64Encoded"):
        raise Refusal(400, "The body must be JSON text.")
    try:
        document = json.loads(event.get("body") or "")
    except (ValueError, RecursionError):
        raise Refusal(400, 'The body is not JSON: send {"x": [[0.3]]}.') from None
    rows = document.get("x") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= most:
        expected = "one row" if most == 1 else f"1 to {most} rows"
        raise Refusal(400, f'The body must be {{"x": ROWS}} with {expected}, such as {{"x": [[0.3]]}}.')
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or not row or len(row) != len(rows[0]) or not all(map(_is_number, row)):
            raise Refusal(400, f"Row {number} is not a list of as many finite numbers as row 1 has.")
    return rows


def invoke(rows: list[list[float]], request_id: str) -> list[float]:
    """Ask the endpoint.

    Returns
    -------
    list of float
        A prediction for each row.

    Raises
    ------
    Refusal
        400 for what the model refuses, 502 if it fails, 503 if it cannot answer now, 504 if it is too slow.
    """
    try:
        answer = _RUNTIME.invoke_endpoint(
            EndpointName=os.environ["ENDPOINT_NAME"],
            ContentType="application/json",
            Accept="application/json",
            InferenceId=request_id,
            Body=json.dumps({"x": rows}),
        )
        predictions: list[float] = json.loads(answer["Body"].read())["predictions"]
        _check_finite(predictions)
        return predictions
    except ClientError as error:
        raise _blamed(error) from error
    except ReadTimeoutError as error:
        raise Refusal(504, "The model did not answer in time.", repr(error)) from error
    except (BotoCoreError, ValueError, KeyError) as error:
        raise Refusal(502, "The model could not be asked.", repr(error)) from error


def _check_finite(predictions: list[Any]) -> None:
    """Refuse what Python reads and writes as JSON, and no other parser has to take: `NaN`, `Infinity`, 1e999.

    AWS's containers write it, as they encode with Python's json.
    """
    for number, prediction in enumerate(predictions, start=1):
        if isinstance(prediction, float) and not math.isfinite(prediction):
            raise Refusal(502, f"The model's prediction for row {number} is {prediction}, not a finite number.")


def _blamed(error: ClientError) -> Refusal:
    code = error.response["Error"]["Code"]
    if code == "ModelError":
        status = error.response.get("OriginalStatusCode", 500)
        message = error.response.get("OriginalMessage", "")
        if 400 <= status < 500:
            return Refusal(400, _sentence(message), message)
        return Refusal(502, "The model failed on this request.", message)
    if code in _BUSY:
        return Refusal(503, "The model is busy: try again in a second.", str(error))
    return Refusal(503, "There is no model in service at this moment.", str(error))


def _sentence(message: str) -> str:
    """Return what the model server tells the caller: {"error": sentence}."""
    try:
        return str(json.loads(message)["error"])
    except (ValueError, KeyError, TypeError):
        return "The model refused the request."


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of 400 digits
        return False
