"""What a service is to the server that it runs in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from localaws.api_errors import ApiError, ValidationError
from localaws.document import Document
from localaws.protocol.asgi import Application
from localaws.service.context import Context

Handler = Callable[[Document], Document]


class Service(ABC):
    """One AWS service.

    Parameters
    ----------
    context : Context

    Attributes
    ----------
    name : str
        Botocore's name of it, such as ``codebuild``.
    invalid : type of ApiError, default=ValidationError
        What it answers to a request that breaks a rule of its model.
    """

    name: ClassVar[str]
    invalid: ClassVar[type[ApiError]] = ValidationError

    def __init__(self, context: Context) -> None:
        self.context = context

    @abstractmethod
    def handlers(self) -> Mapping[str, Handler]:
        """The operations that are there, by name; each takes a checked request and gives the answer."""

    def routes(self) -> Mapping[str, Application]:
        """What it answers beside its API, by the beginning of the path."""
        return {}

    @abstractmethod
    def recover(self) -> None:
        """Go on with what ran when the last server died; called once, when the other services answer."""

    @abstractmethod
    def close(self) -> None:
        """The server ends: leave nothing behind that would go on alone."""
