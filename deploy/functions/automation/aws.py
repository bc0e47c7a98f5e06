"""The clients of the AWS API, and the table of claims: made when first needed, once for each process."""

import os
from functools import cache
from typing import Any

import boto3
from claims import Claims


@cache
def client(service: str, region_name: str | None = None) -> Any:
    """Return the boto3 client of a service, in another region if it is named."""
    return boto3.client(service, region_name=region_name)


@cache
def claims() -> Claims:
    """Return the project's table of claims."""
    return Claims(client("dynamodb"), os.environ["CLAIMS_TABLE"])
