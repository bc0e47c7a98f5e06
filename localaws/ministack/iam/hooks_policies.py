"""IAM: what policies see of a request, as on AWS."""

import importlib
from typing import Any

from localaws.ministack.private import private

_TAG_ACTIONS = ("TagResource", "UntagResource", "ListTagsForResource")


def append_stream_to_log_group_arn() -> None:
    """Require a policy for ``log-group:<name>:*`` for actions on a log group, as CloudWatch Logs does.

    Hook ``ministack.core.iam_actions.extract_resource_arn``, which leaves out what is after the group's name. Only the
    three actions on tags have a group's ARN without it; source: "Overview of managing access permissions to your
    CloudWatch Logs resources" in its User Guide.
    """
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    extract = private(actions.__name__, "extract_resource_arn")

    def extract_with_stream(service: str, method: str, path: str, headers: dict[str, str], *others: Any) -> Any:
        arn = extract(service, method, path, headers, *others)
        of_tags = headers.get("x-amz-target", "").endswith(_TAG_ACTIONS)
        return f"{arn}:log-stream:" if service == "logs" and ":log-group:" in arn and not of_tags else arn

    actions.extract_resource_arn = extract_with_stream


def treat_loopback_as_tls() -> None:
    """Treat requests as sent over TLS: they do not leave this machine, and a bucket may refuse others.

    Hook ``ministack.app.pin_request_origin``, which keeps a request's address and whether it came over TLS.
    """
    application: Any = importlib.import_module("ministack.app")
    keep_origin = private(application.__name__, "pin_request_origin")
    application.pin_request_origin = lambda address, _secure: keep_origin(address, True)
