"""Why a request gets no prediction."""

from __future__ import annotations

from http import HTTPStatus


class RefusedError(Exception):
    """A request is refused.

    Parameters
    ----------
    status : HTTPStatus
        As AWS's container answers.
    sentence : str
        What the caller reads.
    """

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class ModelError(Exception):
    """A model cannot be loaded; names its file."""
