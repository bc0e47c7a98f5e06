"""The services without HTTP: a target and a request in, an answer or an ApiError out."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import botocore.session

from localaws.api_errors import UnsupportedOperation, ValidationError
from localaws.document import Document
from localaws.protocol.routing import TARGET_PREFIXES
from localaws.protocol.shapes import check_members, members_of
from localaws.service.service import Handler, Service


class Api:
    """All operations of all services.

    Parameters
    ----------
    services : iterable of Service
    """

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = {service.name: (service, dict(service.handlers())) for service in services}

    def call(self, target: str, request: Document) -> Document:
        """Check and carry out one request.

        Parameters
        ----------
        target : str
            Such as ``CodeBuild_20161006.StartBuild``.
        request : dict
            Members as in botocore's model, times in seconds since the epoch.

        Raises
        ------
        ApiError
            The request is wrong, or cannot be carried out.
        """
        prefix, _, operation = target.partition(".")
        service, handler = self._find(TARGET_PREFIXES.get(prefix, prefix), operation)
        model = _model(service.name).operation_model(operation)
        if model.input_shape is not None:
            try:
                check_members(model.input_shape, request)
            except ValidationError as error:
                raise service.invalid(error.message) from error
        answer = handler(request)
        return members_of(model.output_shape, answer) if model.output_shape else {}

    def _find(self, name: str, operation: str) -> tuple[Service, Handler]:
        service, handlers = self._services.get(name, (None, {}))
        handler = handlers.get(operation)
        if service is None or handler is None:
            raise UnsupportedOperation(f"{operation} of {name} is an operation which local AWS does not have")
        return service, handler


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)
