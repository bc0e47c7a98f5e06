"""The errors of CloudWatch Logs, beside those that every service has.

::

    ApiError
    +-- InvalidParameter       InvalidParameterException: the request breaks a rule
    +-- ResourceNotFound       no group, stream, filter, policy or query is called that
    +-- ResourceAlreadyExists  a group or stream of the name exists
    +-- LimitExceeded          a quota is reached
    +-- MalformedQuery         MalformedQueryException: no query of Logs Insights
"""

from localaws.api_errors import ApiError


class InvalidParameter(ApiError):
    """The request breaks a rule of the API."""

    code = "InvalidParameterException"


class ResourceNotFound(ApiError):
    """The named resource does not exist."""

    code = "ResourceNotFoundException"


class ResourceAlreadyExists(ApiError):
    """A resource with the name exists already."""

    code = "ResourceAlreadyExistsException"


class LimitExceeded(ApiError):
    """A quota of CloudWatch Logs is reached."""

    code = "LimitExceededException"


class MalformedQuery(ApiError):
    """A query cannot be read."""

    code = "MalformedQueryException"
