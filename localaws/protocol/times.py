"""How AWS's events write times."""

from datetime import UTC, datetime


def iso_milliseconds(seconds: float) -> str:
    """Return a time since the epoch in UTC, to the millisecond: ``2026-01-31T12:00:00.250Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
