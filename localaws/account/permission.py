"""Whether a role may do what its service does for it without a request: the gateway is asked as if there were one.

SageMaker's steps call its own operations within its process, and CodePipeline packs a commit by CodeCommit's
``UploadArchive``, which no client has. What AWS would send is signed by the role, asked about, and goes nowhere else.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from localaws.account.guard import ALLOWED, AUTHORIZE_PATH
from localaws.account.resource_tags import with_tags

_SECONDS = 30


@dataclass(frozen=True)
class Question:
    """A request that is not made.

    Attributes
    ----------
    service : str
        Whose it would be, as it is signed: ``sagemaker``.
    target : str
        Its ``X-Amz-Target``, such as ``SageMaker.CreateModel``.
    members : dict
    """

    service: str
    target: str
    members: dict[str, Any]


def require(endpoint_url: str, region: str, credentials: ReadOnlyCredentials, question: Question) -> None:
    """Return if the owner of these credentials may make a request.

    Raises
    ------
    ClientError
        The answer that the request would get.
    """
    body = json.dumps(question.members, default=str).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": question.target}
    signed = AWSRequest("POST", f"{endpoint_url.rstrip('/')}/", headers=headers, data=body)
    SigV4Auth(credentials, question.service, region).add_auth(signed)
    asked = urlencode({"method": "POST", "path": "/", "query": ""})
    connection = http.client.HTTPConnection(urlsplit(endpoint_url).netloc, timeout=_SECONDS)
    try:
        headers = dict(signed.headers.items())
        connection.request("POST", f"{AUTHORIZE_PATH}?{asked}", with_tags({}, body), headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status != ALLOWED.status:
        raise ClientError(_error(answer.status, text), question.target.rpartition(".")[2])


def _error(status: int, text: bytes) -> dict[str, Any]:
    found = json.loads(text)
    words = {"Code": found.get("__type", ""), "Message": found.get("message", "")}
    return {"Error": words, "ResponseMetadata": {"HTTPStatusCode": status}}
