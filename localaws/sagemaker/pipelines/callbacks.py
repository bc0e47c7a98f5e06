"""The tokens that callback steps wait for."""

import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

from localaws.sagemaker.errors import ValidationError

_TOKEN_CHARACTERS = 10


@dataclass
class Callback:
    """A callback step that waits.

    Attributes
    ----------
    answered : threading.Event
        Set when somebody has answered, or the execution is stopped.
    outputs : dict of str to str, or None
        What was sent with success.
    reason : str or None
        What was sent with failure.
    """

    token: str
    execution_arn: str
    answered: threading.Event = field(default_factory=threading.Event)
    outputs: dict[str, Any] | None = None
    reason: str | None = None


class Callbacks:
    """The callback steps of one local SageMaker that wait for an answer."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callback] = {}

    def open(self, execution_arn: str, token: str | None = None) -> Callback:
        """A token for a step of an execution to wait for: a new one, ten characters as in botocore's model, or the
        one that it waited for already when a server's end interrupted it."""
        callback = Callback(token or secrets.token_hex(_TOKEN_CHARACTERS // 2), execution_arn)
        self._waiting[callback.token] = callback
        return callback

    def close(self, callback: Callback) -> None:
        """Forget a token."""
        self._waiting.pop(callback.token, None)

    def answer(self, token: str, outputs: dict[str, Any] | None, reason: str | None) -> str:
        """Answer a token, once; the execution that waited.

        Raises
        ------
        ValidationError
            Nobody waits for it (any more).
        """
        callback = self._waiting.pop(token, None)
        if callback is None:
            raise ValidationError(f"No step waits for the callback token '{token}'")
        callback.outputs, callback.reason = outputs, reason
        callback.answered.set()
        return callback.execution_arn
