"""What CloudWatch's operations on metric data are refused with.

::

    ApiError
    +-- MissingParameter              a parameter has to be there
    +-- InvalidParameterValue         one has a value that it cannot have
    +-- InvalidParameterCombination   two cannot be there together
    +-- InvalidNextToken              a token that none of our answers had, or that is another request's
    +-- RequestTooLarge               the body is larger than CloudWatch takes
"""

from localaws.api_errors import ApiError


class MissingParameter(ApiError):
    """A parameter has to be there and is not."""

    code = "MissingParameter"


class InvalidParameterValue(ApiError):
    """A parameter has a value that it cannot have."""

    code = "InvalidParameterValue"


class InvalidParameterCombination(ApiError):
    """Two parameters cannot be there together."""

    code = "InvalidParameterCombination"


class InvalidNextToken(ApiError):
    """A token that none of our answers had, or that is another request's."""

    code = "InvalidNextToken"


class RequestTooLarge(ApiError):
    """The body is larger than CloudWatch takes."""

    code = "RequestEntityTooLarge"
    http_status = 413
