"""The loaded model: a request's body in, an answer's body out.

What the caller is told depends on who caused an exception:

- ValueError from input_fn or transform_fn: the caller sent something wrong, 400 with the exception's own
  sentence;
- ValueError from output_fn: it cannot write what the caller accepts, 406. If the caller named no type, it is the
  model's own failure;
- rows of another width than a scikit-learn model's n_features_in_: 400 before predict_fn is called;
- an exception with a ``status_code`` of 4XX, as those of sagemaker-inference: that status, with its sentence;
- anything else is the model's own failure and goes up as it is, to be logged and answered as 500.

A script gets Content-Type and Accept as they came, lists and parameters included, because AWS's containers do not take
them apart either: a script that answers here answers there.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from serving import codecs
from serving.batch import joined, parts
from serving.context import Context, Headers, takes_context
from serving.errors import BadRequestError, NotAcceptableError, StartError
from serving.loaders import load_only_file
from serving.media import CSV, JSON, Accept, MediaType
from serving.script import Script
from serving.settings import DEFAULT_MODEL_DIR

# The types, without a parameter, whose bodies SageMaker's own containers hand over as str; all others are bytes
# (toolkit, content_types.py).
_TEXT_TYPES = frozenset({JSON, CSV})


class Request(NamedTuple):
    """What the model is asked.

    Attributes
    ----------
    body : bytes
    media : MediaType
        Its type.
    accept : Accept
        The acceptable types of the answer.
    headers : tuple of (name, value)
        All of its headers, for a script that takes the context.
    """

    body: bytes
    media: MediaType
    accept: Accept
    headers: Headers = ()


class Answer(NamedTuple):
    """What an invocation returns: the body, whole or in parts as a script's generator makes them, and its type; status
    and further headers, if the script set some by its context.
    """

    body: bytes | Iterator[bytes | str]
    content_type: str
    status: int = 200
    headers: Headers = ()


class Model:
    """A model in memory, with the functions that lead to and from it.

    Parameters
    ----------
    model : object
        What model_fn returned.
    script : Script
        The user's functions.
    model_dir : Path, default="/opt/ml/model"
        Where the model was loaded from.

    Attributes
    ----------
    batch_size : int
        Most requests that `invoke_many` may be given: 1, unless the script says otherwise.
    max_batch_delay : float
        Seconds that a request may wait for others to be batched with.
    width : int or None
        How many numbers a row has, if the model says so.
    kind : str
        The name of the model's class.

    Raises
    ------
    StartError
        The script has no predict_fn, and the model neither a predict method nor is it callable.
    """

    def __init__(self, model: Any, script: Script, model_dir: Path = Path(DEFAULT_MODEL_DIR)) -> None:
        self.batch_size = script.batch_size
        self.max_batch_delay = script.max_batch_delay / 1000
        self._model = model
        self._model_dir = model_dir
        self._context = Context(model_dir)
        self._has_context = False  # whether some function wants to see it
        self._input_fn = self._given("input_fn", script)
        self._output_fn = self._given("output_fn", script)
        self._transform_fn = self._given("transform_fn", script)
        self._predict = _predictor(model, self._given("predict_fn", script), self._transform_fn is not None)
        width = getattr(model, "n_features_in_", None)  # scikit-learn's word
        self.width = width if isinstance(width, int) else None
        self.kind = type(model).__name__

    def invoke(self, body: bytes, media: MediaType, accept: Accept, headers: Headers = ()) -> Answer:
        """Answer one request, whose parts `Request` describes.

        Raises
        ------
        RequestError
            The request is refused.
        Exception
            Whatever the model's own code raises.
        """
        self.begin(headers)
        if self._transform_fn is not None:
            return self._transform(body, media, accept)
        return self.write(self._predict(self.read(body, media)), accept)

    def invoke_many(self, requests: Sequence[Request]) -> list[Answer | BaseException]:
        """Answer several requests with one call of predict_fn.

        What one request is refused for is that request's alone; and if the joint call fails, each is made alone.

        Returns
        -------
        list
            For each request its answer, or what `invoke` would raise.
        """
        contexts = [self.begin(request.headers) for request in requests]
        inputs = [outcome_of(self._read_in, *each) for each in zip(contexts, requests, strict=True)]
        readable = [number for number, data in enumerate(inputs) if not isinstance(data, BaseException)]
        predictions = self._predict_jointly([inputs[number] for number in readable])
        for number, prediction in zip(readable, predictions, strict=True):
            inputs[number] = prediction
        return [
            item if isinstance(item, BaseException) else outcome_of(self._write_in, context, item, request.accept)
            for context, item, request in zip(contexts, inputs, requests, strict=True)
        ]

    def begin(self, headers: Headers) -> Context:
        """Give the script's functions the context of another request, if they want one; return it."""
        if self._has_context:
            self._context = Context(self._model_dir, headers)
        return self._context

    def read(self, body: bytes, media: MediaType) -> Any:
        """Return a request's body as predict_fn wants it."""
        if self._input_fn is None:
            data = codecs.decode(body, media)
        else:
            try:
                data = self._input_fn(_body_for_script(body, media), media.header)
            except ValueError as error:
                raise BadRequestError(str(error) or "input_fn refused the body.") from error
        if self.width is not None:
            _check_width(data, self.width)
        return data

    def predict(self, data: Any) -> Any:
        """Return the model's prediction."""
        return self._predict(data)

    @property
    def reads(self) -> bool:
        """Whether the script says how a body is read."""
        return self._input_fn is not None

    @property
    def writes(self) -> bool:
        """Whether the script says how a prediction is written."""
        return self._output_fn is not None

    def _predict_jointly(self, inputs: list[Any]) -> list[Any]:
        if len(inputs) > 1 and (whole := joined(inputs)) is not None:
            predictions = parts(outcome_of(self._predict, whole), inputs)
            if predictions is not None:
                return predictions
        return [outcome_of(self._predict, data) for data in inputs]

    def _given(self, name: str, script: Script) -> Callable[..., Any] | None:
        """Return a function of the script that takes no context, whether it does or not."""
        function: Callable[..., Any] | None = getattr(script, name)
        if function is None or not takes_context(name, function):
            return function
        self._has_context = True
        return lambda *arguments: function(*arguments, self._context)

    def _read_in(self, context: Context, request: Request) -> Any:
        self._context = context
        return self.read(request.body, request.media)

    def _write_in(self, context: Context, prediction: Any, accept: Accept) -> Answer:
        self._context = context
        return self.write(prediction, accept)

    def write(self, prediction: Any, accept: Accept) -> Answer:
        """Return a prediction as the body of an answer."""
        if self._output_fn is None:
            return Answer(*codecs.encode(prediction, accept.types or (accept.header,)))
        try:
            result = self._output_fn(prediction, accept.header)
        except ValueError as error:
            if not accept.types:
                raise
            raise NotAcceptableError(f"The answer cannot be written as {accept.header}: {error}") from error
        return self._answer("output_fn", result, accept.best)

    def _transform(self, body: bytes, media: MediaType, accept: Accept) -> Answer:
        assert self._transform_fn is not None  # noqa: S101 -- for the type checker
        try:
            result = self._transform_fn(self._model, _body_for_script(body, media), media.header, accept.header)
        except ValueError as error:
            raise BadRequestError(str(error) or "transform_fn refused the body.") from error
        return self._answer("transform_fn", result, accept.best)

    def _answer(self, function: str, result: Any, accept: str) -> Answer:
        answer = _answer(function, result, accept)
        if not self._has_context:
            return answer
        return answer._replace(status=self._context.status, headers=tuple(self._context.response_headers))


def load_model(model_dir: Path, script: Script) -> Model:
    """Load the model by model_fn, or, without one, from the only file in `model_dir` that is a model (`loaders`).

    Raises
    ------
    StartError
        model_fn raises, or there is not exactly one file to load.
    """
    try:
        _called("pre_model_fn", script, model_dir)
        model = load_only_file(model_dir) if script.model_fn is None else _called("model_fn", script, model_dir)
        _called("model_warmup_fn", script, model_dir, model)
    except _ScriptFailedError as failed:
        error = failed.__cause__
        raise StartError(f"{failed} failed on {model_dir}: {type(error).__name__}: {error}") from error
    return Model(model, script, model_dir)


class _ScriptFailedError(Exception):
    """A function of the script raised the cause of this; the text is the function's name."""


def _called(name: str, script: Script, model_dir: Path, *arguments: Any) -> Any:
    """Return what a function returns that the script has for the model's loading; None without it."""
    function: Callable[..., Any] | None = getattr(script, name)
    if function is None:
        return None
    context = (Context(model_dir),) if takes_context(name, function) else ()
    try:
        return function(str(model_dir), *arguments, *context)
    except (Exception, SystemExit) as error:
        raise _ScriptFailedError(name) from error


def _predictor(model: Any, predict_fn: Callable[..., Any] | None, transforms: bool) -> Callable[[Any], Any]:
    if predict_fn is not None:
        return lambda data: predict_fn(data, model)
    predict = getattr(model, "predict", model)
    if callable(predict) or transforms:
        return predict  # type: ignore[no-any-return]
    raise StartError(
        f"The model, a {type(model).__name__}, has no predict method and is not callable: define predict_fn."
    )


def outcome_of(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns or raises: the model's code may raise anything, even SystemExit."""
    try:
        return function(*arguments)
    except BaseException as error:
        return error


def _check_width(data: Any, width: int) -> None:
    shape: Sequence[int] = getattr(data, "shape", ())
    if len(shape) == 2 and shape[1] != width:
        raise BadRequestError(f"The rows have {shape[1]} numbers each: the model expects {width}.")


def _body_for_script(body: bytes, media: MediaType) -> str | bytes:
    return codecs.decode_text(body, media) if media.header in _TEXT_TYPES else body


def _answer(function: str, result: Any, accept: str) -> Answer:
    body, content_type = result if type(result) is tuple else (result, accept)
    if not isinstance(content_type, str):
        raise TypeError(f"{function} returned the content type {content_type!r}: expected a str.")
    if isinstance(body, str):
        return Answer(body.encode(), content_type)
    if isinstance(body, bytes | bytearray | memoryview):
        return Answer(bytes(body), content_type)
    if isinstance(body, Iterator):
        return Answer(body, content_type)
    raise TypeError(
        f"{function} returned a {type(body).__name__}: expected str, bytes, an iterator of these, or one of them with "
        "a content type."
    )
