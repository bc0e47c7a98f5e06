"""Whether the policy of a resource allows a caller of another account an action: the gateway evaluates it.

Our servers keep policies of their resources, such as a model package group's; MiniStack knows callers and conditions.
"""

import http.client
import json
from dataclasses import asdict, dataclass, fields
from urllib.parse import urlsplit

POLICY_PATH = "/_localaws/policy"
_SECONDS = 30


@dataclass(frozen=True)
class PolicyQuestion:
    """What a policy is asked.

    Attributes
    ----------
    access_key : str
        The caller's.
    account_id : str
        The caller's.
    action : str
        Such as ``sagemaker:DescribeModelPackage``.
    resource : str
        An ARN.
    policy : str
        JSON.
    """

    access_key: str
    account_id: str
    action: str
    resource: str
    policy: str


def asked(body: bytes) -> PolicyQuestion:
    """Return the question in a request's body.

    Raises
    ------
    ValueError
        There is none.
    """
    found = json.loads(body)
    names = {field.name for field in fields(PolicyQuestion)}
    if (
        not isinstance(found, dict)
        or found.keys() != names
        or not all(isinstance(each, str) for each in found.values())
    ):
        raise ValueError(f"A question has the texts {', '.join(sorted(names))}.")
    return PolicyQuestion(**found)


@dataclass(frozen=True)
class PolicyAnswer:
    """What it says, and the ARN of the caller."""

    allowed: bool
    caller: str


def allowed(endpoint_url: str | None, question: PolicyQuestion) -> PolicyAnswer:
    """Return the answer to a question; no without a gateway to ask.

    Parameters
    ----------
    endpoint_url : str or None
        The gateway's.
    question : PolicyQuestion
    """
    if endpoint_url is None:
        return PolicyAnswer(False, f"arn:aws:iam::{question.account_id}:root")
    connection = http.client.HTTPConnection(urlsplit(endpoint_url).netloc, timeout=_SECONDS)
    try:
        connection.request("POST", POLICY_PATH, json.dumps(asdict(question)).encode())
        return PolicyAnswer(**json.loads(connection.getresponse().read()))
    finally:
        connection.close()
