"""What a policy has to name for a request to CloudWatch Logs."""

import json
from typing import Any

import pytest

from localaws.account import authorization, log_arns

BEGINNING = "arn:aws:logs:us-east-1:000000000000:log-group:"


@pytest.mark.parametrize(
    ("operation", "request_", "resources"),
    [
        ("CreateLogGroup", {"logGroupName": "g"}, [f"{BEGINNING}g:log-stream:"]),
        ("FilterLogEvents", {"logGroupIdentifier": f"{BEGINNING}g"}, [f"{BEGINNING}g:log-stream:"]),
        ("PutLogEvents", {"logGroupName": "g", "logStreamName": "s"}, [f"{BEGINNING}g:log-stream:s"]),
        ("GetLogEvents", {"logGroupName": "g", "logStreamName": "s"}, [f"{BEGINNING}g:log-stream:s"]),
        ("StartQuery", {"logGroupNames": ["g", "h"]}, [f"{BEGINNING}g:log-stream:", f"{BEGINNING}h:log-stream:"]),
        ("TagResource", {"resourceArn": f"{BEGINNING}g"}, [f"{BEGINNING}g"]),
        ("DescribeLogGroups", {}, ["*"]),
        ("GetQueryResults", {"queryId": "q"}, [f"{BEGINNING}*"]),
    ],
)
def test_the_resources_of_a_request(operation: str, request_: dict[str, Any], resources: list[str]) -> None:
    checks = authorization.checks(f"Logs_20140328.{operation}", "/", json.dumps(request_).encode())
    assert [(check.action, check.resource) for check in checks] == [(f"logs:{operation}", each) for each in resources]


def test_tags_and_roles_that_a_request_brings_are_asked_for_too() -> None:
    made = {"logGroupName": "g", "tags": {"team": "ml"}}
    checks = authorization.checks("Logs_20140328.CreateLogGroup", "/", json.dumps(made).encode())
    assert [(check.action, check.resource) for check in checks] == [
        ("logs:CreateLogGroup", f"{BEGINNING}g:log-stream:"),
        ("logs:TagResource", f"{BEGINNING}g"),
    ]
    assert checks[1].context["aws:RequestTag/team"] == "ml"
    assert log_arns.tagged(f"{BEGINNING}g:log-stream:s") == f"{BEGINNING}g"
