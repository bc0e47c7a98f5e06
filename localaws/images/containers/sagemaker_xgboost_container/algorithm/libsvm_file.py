"""LIBSVM: ``<label>[:<weight>] [qid:<group>] <index>:<value> <index>:<value> ...``, a row a line.

Indices are taken as they are, as xgboost's own reader does: where they begin at 1, column 0 is empty.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import ClientError
from .examples import Examples

_SHOWN = 50


def read(path: Path) -> Examples:
    """Return the examples of a file.

    Raises
    ------
    ClientError
        Names the file, and the line that is wrong.
    """
    return parse(path.read_bytes(), path.name)


def parse(data: bytes, name: str) -> Examples:
    """Return the examples of a LIBSVM text; the features are a csr_matrix of float32.

    Parameters
    ----------
    data : bytes
    name : str
        What an error calls it.
    """
    heads: list[bytes] = []
    tails: list[bytes] = []
    groups: list[bytes] = []
    counts = [0]
    for line in data.splitlines():
        head, *tail = line.partition(b"#")[0].split(None, 1)[:2] or [b""]
        if not head:
            continue
        rest = tail[0] if tail else b""
        if rest.startswith(b"qid:"):
            group, _, rest = rest[4:].partition(b" ")
            groups.append(group)
        heads.append(head)
        tails.append(rest)
        counts.append(rest.count(b":"))
    if not heads:
        raise ClientError(f"{name} has no rows")
    try:
        return _examples(heads, tails, groups, counts)
    except ValueError as error:
        raise _first_fault(data, name) or ClientError(f"{name} is not LIBSVM: {error}") from error


def _examples(heads: list[bytes], tails: list[bytes], groups: list[bytes], counts: list[int]) -> Examples:
    from scipy import sparse  # noqa: PLC0415 - CSV needs none of it

    if groups and len(groups) != len(heads):
        raise ValueError("some rows have a qid and others have none")
    has_weights = b":" in heads[0]
    labels = np.array([head.split(b":") for head in heads] if has_weights else heads).astype(np.float32)
    starts = np.cumsum(counts)
    pairs = np.array(b" ".join(tails).replace(b":", b" ").split(), dtype="S").astype(np.float64)
    if len(pairs) != 2 * starts[-1]:
        raise ValueError("a value without an index")
    indices = pairs[::2].astype(np.int64)
    if len(indices) and (indices.min() < 0 or (indices != pairs[::2]).any()):
        raise ValueError("an index that is no natural number")
    shape = (len(heads), int(indices.max()) + 1 if len(indices) else 1)
    return Examples(
        sparse.csr_matrix((pairs[1::2].astype(np.float32), indices, starts), shape),
        labels[:, 0] if has_weights else labels,
        labels[:, 1] if has_weights else None,
        np.array(groups).astype(np.int64) if groups else None,
    )


def _first_fault(data: bytes, name: str) -> ClientError | None:
    """Return the first line that is no LIBSVM, None if each is, for itself."""
    with_weight = None
    for number, line in enumerate(data.splitlines(), 1):
        words = line.partition(b"#")[0].split()
        if not words:
            continue
        if with_weight is None:
            with_weight = b":" in words[0]
        whole = all(_is_pair(word) for word in words[1:])
        if not whole or not _is_label(words[0]) or (b":" in words[0]) != with_weight:
            shown = line[:_SHOWN].decode("utf-8", "replace")
            return ClientError(
                f"{name}, line {number}: '{shown}' is not in LIBSVM format, <label> <index>:<value> ...; CSV needs the"
                " channel's ContentType text/csv"
            )
    return None


def _is_label(word: bytes) -> bool:
    parts = word.split(b":")
    return len(parts) <= 2 and all(map(_is_number, parts))


def _is_pair(word: bytes) -> bool:
    index, _, value = word.partition(b":")
    return (index == b"qid" or index.isdigit()) and _is_number(value)


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
