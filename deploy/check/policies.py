"""Policy documents of IAM, in which a single value may replace a list."""

import json
from typing import Any

from botocore.exceptions import ClientError


def listed(value: Any) -> list[Any]:
    """Return what is a list or a single thing as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a document."""
    return listed(document.get("Statement", []))


def of_function(lambda_client: Any, function_name: str) -> list[dict[str, Any]]:
    """Return the statements of a function's own policy; nothing when it has none."""
    try:
        text = lambda_client.get_policy(FunctionName=function_name)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return statements(json.loads(text))
