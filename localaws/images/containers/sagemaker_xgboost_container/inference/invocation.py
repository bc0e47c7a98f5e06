"""One request: what it is answered."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from . import answers, features, selected
from .answers import CSV, JSON, JSON_LINES
from .boosters import Boosters
from .errors import RefusedError

log = logging.getLogger(__name__)

_BATCH = "SAGEMAKER_BATCH"
_MULTI_MODEL = "SAGEMAKER_MULTI_MODEL"
_DEFAULT_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
_TEXT = "text/plain"


@dataclass(frozen=True)
class Reply:
    """What a request is answered."""

    status: HTTPStatus
    body: str
    content_type: str


def answer(boosters: Boosters, body: bytes, content_type: str, accept: str) -> Reply:
    """Return the answer to a request; an empty header is one that was not sent.

    AWS's images serve one model and many by different servers, which write differently: with SAGEMAKER_MULTI_MODEL the
    answer is JSON by default, a list, and CSV is one line.
    """
    if not body:
        return Reply(HTTPStatus.NO_CONTENT, "", _TEXT)
    try:
        matrix = features.read(body, content_type, from_one=boosters.counts_from_one)
        predictions = boosters.predict(matrix)
        if os.environ.get(_MULTI_MODEL) == "true":
            return _of_many(predictions, accept)
        accepted = _accepted(accept)
        names = selected.wanted()
        if names:
            return _selected(boosters, predictions, names, accepted)
        return Reply(HTTPStatus.OK, _written(predictions, accepted), accepted)
    except RefusedError as error:
        log.warning("refused with %d: %s", error.status, error)
        return Reply(error.status, str(error), _TEXT)


def _accepted(accept: str) -> str:
    name = accept.partition(";")[0].strip().lower()
    if not name or name == "*/*":
        return os.environ.get(_DEFAULT_ACCEPT) or CSV
    if name in (CSV, JSON, JSON_LINES):
        return name
    raise _not_acceptable(f"Accept type {accept} is not supported. Please use supported accept types:", JSON_LINES)


def _written(predictions: Any, accept: str) -> str:
    if os.environ.get(_BATCH):
        return answers.batch(predictions)
    if accept == JSON:
        return answers.scores(predictions)
    if accept == CSV:
        return answers.csv(predictions)
    raise _not_acceptable(f"{accept} is written with {selected.VARIABLE} only. Without it use")


def _selected(boosters: Boosters, predictions: Any, names: list[str], accept: str) -> Reply:
    try:
        text = answers.selected(selected.select(predictions, boosters, names), names, accept)
    except ValueError as error:
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error
    end = "\n" if accept == CSV and os.environ.get(_BATCH) else ""
    return Reply(HTTPStatus.OK, text + end, accept)


def _of_many(predictions: Any, accept: str) -> Reply:
    name = accept.lower()
    if not name or name == "*/*":
        name = os.environ.get(_DEFAULT_ACCEPT) or JSON
    if name in (JSON, "json"):
        return Reply(HTTPStatus.OK, str(predictions.tolist()), JSON)
    if name in (CSV, "csv"):
        return Reply(HTTPStatus.OK, ",".join(map(str, predictions.tolist())), CSV)
    raise RefusedError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"{accept} is not an accepted Accept type. Please choose one of the following: ['{CSV}', '{JSON}'].",
    )


def _not_acceptable(sentence: str, *more: str) -> RefusedError:
    return RefusedError(HTTPStatus.NOT_ACCEPTABLE, f"{sentence} {', '.join([JSON, CSV, *more])}.")
