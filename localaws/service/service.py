"""One service as the server that runs it sees it, and the path of a request to its operation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import ClassVar

from botocore.model import ServiceModel

from localaws.api_errors import ApiError, UnsupportedOperation, ValidationError
from localaws.document import Document
from localaws.protocol.answers import note_answer, note_refusal
from localaws.protocol.asgi import Application
from localaws.protocol.model import service_model
from localaws.protocol.shapes import check_members, members_of
from localaws.service.context import Context
from localaws.storage.store import TokenMismatch

Handler = Callable[[Document], Document]
"""An operation: takes a validated request and returns the answer's members; any other members are dropped."""


class Service(ABC):
    """One AWS service.

    Parameters
    ----------
    context : Context

    Attributes
    ----------
    name : str
        Its name in botocore, such as ``codebuild``.
    invalid : type of ApiError, default=ValidationError
        The error for a request that breaks a rule of the service's model.
    token_mismatch : type of ApiError, default=ValidationError
        The error for an idempotency token that is reused with other parameters.
    """

    name: ClassVar[str]
    invalid: ClassVar[type[ApiError]] = ValidationError
    token_mismatch: ClassVar[type[ApiError]] = ValidationError

    def __init__(self, context: Context) -> None:
        self.context = context

    @abstractmethod
    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations by name."""

    def routes(self) -> Mapping[str, Application]:
        """Return the applications that it serves beside its API, by path prefix."""
        return {}

    def refuse_unsupported(self, operation: str, request: Document) -> None:  # noqa: B027 - most have nothing to refuse
        """Raise UnsupportedOperation for a valid request that AWS carries out and this service does not."""

    async def start(self) -> None:  # noqa: B027 - most have nothing to do
        """Start what runs in the server's event loop; called before the first request."""

    @abstractmethod
    def recover(self) -> None:
        """Resume the work of the last server; called once, when the other services answer."""

    @abstractmethod
    def close(self) -> None:
        """Shut down with the server: leave nothing running."""

    def call(self, operation: str, request: Document) -> Document:
        """Check and carry out one request.

        Parameters
        ----------
        operation : str
            An operation name such as ``StartBuild``.
        request : dict
            Members as in botocore's model, times in seconds since the epoch.

        Raises
        ------
        ApiError
            If the request is invalid or cannot be carried out.
        """
        handler, model = self._handler(operation), self.model.operation_model(operation)
        try:
            answer = self._carry_out(handler, operation, request)
        except ApiError as error:
            note_refusal(model, error)
            raise
        answer = members_of(model.output_shape, answer) if model.output_shape else {}
        note_answer(model, answer)
        return answer

    def _carry_out(self, handler: Handler, operation: str, request: Document) -> Document:
        self.check(operation, request)
        self.refuse_unsupported(operation, request)
        try:
            answer = self.context.answered(f"{self.name}.{operation}", request)
            return handler(request) if answer is None else answer
        except TokenMismatch as error:
            raise self.token_mismatch(str(error)) from error

    def check(self, operation: str, request: Document) -> None:
        """Check a request against botocore's model.

        Raises
        ------
        ApiError
            It breaks a rule of the model.
        """
        input_shape = self.model.operation_model(operation).input_shape
        if input_shape is not None:
            try:
                check_members(input_shape, request)
            except ValidationError as error:
                raise self.invalid(error.message) from error

    @cached_property
    def model(self) -> ServiceModel:
        """Botocore's model of the service."""
        return service_model(self.name)

    @cached_property
    def operations(self) -> Mapping[str, Handler]:
        """The operations by name, created once."""
        return dict(self.handlers())

    def _handler(self, operation: str) -> Handler:
        if operation in self.operations:
            return self.operations[operation]
        if operation in self.model.operation_names:
            raise UnsupportedOperation(f"{operation} of {self.name} is not supported by local AWS")
        raise UnsupportedOperation(f"{operation} is not an operation of {self.name}")
