"""The errors of CodeBuild, beside those that every service has, and how a build ends early.

::

    ApiError
    +-- InvalidInput           InvalidInputException: the request breaks a rule
    +-- ResourceNotFound       no project, build, report or report group has that name
    +-- ResourceAlreadyExists  a project or report group with that name exists
    +-- AccountLimitExceeded   the project's limit of concurrent builds is reached
    PhaseFailure               a phase fails, with a status code and a message for its context
"""

from localaws.api_errors import ApiError


class InvalidInput(ApiError):
    """The request breaks a rule of the API."""

    code = "InvalidInputException"


class ResourceNotFound(ApiError):
    """The named resource does not exist."""

    code = "ResourceNotFoundException"


class ResourceAlreadyExists(ApiError):
    """A resource with the name exists already."""

    code = "ResourceAlreadyExistsException"


class AccountLimitExceeded(ApiError):
    """The limit of concurrent builds is reached."""

    code = "AccountLimitExceededException"


class PhaseFailure(Exception):
    """A phase of a build fails.

    Parameters
    ----------
    status_code : str
        A code such as ``CLIENT_ERROR``.
    message : str
        What was wrong and how to fix it.
    """

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.status_code, self.message = status_code, message
