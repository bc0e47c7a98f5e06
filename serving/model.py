"""The loaded model: a request's body in, an answer's body out.

Who is to blame for an exception decides what the caller is told:

- ValueError from input_fn or transform_fn: the caller sent something wrong, 400 with the exception's own
  sentence;
- ValueError from output_fn: it cannot write that type; the next acceptable one is tried, then 406. If the
  caller named none, it is the model's own failure;
- anything else is the model's own failure and goes up as it is, to be logged and answered as 500.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from serving import codecs
from serving.errors import BadRequestError, NotAcceptableError, StartError
from serving.media import CSV, JSON, MediaType
from serving.script import Script, TransformFn

# The bodies that SageMaker's own containers hand over as str; all others are bytes (toolkit,
# content_types.py).
_TEXT_TYPES = frozenset({JSON, CSV})
_PICKLED_BY = {".dill": "dill", ".pkl": "pickle", ".joblib": "joblib"}


@dataclass(frozen=True)
class Answer:
    """What an invocation gives: the body, and its media type."""

    body: bytes | Iterator[bytes | str]
    content_type: str


class Request(NamedTuple):
    """One request's part of a batch."""

    body: bytes
    media: MediaType
    accepts: Sequence[str]


class Model:
    """A model in memory, with the functions that lead to and from it.

    Parameters
    ----------
    model : object
        What model_fn returned.
    script : Script
        The user's functions.

    Raises
    ------
    StartError
        The script has no predict_fn, and the model neither a predict method nor is it callable.
    """

    def __init__(self, model: Any, script: Script) -> None:
        self._model = model
        self._script = script
        self._predict = _predictor(model, script)

    batch_size = 1
    max_batch_delay = 0.0
    forkable = True

    def invoke_many(self, requests: Sequence[Request]) -> list[Answer | BaseException]:
        return [self.invoke(*request) for request in requests]

    def invoke(self, body: bytes, media: MediaType, accepts: Sequence[str]) -> Answer:
        """Answer one request.

        Parameters
        ----------
        body : bytes
            The request's body.
        media : MediaType
            Its type.
        accepts : sequence of str
            Acceptable media types of the answer, best first; empty when the caller does not mind: then JSON.

        Raises
        ------
        RequestError
            The request is refused.
        Exception
            Whatever the model's own code raises.
        """
        if self._script.transform_fn is not None:
            return _transform(self._script.transform_fn, self._model, body, media, accepts)
        return self._write(self._predict(self._read(body, media)), accepts)

    def _read(self, body: bytes, media: MediaType) -> Any:
        if self._script.input_fn is None:
            return codecs.decode(body, media)
        try:
            return self._script.input_fn(_body_for_script(body, media), media.name)
        except ValueError as error:
            raise BadRequestError(str(error) or "input_fn refused the body.") from error

    def _write(self, prediction: Any, accepts: Sequence[str]) -> Answer:
        if self._script.output_fn is None:
            return Answer(*codecs.encode(prediction, accepts or (JSON,)))
        if not accepts:
            return _answer("output_fn", self._script.output_fn(prediction, JSON), JSON)
        refusals = []
        for accept in accepts:
            try:
                result = self._script.output_fn(prediction, accept)
            except ValueError as error:
                refusals.append(error)
            else:
                return _answer("output_fn", result, accept)
        raise NotAcceptableError(f"The answer cannot be written as {', '.join(accepts)}: {refusals[0]}") from refusals[
            0
        ]


def load_model(model_dir: Path, script: Script) -> Model:
    """Load the model by model_fn, or, without one, from the only pickled file in `model_dir`.

    Raises
    ------
    StartError
        model_fn raises, or there is not exactly one file to load.
    """
    if script.model_fn is None:
        return Model(_unpickle(_only_pickle(model_dir)), script)
    try:
        model = script.model_fn(str(model_dir))
    except (Exception, SystemExit) as error:
        raise StartError(f"model_fn failed on {model_dir}: {type(error).__name__}: {error}") from error
    return Model(model, script)


def _only_pickle(model_dir: Path) -> Path:
    found = sorted(path for path in model_dir.iterdir() if path.suffix in _PICKLED_BY)
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found) or "none"
    raise StartError(
        f"No model_fn is defined, and {model_dir} does not hold exactly one {', '.join(_PICKLED_BY)} file "
        f"({names}): define model_fn in code/inference.py."
    )


def _unpickle(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return importlib.import_module(_PICKLED_BY[path.suffix]).load(file)
    except Exception as error:
        raise StartError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error


def _predictor(model: Any, script: Script) -> Callable[[Any], Any]:
    predict_fn = script.predict_fn
    if predict_fn is not None:
        return lambda data: predict_fn(data, model)
    predict = getattr(model, "predict", model)
    if callable(predict) or script.transform_fn:
        return predict  # type: ignore[no-any-return]
    raise StartError(
        f"The model, a {type(model).__name__}, has no predict method and is not callable: define predict_fn."
    )


def _transform(transform_fn: TransformFn, model: Any, body: bytes, media: MediaType, accepts: Sequence[str]) -> Answer:
    # Only the best type: to try another would be to predict again.
    accept = accepts[0] if accepts else JSON
    try:
        result = transform_fn(model, _body_for_script(body, media), media.name, accept)
    except ValueError as error:
        raise BadRequestError(str(error) or "transform_fn refused the body.") from error
    return _answer("transform_fn", result, accept)


def _body_for_script(body: bytes, media: MediaType) -> str | bytes:
    return codecs.decode_text(body, media) if media.name in _TEXT_TYPES else body


def _answer(function: str, result: Any, accept: str) -> Answer:
    body, content_type = result if isinstance(result, tuple) else (result, accept)
    if not isinstance(content_type, str):
        raise TypeError(f"{function} returned the content type {content_type!r}: expected a str.")
    if isinstance(body, str):
        return Answer(body.encode(), content_type)
    if isinstance(body, bytes | bytearray | memoryview):
        return Answer(bytes(body), content_type)
    raise TypeError(f"{function} returned a {type(body).__name__}: expected str, bytes, or either with a content type.")
