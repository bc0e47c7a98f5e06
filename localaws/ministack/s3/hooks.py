"""The hooks into S3."""

from localaws.ministack.hook import Hook
from localaws.ministack.s3.hooks_events import complete_object_events
from localaws.ministack.s3.hooks_keys import limit_keys


def s3_hooks() -> tuple[Hook, ...]:
    """Return the hooks."""
    return (Hook("s3", complete_object_events), Hook("s3", limit_keys))
