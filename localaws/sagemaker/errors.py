"""The errors of SageMaker, beside those of `localaws.api_errors`.

::

    ApiError
    +-- ResourceNotFound        the resource to describe, update or stop does not exist
    +-- ResourceInUse           a job with this name exists already
    +-- ResourceLimitExceeded   one of AWS's quotas is exceeded
    +-- AccessDenied            the caller lacks a permission
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
    """A resource with this name exists already."""

    code = "ResourceInUse"


class ResourceLimitExceeded(ApiError):
    """The request exceeds one of AWS's quotas."""

    code = "ResourceLimitExceeded"


class AccessDenied(ApiError):
    """The caller lacks a permission."""

    code = "AccessDeniedException"


class ConflictException(ApiError):
    """The resource's state does not allow the operation."""

    code = "ConflictException"
