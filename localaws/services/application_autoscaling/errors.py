"""The errors of Application Auto Scaling, beside those that every service has."""

from localaws.api_errors import ApiError


class ObjectNotFound(ApiError):
    """No target, policy or scheduled action has that name."""

    code = "ObjectNotFoundException"


class ResourceNotFound(ApiError):
    """No target has the ARN that a tag is for."""

    code = "ResourceNotFoundException"
