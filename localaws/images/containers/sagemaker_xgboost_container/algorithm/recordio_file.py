"""RecordIO-protobuf: records of SageMaker's ``Record`` message, each with ``values`` among its features and its label.

Source: "Common Data Formats for Training" in the SageMaker guide. A record in a file is a magic number, its length, and
itself up to a multiple of four bytes. The message is small enough to be read without protobuf::

    Record {map<string, Value> features = 1; map<string, Value> label = 2; ...}
    Value  {oneof {Float32Tensor = 2; Float64Tensor = 3; Int32Tensor = 7; Bytes = 9}}
    Tensor {repeated values = 1; repeated uint64 keys = 2; repeated uint64 shape = 3;}
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ClientError
from .examples import Examples

_MAGIC = 0xCED7230A
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_FLOATS = {2: "<f4", 3: "<f8"}
_INTEGERS = 7


@dataclass(frozen=True)
class _Tensor:
    """The numbers of a feature or a label; with keys, those are the columns of the values, and there are width."""

    values: Any
    keys: Any
    width: int


def read(path: Path) -> Examples:
    """Return the examples of a file; the features are a csr_matrix if the records say which columns they have.

    Raises
    ------
    ClientError
        Names the file, and the record that is wrong.
    """
    features: list[_Tensor] = []
    labels: list[float] = []
    for number, record in enumerate(_records(path.read_bytes(), path.name), 1):
        try:
            found = {field: _tensor_of(entry) for field, entry in _fields(record) if field in (1, 2)}
            labels.append(float(found[2].values[0]))
            features.append(found[1])
        except (KeyError, IndexError, ValueError, struct.error) as error:
            raise ClientError(f"{path.name}, record {number}: no features and label as numbers: {error}") from error
    if not features:
        raise ClientError(f"{path.name} has no records")
    return Examples(_matrix(features, path.name), np.array(labels, np.float32))


def _records(data: bytes, name: str) -> Iterator[bytes]:
    offset = 0
    while offset < len(data):
        head = data[offset : offset + 8]
        magic, length = struct.unpack("<II", head) if len(head) == 8 else (0, 0)
        if magic != _MAGIC or offset + 8 + length > len(data):
            raise ClientError(f"{name} is not RecordIO at byte {offset}")
        yield data[offset + 8 : offset + 8 + length]
        offset += 8 + (length + 3) // 4 * 4


def _matrix(features: list[_Tensor], name: str) -> Any:
    if all(each.keys is None for each in features):
        if len({len(each.values) for each in features}) > 1:
            raise ClientError(f"{name}: the records have different numbers of features")
        return np.array([each.values for each in features], np.float32)
    from scipy import sparse  # noqa: PLC0415 - dense records need none of it

    keys = [np.arange(len(each.values)) if each.keys is None else each.keys for each in features]
    width = max(max(each.width, int(own.max(initial=-1)) + 1) for each, own in zip(features, keys))  # noqa: B905
    starts = np.cumsum([0, *(len(own) for own in keys)])
    values = np.concatenate([each.values for each in features]).astype(np.float32)
    return sparse.csr_matrix((values, np.concatenate(keys), starts), (len(features), width))


def _tensor_of(entry: bytes) -> _Tensor:
    """Return the tensor of an entry of a map: its key is field 1, its value field 2."""
    value = dict(_fields(entry))[2]
    for kind, tensor in _fields(value):
        if kind in _FLOATS or kind == _INTEGERS:
            return _tensor(tensor, _FLOATS.get(kind))
    raise ValueError("not a tensor of numbers")


def _tensor(data: bytes, floats: str | None) -> _Tensor:
    parts: dict[int, list[Any]] = {1: [], 2: [], 3: []}
    for field, content in _fields(data):
        if isinstance(content, int):
            parts[field].append(content)
        elif field == 1 and floats:
            parts[1].extend(np.frombuffer(content, floats).tolist())
        else:
            parts[field].extend(_varints(content))
    values = np.array(parts[1], np.float64)
    if not floats:
        values = values.astype(np.int64).astype(np.int32).astype(np.float64)
    keys = np.array(parts[2], np.int64) if parts[2] or (parts[3] and not len(values)) else None
    if keys is not None and len(keys) != len(values):
        raise ValueError(f"{len(keys)} keys for {len(values)} values")
    return _Tensor(values, keys, int(parts[3][0]) if parts[3] else 0)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and the content of each field of a message: bytes, or a number of a field that is a varint."""
    offset = 0
    while offset < len(data):
        tag, offset = _varint(data, offset)
        kind = tag & 7
        if kind == _VARINT:
            number, offset = _varint(data, offset)
            yield tag >> 3, number
            continue
        if kind == _LENGTH:
            size, offset = _varint(data, offset)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"a field of the wire type {kind}")
        if offset + size > len(data):
            raise ValueError("it ends within a field")
        yield tag >> 3, data[offset : offset + size]
        offset += size


def _varints(data: bytes) -> list[int]:
    found, offset = [], 0
    while offset < len(data):
        number, offset = _varint(data, offset)
        found.append(number)
    return found


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[offset]
        number |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, offset
