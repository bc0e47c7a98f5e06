"""What a request can be answered with when it is not carried out.

::

    ApiError                    any of AWS's error codes; HTTP 400 unless it says otherwise
    +-- ValidationError         ValidationException: the request breaks a rule of the API
    +-- SerializationError      SerializationException: a member has the wrong JSON type
    +-- ResourceNotFound        what is described, updated or stopped is not there
    +-- ResourceInUse           a job of this name is there already
    +-- ResourceLimitExceeded   one of AWS's quotas
    +-- ConflictException       a pipeline's or a package's state does not allow it
    +-- UnsupportedOperation    AWS has it, this local SageMaker does not: said, never faked
    JobFailure                  a job ends as Failed, with this reason
    JobStopped                  a job ends as Stopped
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


class ResourceNotFound(ApiError):
    """The named resource does not exist, for the operations whose model declares this error."""

    code = "ResourceNotFound"


class ResourceInUse(ApiError):
    """A resource of this name exists already."""

    code = "ResourceInUse"


class ResourceLimitExceeded(ApiError):
    """The request goes beyond one of AWS's quotas."""

    code = "ResourceLimitExceeded"


class ConflictException(ApiError):
    """The resource's state does not allow the operation."""

    code = "ConflictException"


class UnsupportedOperation(ApiError):
    """AWS does this, the local SageMaker does not. A 400, so that no SDK retries it."""

    code = "UnsupportedOperation"


class InternalFailure(ApiError):
    """A defect of the local SageMaker itself; the traceback is in its log."""

    http_status = 500


class JobFailure(Exception):
    """A job cannot go on; the text becomes its ``FailureReason``."""


class JobStopped(Exception):
    """A job was asked to stop and did."""
