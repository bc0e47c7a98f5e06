"""The hooks into what MiniStack does for all services."""

from localaws.ministack.hook import Hook
from localaws.ministack.http.hooks_models import read_models_elsewhere
from localaws.ministack.http.hooks_transfer import read_large_bodies


def http_hooks() -> tuple[Hook, ...]:
    """Return the hooks."""
    return (Hook("http", read_large_bodies), Hook("http", read_models_elsewhere))
