"""Objects of many megabytes: as they were sent, whatever comes in between."""

import hashlib
import io
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from tests.conftest import LocalAws, stalls_of

MB = 1024 * 1024
BODY = os.urandom(20 * MB)


@pytest.fixture(autouse=True)
def loops_go_on(local_aws: LocalAws) -> Iterator[None]:
    """No event loop stalls for a tenth of a second in any of these tests."""
    before = stalls_of(local_aws.state_dir, 0.1)
    yield
    assert stalls_of(local_aws.state_dir, 0.1) == before


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws) -> str:
    name = f"large-{uuid.uuid4().hex[:8]}"
    local_aws.client("s3").create_bucket(Bucket=name)
    return name


def read(s3: Any, bucket: str, key: str, **more: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read())


def test_hook_large_bodies_arrive_whole(local_aws: LocalAws, bucket: str, tmp_path: Path) -> None:
    """`move_large_bodies`, `read_large_bodies`: put, in parts, copied, and read by ranges."""
    s3, parts = local_aws.client("s3"), TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB)
    put = s3.put_object(Bucket=bucket, Key="put", Body=BODY, ChecksumAlgorithm="SHA256")
    assert put["ETag"].strip('"') == hashlib.md5(BODY).hexdigest()
    s3.upload_fileobj(io.BytesIO(BODY), bucket, "parts", Config=parts)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "parts"})
    assert [read(s3, bucket, key) == BODY for key in ("put", "parts", "copy")] == [True] * 3
    assert read(s3, bucket, "put", Range="bytes=9999999-10000005") == BODY[9999999:10000006]
    assert read(s3, bucket, "put", Range="bytes=-3") == BODY[-3:]
    s3.download_file(bucket, "parts", str(tmp_path / "file"), Config=parts)
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_hook_a_checksum_is_computed_in_c(local_aws: LocalAws, bucket: str, algorithm: str) -> None:
    """`move_large_bodies`: byte by byte, this took two seconds in which nobody was answered."""
    s3 = local_aws.client("s3")
    put = s3.put_object(Bucket=bucket, Key=algorithm, Body=BODY, ChecksumAlgorithm=algorithm)
    told = s3.get_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
    assert told["Body"].read() == BODY  # botocore has compared it
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert told[f"Checksum{algorithm}"]


def test_hook_changes_of_one_object_do_not_mix(local_aws: LocalAws, bucket: str) -> None:
    """`change_one_at_a_time`: the record and the file are those of one request."""
    s3 = local_aws.client("s3", config=None)
    bodies = [bytes([number]) * (3 * MB) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda body: s3.put_object(Bucket=bucket, Key="same", Body=body), bodies))
    told = s3.get_object(Bucket=bucket, Key="same")
    body = told["Body"].read()
    assert body in bodies
    assert told["ETag"].strip('"') == hashlib.md5(body).hexdigest()


def test_hook_a_list_goes_on_where_its_page_ended(local_aws: LocalAws, bucket: str) -> None:
    """`list_by_pages`."""
    s3 = local_aws.client("s3")
    keys = sorted(f"list/{number % 3}/{number:02}" for number in range(30))
    for key in reversed(keys):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="list/", PaginationConfig={"PageSize": 7}
    )
    assert [each["Key"] for found in pages for each in found["Contents"]] == keys
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    assert [each["Prefix"] for found in pages for each in found["CommonPrefixes"]] == ["list/0/", "list/1/", "list/2/"]
