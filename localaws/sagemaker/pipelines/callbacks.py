"""The tokens that callback steps wait for, and the answers to them."""

import secrets
import threading
from dataclasses import dataclass, field

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.storage.store import Resource, Store

_KIND = "callback"
_TOKEN_CHARACTERS = 10


@dataclass(frozen=True)
class Callback:
    """A waiting callback step.

    Attributes
    ----------
    token : str
    answered : threading.Event
        Set when the callback was answered.
    """

    token: str
    answered: threading.Event = field(default_factory=threading.Event)


class Callbacks:
    """The callback steps of one local SageMaker that wait for an answer.

    Tokens and answers are in the store: an acknowledged answer survives this server's death.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, Callback] = {}

    def open(self, execution_arn: str, token: str | None = None) -> Callback:
        """Return the callback that a step of an execution waits for.

        Parameters
        ----------
        execution_arn : str
        token : str, optional
            The token that the step was waiting for when the server died. By default a new one is created, with ten
            characters as in botocore's model.
        """
        callback = Callback(token or secrets.token_hex(_TOKEN_CHARACTERS // 2))
        self._waiting[callback.token] = callback
        with self._store.transaction():
            added = self._store.add(Resource(_KIND, callback.token, _key(callback.token), {}, parent=execution_arn))
            if not added and self.given(callback) is not None:
                callback.answered.set()
        return callback

    def given(self, callback: Callback) -> Document | None:
        """Return the answer to a token, ``{"outputs": {...}}`` or ``{"reason": "..."}``; None before."""
        found = self._store.by_arn(_key(callback.token))
        return found.document or None if found else None

    def close(self, callback: Callback) -> None:
        """Stop waiting for a token. An answer is kept while its execution runs: the step's end is not stored yet."""
        self._waiting.pop(callback.token, None)
        with self._store.transaction():
            if self.given(callback) is None:
                self._store.remove(_key(callback.token))

    def forget(self, execution_arn: str) -> None:
        """Delete the tokens of an execution that has ended."""
        for callback in self._store.every(_KIND, parent=execution_arn):
            self._store.remove(callback.arn)

    def answer(self, token: str, answer: Document) -> str:
        """Answer a token, once; return the ARN of the execution that waits for it.

        Parameters
        ----------
        token : str
        answer : dict
            As `given` returns it.

        Raises
        ------
        ValidationError
            If no step waits for it (any more).
        """
        with self._store.transaction():
            found = self._store.by_arn(_key(token))
            if found is None or found.document:
                raise ValidationError(f"No step waits for the callback token '{token}'")
            self._store.change(found.arn, lambda document, _: document.update(answer))
            if (callback := self._waiting.get(token)) is not None:
                self._store.after_commit(callback.answered.set)
        return found.parent


def _key(token: str) -> str:
    return f"callback/{token}"
