"""RecordIO-protobuf, written here as the SageMaker guide describes the message."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sagemaker_xgboost_container.algorithm import data
from sagemaker_xgboost_container.algorithm.errors import ClientError

FLOAT32, FLOAT64, INT32 = 2, 3, 7


def field(number: int, content: bytes) -> bytes:
    """A field of a message whose content has a length, below 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def tensor(kind: int, values: Sequence[float], keys: bytes = b"", shape: bytes = b"") -> bytes:
    """A Value: the numbers are packed, the keys and the shape are single bytes each."""
    packed = {FLOAT32: "f", FLOAT64: "d"}.get(kind)
    content = struct.pack(f"<{len(values)}{packed}", *values) if packed else bytes(map(int, values))
    more = (field(2, keys) if keys else b"") + (field(3, shape) if shape else b"")
    return field(kind, (field(1, content) if values else b"") + more)


def record(features: bytes, label: bytes) -> bytes:
    """A record with its frame."""
    entries = [field(number, field(1, b"values") + field(2, value)) for number, value in ((1, features), (2, label))]
    message = b"".join(entries)
    return struct.pack("<II", 0xCED7230A, len(message)) + message + bytes(-len(message) % 4)


def test_dense_records(tmp_path: Path) -> None:
    records = [
        record(tensor(FLOAT32, [0.5, 2]), tensor(FLOAT32, [1])),
        record(tensor(FLOAT64, [3, 4]), tensor(INT32, [7])),
    ]
    (tmp_path / "rows.pb").write_bytes(b"".join(records))
    found = data.read(tmp_path, "recordio-protobuf")
    assert found is not None
    assert found.features.tolist() == [[0.5, 2], [3, 4]]
    assert found.labels.tolist() == [1, 7]


def test_sparse_records(tmp_path: Path) -> None:
    records = [
        record(tensor(FLOAT32, [5, 6], keys=b"\x00\x02", shape=b"\x04"), tensor(FLOAT32, [1])),
        record(tensor(FLOAT32, [], shape=b"\x04"), tensor(FLOAT32, [0])),
    ]
    (tmp_path / "rows.pb").write_bytes(b"".join(records))
    found = data.read(tmp_path, "recordio-protobuf")
    assert found is not None
    assert found.features.toarray().tolist() == [[5, 0, 6, 0], [0, 0, 0, 0]]
    assert np.array_equal(found.labels, [1, 0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1,2,3\n", "bad is not RecordIO at byte 0"),
        (record(tensor(FLOAT32, [1]), tensor(FLOAT32, [1]))[:-8], "bad is not RecordIO at byte 0"),
        (record(tensor(FLOAT32, [1]), tensor(FLOAT32, [])), "bad, record 1: no features and label as numbers"),
        (record(field(9, b"text"), tensor(FLOAT32, [1])), "bad, record 1: no features and label as numbers"),
        (record(tensor(FLOAT32, [1, 2], keys=b"\x01"), tensor(FLOAT32, [1])), "bad, record 1: .*1 keys for 2 values"),
        (struct.pack("<II", 0xCED7230A, 4) + b"\xff\xff\xff\xff", "bad, record 1: no features and label as numbers"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ClientError, match=said):
        data.read(tmp_path, "recordio-protobuf")
