"""A model's values as JSON: what NumPy, pandas, SciPy, PyTorch and the standard library put into dicts and lists."""

import decimal
from datetime import date, time
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """Return a value as JSON.

    Arrays, tensors and data frames become lists, NumPy's scalars and a Decimal numbers, times ISO 8601. What JSON
    lacks, NaN and infinities, and pandas' NA and NaT, is null.

    Raises
    ------
    TypeError
        Something has no form in JSON, such as bytes, a set, or a complex number.
    """
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        if "Dict key" not in str(error):
            raise
    return orjson.dumps(_with_plain_keys(value), default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    """Return what stands for an object that orjson does not know."""
    for name in ("toarray", "to_numpy", "tolist"):  # a sparse matrix; pandas; NumPy and PyTorch
        if callable(convert := getattr(value, name, None)):
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
