"""How a batch transform cuts an object into request bodies."""

import dataclasses
import time
from typing import Any

import pytest

from localaws.containers.errors import JobFailure
from localaws.sagemaker.jobs.transform import Requests

LINES = Requests(
    port=1,
    content_type="text/csv",
    accept="*/*",
    limit=10,
    seconds=1.0,
    retries=0,
    by_line=True,
    many=True,
    assemble=True,
)


@pytest.mark.parametrize(
    ("changes", "bodies"),
    [
        ({}, [b"1,2\n3,4\n", b"5,6\n\xff\n7"]),
        ({"many": False}, [b"1,2\n", b"3,4\n", b"5,6\n", b"\xff\n", b"7"]),
        ({"by_line": False, "limit": 100}, [b"1,2\n3,4\n\n5,6\n\xff\n7"]),
        ({"limit": 6}, [b"1,2\n", b"3,4\n", b"5,6\n\xff\n", b"7"]),
    ],
)
def test_a_body_holds_as_many_records_as_the_limit_allows(changes: dict[str, Any], bodies: list[bytes]) -> None:
    requests = dataclasses.replace(LINES, **changes)
    assert list(requests.bodies(b"1,2\n3,4\n\n5,6\n\xff\n7", "data.csv")) == bodies


def test_a_record_over_the_limit_fails_the_job() -> None:
    with pytest.raises(JobFailure, match=r"data\.csv: a record of 12 bytes"):
        list(LINES.bodies(b"1\n2345678901,\n", "data.csv"))


def test_the_time_grows_with_the_number_of_records() -> None:
    """Four times the records take four times as long; with a body that is copied for each, sixteen times."""
    requests = dataclasses.replace(LINES, limit=6 << 20)

    def seconds(records: int) -> float:
        data = b"".join(b"%d.0,2.0\n" % number for number in range(records))
        began = time.process_time()
        assert b"".join(requests.bodies(data, "data.csv")) == data
        return time.process_time() - began

    assert seconds(200_000) < 10 * max(seconds(50_000), seconds(50_000))
