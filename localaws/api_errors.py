"""What a request to a service of ours can be answered with when it is not carried out.

::

    ApiError                    any of AWS's error codes; HTTP 400 unless it says otherwise
    +-- ValidationError         ValidationException: the request breaks a rule of the API
    +-- SerializationError      SerializationException: a member has the wrong JSON type
    +-- UnsupportedOperation    AWS has it, local AWS does not: said, never faked
    +-- InternalFailure         a defect of local AWS itself
    +-- InsufficientStorage     the disk of its state folder is full
"""


class ApiError(Exception):
    """An error answer.

    Parameters
    ----------
    message : str
        What was wrong, with the value, in AWS's words where AWS has words for it.
    """

    code = "InternalFailure"
    http_status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationError(ApiError):
    """The request breaks a rule of the API (AWS: ``ValidationException``)."""

    code = "ValidationException"


class SerializationError(ApiError):
    """A member of the request has another JSON type than the API's."""

    code = "SerializationException"


class UnsupportedOperation(ApiError):
    """AWS does this, local AWS does not. A 400, so that no SDK retries it."""

    code = "UnsupportedOperation"


class InternalFailure(ApiError):
    """A defect of local AWS itself; the traceback is in the server's log."""

    http_status = 500


class InsufficientStorage(ApiError):
    """The disk of the state folder is full. HTTP's own 507: no SDK retries it, and no step of a pipeline."""

    code = "InsufficientStorage"
    http_status = 507
