"""S3: events for EventBridge with all that S3 says about an object."""

import importlib
import json
from contextvars import ContextVar
from typing import Any

from localaws.ministack.private import private


def complete_object_events() -> None:
    """Add the version of an object to S3's events, and remove what S3's do not have.

    Hooks ``ministack.services.s3._fire_s3_event``, which knows the version, and
    ``...eventbridge._dispatch_event``, to which it gives an event without.
    """
    s3: Any = importlib.import_module("ministack.services.s3")
    events: Any = importlib.import_module("ministack.services.eventbridge")
    fire, dispatch = private(s3.__name__, "_fire_s3_event"), private(events.__name__, "_dispatch_event")
    version: ContextVar[str | None] = ContextVar("version", default=None)

    def fire_with_version(*arguments: Any, version_id: str | None = None, **more: Any) -> None:
        token = version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **more)
        finally:
            version.reset(token)

    def dispatch_complete(event: dict[str, Any], view: Any = None) -> None:
        if event["Source"] == "aws.s3" and view is None:
            detail = json.loads(event["Detail"])
            detail.pop("event-version", None)
            if version.get():
                detail["object"]["version-id"] = version.get()
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, view)

    s3._fire_s3_event, events._dispatch_event = fire_with_version, dispatch_complete
