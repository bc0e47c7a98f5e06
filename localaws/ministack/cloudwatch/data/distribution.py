"""The values of a period and how often each was seen, in bounded space.

While few values differ they are kept as they are. Else each becomes the middle of its bucket; a bucket's ends are 2 %
apart, so that a value is off by `RELATIVE_ERROR` at most. A bucket's middle stays in its bucket however often it is put
there again: rolling up adds no error.

Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees" (2019), has
the proof. CloudWatch's agent rounds likewise, to 10 %.
"""

import math
import zlib
from array import array
from collections.abc import Iterable, Mapping

Distribution = Mapping[float, float]
"""How often each value was seen. None is negative: of negative values, CloudWatch has no percentiles."""

RELATIVE_ERROR = 0.01
_RATIO = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_RATIO = math.log(_RATIO)
_MIDDLE = 2 / (_RATIO + 1)
# CloudWatch takes values down to 2^-360, which is bucket -12,472.
_LEAST, _ZERO = -32_000, -32_768
_EXACT, _BUCKETS = b"e", b"b"


def merged(parts: Iterable[Distribution]) -> dict[float, float]:
    """Return what several distributions are together."""
    total: dict[float, float] = {}
    for part in parts:
        for value, count in part.items():
            total[value] = total.get(value, 0.0) + count
    return total


def encoded(distribution: Distribution, most_values: int) -> bytes:
    """Return a distribution as bytes, in buckets if more than `most_values` values differ."""
    if len(distribution) <= most_values:
        values = sorted(distribution)
        return _EXACT + _packed(array("d", values), [distribution[value] for value in values])
    counts: dict[int, float] = {}
    for value, count in distribution.items():
        number = _bucket(value)
        counts[number] = counts.get(number, 0.0) + count
    numbers = sorted(counts)
    return _BUCKETS + _packed(array("h", numbers), [counts[number] for number in numbers])


def decoded(content: bytes) -> dict[float, float]:
    """Return the distribution that was encoded."""
    exact = content[:1] == _EXACT
    keys = array("d" if exact else "h")
    plain = zlib.decompress(content[1:])
    number = len(plain) // (keys.itemsize + 8)
    keys.frombytes(plain[: number * keys.itemsize])
    counts = array("d")
    counts.frombytes(plain[number * keys.itemsize :])
    return dict(zip(keys if exact else map(_middle, keys), counts, strict=True))


def _packed(keys: "array[float] | array[int]", counts: list[float]) -> bytes:
    return zlib.compress(keys.tobytes() + array("d", counts).tobytes(), 1)


def _bucket(value: float) -> int:
    return max(math.ceil(math.log(value) / _LOG_RATIO), _LEAST) if value > 0 else _ZERO


def _middle(number: float) -> float:
    return _MIDDLE * _RATIO**number if number != _ZERO else 0.0
