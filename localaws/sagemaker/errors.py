"""What SageMaker answers when it does not carry out a request, beside `localaws.api_errors`.

::

    ApiError
    +-- ResourceNotFound        what is described, updated or stopped is not there
    +-- ResourceInUse           a job of this name is there already
    +-- ResourceLimitExceeded   one of AWS's quotas
    +-- AccessDenied            who asks may not do it
    +-- ConflictException       a pipeline's or a package's state does not allow it
"""

from localaws.api_errors import (
    ApiError,
    InternalFailure,
    SerializationError,
    UnsupportedOperation,
    ValidationError,
)

__all__ = [
    "AccessDenied",
    "ApiError",
    "ConflictException",
    "InternalFailure",
    "ResourceInUse",
    "ResourceLimitExceeded",
    "ResourceNotFound",
    "SerializationError",
    "UnsupportedOperation",
    "ValidationError",
]


class ResourceNotFound(ApiError):
    """The named resource does not exist, for the operations whose model declares this error."""

    code = "ResourceNotFound"


class ResourceInUse(ApiError):
    """A resource of this name exists already."""

    code = "ResourceInUse"


class ResourceLimitExceeded(ApiError):
    """The request goes beyond one of AWS's quotas."""

    code = "ResourceLimitExceeded"


class AccessDenied(ApiError):
    """Who asks may not do it."""

    code = "AccessDeniedException"


class ConflictException(ApiError):
    """The resource's state does not allow the operation."""

    code = "ConflictException"
