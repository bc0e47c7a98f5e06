"""What a target is given of an event: Input, InputPath or InputTransformer.

Source: "Amazon EventBridge input transformation" in the EventBridge User Guide.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from localaws.document import Document

Render = Callable[[str, Mapping[str, Any]], str]
"""Fills the ``<variables>`` of a template."""

_PATH_PART = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]|\[\"([^\"]+)\"\]")
_MISSING = object()


def payload(target: Mapping[str, Any], event: Document, rule: Mapping[str, Any], render: Render) -> str | None:
    """Return what the target receives in place of the event; None if it receives the event itself.

    Parameters
    ----------
    target : mapping
        As PutTargets took it.
    event : dict
    rule : mapping
        The rule that matched, or the schedule.
    render : callable
    """
    if transformer := target.get("InputTransformer"):
        found = {name: at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
        values = {name: "" if value is _MISSING else value for name, value in found.items()}
        return render(transformer.get("InputTemplate", ""), {**values, **_reserved(event, rule)})
    if target.get("Input"):
        return str(target["Input"])
    if path := target.get("InputPath"):
        value = at(event, path)
        return None if value is _MISSING else json.dumps(value)
    return None


def dynamic(text: str, event: Document) -> str:
    """Return the value of a target's parameter: the text, or what a path such as ``$.detail.x`` leads to."""
    if not text.startswith("$."):
        return text
    value = at(event, text)
    if value is _MISSING:
        return text
    return value if isinstance(value, str) else json.dumps(value)


def at(event: Document, path: str) -> Any:
    """Return what a path such as ``$.resources[0]`` leads to."""
    value: Any = event
    rest = path.removeprefix("$")
    while rest:
        part = _PATH_PART.match(rest)
        if part is None:
            return _MISSING
        key, index, *quoted = part.groups()
        name: Any = int(index) if index else key or next(filter(None, quoted))
        if not isinstance(value, list if index else dict):
            return _MISSING
        try:
            value = value[name]
        except (KeyError, IndexError):
            return _MISSING
        rest = rest[part.end() :]
    return value


def _reserved(event: Document, rule: Mapping[str, Any]) -> Document:
    return {
        "aws.events.rule-arn": rule.get("Arn", ""),
        "aws.events.rule-name": rule.get("Name", ""),
        "aws.events.event.ingestion-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
