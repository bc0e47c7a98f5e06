"""Which of our servers answers a request, and for which service: one row for each service of our own.

A request is known by the first part of its ``X-Amz-Target``, by its path, or by the service that it was signed for.
What is in no row is MiniStack's. A service that is here and has no operation of a name refuses it by name: MiniStack
would report success and do nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from localaws.protocol.asgi import Scope

# SigV4: "Credential=AKID/20260101/us-east-1/sagemaker/aws4_request", in the header or in a presigned query.
_SIGNED_SERVICE = re.compile(rb"Credential=[^/,]+(?:/|%2F)\d+(?:/|%2F)[^/,%]+(?:/|%2F)([^/,%]+)(?:/|%2F)aws4_request")

GIT_PATH = "/v1/repos/"
"""Where CodeCommit's repositories are for git; no bucket can be named v1."""


@dataclass(frozen=True)
class Route:
    """How requests for a service are known, and who answers them.

    Attributes
    ----------
    service : str
        Botocore's name of it.
    server : str
        The name of the server (`localaws.settings.SERVER_NAMES`).
    target_prefix : str
        What ``X-Amz-Target`` begins with, up to the dot; empty when its requests have none.
    path : str
        The beginning of the paths that are its own; empty when there is none.
    signing_name : str
        The service that its requests are signed for (botocore's ``signingName``).
    """

    service: str
    server: str
    target_prefix: str = ""
    path: str = ""
    signing_name: str = ""


ROUTES = (
    Route("application-autoscaling", "services", "AnyScaleFrontendService", signing_name="application-autoscaling"),
    Route("codebuild", "services", "CodeBuild_20161006", signing_name="codebuild"),
    Route("codecommit", "services", "CodeCommit_20150413", GIT_PATH, "codecommit"),
    Route("codepipeline", "services", "CodePipeline_20150709", signing_name="codepipeline"),
    Route("logs", "services", "Logs_20140328", signing_name="logs"),
    Route("sagemaker", "sagemaker", "SageMaker", signing_name="sagemaker"),
    Route("sagemaker-metrics", "sagemaker", signing_name="sagemaker"),
    Route("sagemaker-runtime", "sagemaker", signing_name="sagemaker"),
)

_BY_PREFIX = {route.target_prefix: route for route in ROUTES if route.target_prefix}
_BY_SIGNING_NAME = {route.signing_name.encode(): route for route in ROUTES}


def of_target(target: str) -> Route | None:
    """Return the route of an ``X-Amz-Target`` such as ``CodeBuild_20161006.StartBuild``; None for MiniStack's."""
    return _BY_PREFIX.get(target.partition(".")[0])


def of_request(scope: Scope) -> Route | None:
    """Return the route of an HTTP request; None when MiniStack answers it."""
    headers = dict(scope["headers"])
    if (named := of_target(headers.get(b"x-amz-target", b"").decode("latin-1"))) is not None:
        return named
    for route in ROUTES:
        if route.path and scope["path"].startswith(route.path):
            return route
    signed = _SIGNED_SERVICE.search(headers.get(b"authorization", b"") or scope.get("query_string", b""))
    return _BY_SIGNING_NAME.get(signed[1]) if signed else None


def urls(servers: Mapping[str, str]) -> dict[str, str]:
    """Return the URL of each service of our own, by its name, from those of the servers."""
    return {route.service: servers[route.server] for route in ROUTES}
