"""What all formats become: features, labels, and weights and groups where the format has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import ClientError


@dataclass(frozen=True)
class Examples:
    """Rows to learn from.

    Attributes
    ----------
    features : ndarray or csr_matrix of shape (n_rows, n_features)
        Missing values are NaN, or not there.
    labels : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,) or None
    groups : ndarray of shape (n_rows,) or None
        The query that each row belongs to, for ranking.
    """

    features: Any
    labels: Any
    weights: Any = None
    groups: Any = None

    @property
    def n_rows(self) -> int:
        """How many there are."""
        return len(self.labels)


def joined(parts: Sequence[Examples]) -> Examples:
    """Return the examples of several files as one; sparse rows are as wide as the widest.

    Raises
    ------
    ClientError
        Some have weights or groups, and others have none.
    """
    if len(parts) == 1:
        return parts[0]
    columns = {}
    for name in ("weights", "groups"):
        values = [getattr(part, name) for part in parts]
        if any(value is None for value in values) and any(value is not None for value in values):
            raise ClientError(f"Some files have {name} and others have none")
        columns[name] = None if values[0] is None else np.concatenate(values)
    features = [part.features for part in parts]
    return Examples(_stacked(features), np.concatenate([part.labels for part in parts]), **columns)


def _stacked(features: Sequence[Any]) -> Any:
    if all(isinstance(part, np.ndarray) for part in features):
        return np.concatenate(features)
    from scipy import sparse  # noqa: PLC0415 - dense files need none of it

    width = max(part.shape[1] for part in features)
    whole = [sparse.csr_matrix((each.data, each.indices, each.indptr), (each.shape[0], width)) for each in features]
    return sparse.vstack(whole, format="csr")
