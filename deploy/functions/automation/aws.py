"""The clients of the AWS API, and the table of claims: made when first needed, once for each process."""

import os
from functools import cache
from typing import Any

import boto3
from claims import Claims


@cache
def client(service: str) -> Any:
    """Return the boto3 client of a service."""
    return boto3.client(service)


@cache
def claims() -> Claims:
    """Return the project's table of claims."""
    return Claims(client("dynamodb"), os.environ["CLAIMS_TABLE"])
