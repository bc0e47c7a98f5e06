"""What can go wrong, and who learns of it.

::

    ServingError
    ├── SettingError        an option or environment variable is wrong: exit code 2
    ├── StartError          the script or the model cannot be loaded, or the port is taken: exit code 1
    └── RequestError        a request is refused: its status, and {"error": sentence}
        ├── BadRequestError               400
        ├── ForbiddenError                403
        ├── NotFoundError                 404
        ├── MethodNotAllowedError         405
        ├── NotAcceptableError            406
        ├── RequestTimeoutError           408
        ├── ConflictError                 409
        ├── RefusedByScriptError          4XX
        ├── PayloadTooLargeError          413
        ├── UnsupportedMediaTypeError     415
        ├── HeadTooLargeError             431
        ├── StuckError                    503
        ├── ModelTimeoutError             504
        └── OutOfMemoryError              507

An exception of the model's own code is none of these: it is logged with its traceback and answered as 500,
without its text.
"""

from http import HTTPStatus

_REFUSALS = frozenset(status for status in HTTPStatus if HTTPStatus.BAD_REQUEST <= status < 500)


class ServingError(Exception):
    """Any error that this package raises on purpose."""


class SettingError(ServingError):
    """An option or an environment variable has a value that cannot be used."""


class StartError(ServingError):
    """The script cannot be imported, the model cannot be loaded, or the port cannot be bound."""


class RequestError(ServingError):
    """A request that is refused; the text is the sentence which the caller reads."""

    status: HTTPStatus


class BadRequestError(RequestError):
    """The body is not what its content type says, or input_fn refuses it."""

    status = HTTPStatus.BAD_REQUEST


class RefusedByScriptError(RequestError):
    """A function of the script raised an exception with a `status_code` of 4XX, as sagemaker-inference's own have.

    Parameters
    ----------
    error : BaseException
    status : HTTPStatus
    """

    def __init__(self, error: BaseException, status: HTTPStatus) -> None:
        super().__init__(str(getattr(error, "message", "") or error))
        self.status = status
        self.__cause__ = error


def refused_by_script(error: BaseException) -> BaseException:
    """Return the refusal that a script's exception stands for; another exception as it is."""
    code = getattr(error, "status_code", None)
    if isinstance(error, RequestError) or not isinstance(code, int) or code not in _REFUSALS:
        return error
    return RefusedByScriptError(error, HTTPStatus(code))


class ForbiddenError(RequestError):
    """A web page of another origin asks."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(RequestError):
    """No such path."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowedError(RequestError):
    """The path exists, with another method.

    Parameters
    ----------
    sentence : str
        What the caller reads.
    allow : str
        The method for the Allow header, which RFC 9110 (15.5.6) asks for.
    """

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, sentence: str, allow: str) -> None:
        super().__init__(sentence)
        self.allow = allow


class NotAcceptableError(RequestError):
    """The answer cannot be written in any type that Accept names."""

    status = HTTPStatus.NOT_ACCEPTABLE


class RequestTimeoutError(RequestError):
    """The caller took too long to send it."""

    status = HTTPStatus.REQUEST_TIMEOUT


class ConflictError(RequestError):
    """A model of that name is loaded already."""

    status = HTTPStatus.CONFLICT


class OutOfMemoryError(RequestError):
    """There is no memory left for another model: SageMaker then unloads one and asks again."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


class PayloadTooLargeError(RequestError):
    """The body is larger than the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaTypeError(RequestError):
    """The body is of a type, or in a charset, that cannot be read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class HeadTooLargeError(RequestError):
    """The request line and the headers are larger than the limit."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class StuckError(RequestError):
    """Every worker's model has been busy with one call for longer than the time-out."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ModelTimeoutError(RequestError):
    """The model did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
