"""What Application Auto Scaling answers when it does not carry out a request, beside what every service may."""

from localaws.api_errors import ApiError


class ObjectNotFound(ApiError):
    """No target, policy or scheduled action of that name."""

    code = "ObjectNotFoundException"
