"""What CodeBuild answers when it does not carry out a request, and how a build ends early.

::

    ApiError
    +-- InvalidInput           InvalidInputException: the request breaks a rule
    +-- ResourceNotFound       no project, build, report or report group of that name
    +-- ResourceAlreadyExists  a project or report group of that name is there
    +-- AccountLimitExceeded   the project runs as many builds as it may
    PhaseFailure               a phase fails, with a status code and a message for its context
"""

from localaws.api_errors import ApiError


class InvalidInput(ApiError):
    """The request breaks a rule of the API."""

    code = "InvalidInputException"


class ResourceNotFound(ApiError):
    """What is named is not there."""

    code = "ResourceNotFoundException"


class ResourceAlreadyExists(ApiError):
    """What is to be created is there."""

    code = "ResourceAlreadyExistsException"


class AccountLimitExceeded(ApiError):
    """As many builds run as may."""

    code = "AccountLimitExceededException"


class PhaseFailure(Exception):
    """A phase of a build fails.

    Parameters
    ----------
    status_code : str
        Such as ``CLIENT_ERROR``.
    message : str
        What was wrong, and what to do.
    """

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.status_code, self.message = status_code, message
