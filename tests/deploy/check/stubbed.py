"""Clients that give the answers of a test, each held against the service's model by botocore's Stubber."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.stub import Stubber

Answers = list[tuple[str, dict[str, Any] | str]]
"""An operation's name and its answer; one that is a text is an error's code, or its HTTP status."""


def stubbed_clients(answers: Mapping[str, Answers]) -> dict[str, Any]:
    """Return a client for each service, by its name; in a keyword the name has _ for -."""
    clients = {}
    for service, given in answers.items():
        name = service.replace("_", "-")
        clients[name] = boto3.client(name, "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        stubber = Stubber(clients[name])
        for operation, answer in given:
            if isinstance(answer, str):
                status = int(answer) if answer.isdigit() else 400
                stubber.add_client_error(operation, answer, "no", http_status_code=status)
            else:
                stubber.add_response(operation, answer)
        stubber.activate()
    return clients
