"""The services of one server without HTTP: takes a target and a request, returns an answer or raises an ApiError."""

from collections.abc import Iterable

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.service import Service


class Api:
    """All operations of all services.

    Parameters
    ----------
    services : iterable of Service
    """

    def __init__(self, services: Iterable[Service]) -> None:
        # This loads the models now, so that the first caller does not wait for them.
        self._services = {str(service.model.metadata["targetPrefix"]): service for service in services}

    def call(self, target: str, request: Document) -> Document:
        """Check and carry out one request.

        Parameters
        ----------
        target : str
            A target such as ``CodeBuild_20161006.StartBuild``.
        request : dict
            Members as in botocore's model, times in seconds since the epoch.

        Raises
        ------
        ApiError
            If the request is invalid or cannot be carried out.
        """
        prefix, _, operation = target.partition(".")
        service = self._services.get(prefix)
        if service is None:
            there = ", ".join(sorted(self._services))
            raise UnsupportedOperation(f"X-Amz-Target '{target}' is not a service of this server: it has {there}")
        return service.call(operation, request)
