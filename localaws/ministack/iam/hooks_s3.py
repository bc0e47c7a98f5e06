"""IAM: what S3 asks policies for, beside a request's own action, and what they see of the request."""

import importlib
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from localaws.ministack.iam.s3_needs import Need, conditions, needs, path_of
from localaws.ministack.private import private

request_conditions: ContextVar[Mapping[str, Any] | None] = ContextVar("s3_request_conditions", default=None)
"""The condition keys, in lower case, of the request to S3 that is being decided: of all that it needs."""


def ask_for_what_s3_headers_need() -> None:
    """Have a request's tags, grants and locks need their actions, and its headers be condition keys.

    Hooks ``ministack.core.iam_actions``: ``s3_additional_checks`` says what a request needs beside its own action,
    which ``_s3_action`` knows; ``s3_service_context`` reads its condition keys.
    ``ministack.services.s3.object_tags_for_condition`` has an object's tags.
    """
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    known, action_of = private(actions.__name__, "s3_additional_checks"), private(actions.__name__, "_s3_action")
    context_of = private(actions.__name__, "s3_service_context")
    tags_of = private("ministack.services.s3", "object_tags_for_condition")

    def find_tags(bucket: str, key: str, version: str) -> Mapping[str, str]:
        found: Mapping[str, str] = tags_of(bucket, key, {"versionId": [version]} if version else {})
        return found

    def with_needs(method: str, path: str, headers: Any, body: bytes, query: Any) -> list[Need]:
        found: list[Need] = known(method, path, headers, body, query)
        own = action_of(method, path, query)
        return [*found, *needs(f"s3:{own}", path_of(path), headers, find_tags)] if own else found

    def with_headers(iam_action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = {**conditions(headers or {}), **context_of(iam_action, query, path, headers)}
        request_conditions.set({key.lower(): value for key, value in found.items()})
        return found

    actions.s3_additional_checks = with_needs
    actions.s3_service_context = with_headers
