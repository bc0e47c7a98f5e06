"""How SageMaker's events write documents, states and times: each family of events in a way of its own."""

import re
import time
from datetime import UTC, datetime
from typing import Any

from localaws.document import Document
from localaws.protocol.times import iso_milliseconds


def job_detail(document: Document) -> Document:
    """A job's document as its event shows it: times in milliseconds."""
    return {
        name: int(value * 1000) if name.endswith("Time") and isinstance(value, float) else value
        for name, value in document.items()
    }


def iso_detail(document: Document) -> Document:
    """A document as those events show it that write times as text, to the millisecond: changes have an order."""
    return {
        name: iso_milliseconds(value) if name.endswith("Time") and isinstance(value, float) else value
        for name, value in document.items()
    }


def event_status(status: str) -> str:
    """An endpoint's status as its events write it: ``InService`` is ``IN_SERVICE`` there."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", status).upper()


def lower_camel(value: Any) -> Any:
    """A document with names as the pipelines' events write them: ``{"ProcessingJob": {"Arn": ...}}`` begins small."""
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": lower_camel(item) for name, item in value.items()}
    return value


def iso_time(seconds: float | None = None) -> str:
    """A time as the pipelines' events write it, such as ``2026-01-31T12:00:00Z``; now by default."""
    return datetime.fromtimestamp(seconds or time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
