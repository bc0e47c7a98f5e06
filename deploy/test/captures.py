"""What data capture wrote: JSON lines under <upload path>/<endpoint>/<variant>/<year>/<month>/<day>/<hour>/."""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

_POLL_SECONDS = 0.5


def wait_for(
    s3_client: Any, uri: str, inference_ids: set[str], since: datetime, seconds: float
) -> list[dict[str, Any]]:
    """Wait until calls are found in the files of data capture.

    Parameters
    ----------
    s3_client : boto3 S3 client
    uri : str
        Of the endpoint's folder.
    inference_ids : set of str
        Of the calls; all of them are looked for.
    since : datetime
        Files written before are not read.
    seconds : float
        How long to wait.

    Returns
    -------
    captures : list of dict
        Those of the calls that were found in time.
    """
    deadline = time.monotonic() + seconds
    # The clocks of S3 and of this machine are not the same.
    earliest = since - timedelta(seconds=60)
    read: set[str] = set()
    found: dict[str, dict[str, Any]] = {}
    while True:
        for key in _new_files(s3_client, uri, earliest, read):
            found.update(_captured(s3_client, urlsplit(uri).netloc, key, inference_ids))
        if len(found) == len(inference_ids) or time.monotonic() > deadline:
            return list(found.values())
        time.sleep(_POLL_SECONDS)


def _new_files(s3_client: Any, uri: str, since: datetime, read: set[str]) -> Iterator[str]:
    place = urlsplit(uri)
    pages = s3_client.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path.lstrip("/"))
    for page in pages:
        for item in page.get("Contents", []):
            # An object that has grown is another one.
            version = f"{item['Key']} {item['ETag']}"
            if item["LastModified"] >= since and version not in read:
                read.add(version)
                yield item["Key"]


def _captured(s3_client: Any, bucket: str, key: str, inference_ids: set[str]) -> dict[str, dict[str, Any]]:
    body = s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()
    lines = [json.loads(line) for line in body.splitlines() if line.strip()]
    by_id = {line.get("eventMetadata", {}).get("inferenceId"): line for line in lines}
    return {name: line for name, line in by_id.items() if name in inference_ids}
