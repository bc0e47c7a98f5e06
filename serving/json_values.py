"""A model's values as JSON: what NumPy, pandas, SciPy, PyTorch and the standard library put into dicts and lists.

A number that is not finite is refused. AWS's toolkits write `NaN` and `Infinity` (their encoder is Python's json),
which no other parser of JSON has to take; null, orjson's way, would be a prediction lost without a word.
"""

import dataclasses
import decimal
import math
from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import orjson

from serving.errors import NotAcceptableError


def dumps(value: Any, name: str) -> bytes:
    """Return a value as JSON.

    Arrays, tensors and data frames become lists, NumPy's scalars and a Decimal numbers, times ISO 8601; pandas' NA and
    NaT null.

    Parameters
    ----------
    value : object
    name : str
        What a sentence about it calls the value.

    Raises
    ------
    NotAcceptableError
        A number in it is not finite: the sentence says which, and where.
    TypeError
        Something has no form in JSON, such as bytes, a set, or a complex number.
    """
    written = _written(value)
    if b"null" in written and (found := next(_not_finite(value, name), None)):
        place, number = found
        raise NotAcceptableError(f"{place} is {number}, which JSON has no form for: CSV and npy have.")
    return written


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        if "Dict key" not in str(error):
            raise
    return orjson.dumps(_with_plain_keys(value), default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _not_finite(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the place and value of each number that JSON lacks."""
    if isinstance(value, float | decimal.Decimal):
        if not math.isfinite(value):
            yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _not_finite(item, f"{place}[{number}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _not_finite(vars(value), place)
    elif convert := _converter(value):
        yield from _not_finite(convert(), place)


def _converter(value: Any) -> Callable[[], Any] | None:
    """Return what makes something plainer of an array, or of a scalar of one; None for what is neither."""
    names = ("toarray", "to_numpy", "tolist")  # a sparse matrix; pandas; NumPy and PyTorch
    return next((found for name in names if callable(found := getattr(value, name, None))), None)


def _plain(value: Any) -> Any:
    """Return what stands for an object that orjson does not know."""
    if convert := _converter(value):
        return convert()
    if isinstance(value, decimal.Decimal):
        return orjson.Fragment(str(value)) if value.is_finite() else None
    if isinstance(value, date | time):  # pandas' Timestamp, a subclass
        return None if value != value else value.isoformat()  # noqa: PLR0124 - NaT is not equal to itself
    if type(value).__name__ == "NAType":
        return None
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _with_plain_keys(value: Any) -> Any:
    """Return a value with NumPy's scalars as plain keys: the classes of a scikit-learn model are such."""
    if isinstance(value, dict):
        return {getattr(key, "item", lambda key=key: key)(): _with_plain_keys(item) for key, item in value.items()}
    return [_with_plain_keys(item) for item in value] if isinstance(value, list | tuple) else value
