"""How SageMaker's events format documents, states and times: each family of events has its own format."""

import re
import time
from datetime import UTC, datetime
from typing import Any

from localaws.document import Document
from localaws.protocol.times import iso_milliseconds


def job_detail(document: Document) -> Document:
    """Return a job's document as its event shows it: times in milliseconds."""
    return {
        name: int(value * 1000) if name.endswith("Time") and isinstance(value, float) else value
        for name, value in document.items()
    }


def iso_detail(document: Document) -> Document:
    """Return a document with times as text, to the millisecond: so that changes can be ordered."""
    return {
        name: iso_milliseconds(value) if name.endswith("Time") and isinstance(value, float) else value
        for name, value in document.items()
    }


def event_status(status: str) -> str:
    """Return an endpoint's status as its events contain it: ``InService`` becomes ``IN_SERVICE``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", status).upper()


def lower_camel(value: Any) -> Any:
    """Return a document with lower camel case names, as in the pipelines' events: ``{"processingJob": ...}``."""
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": lower_camel(item) for name, item in value.items()}
    return value


def iso_time(seconds: float | None = None) -> str:
    """Format a time as the pipelines' events do, such as ``2026-01-31T12:00:00Z``; now by default."""
    return datetime.fromtimestamp(seconds or time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
