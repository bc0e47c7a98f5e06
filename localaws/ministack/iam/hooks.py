"""The hooks into IAM and STS."""

from localaws.ministack.hook import Hook
from localaws.ministack.iam.hooks_policies import (
    append_stream_to_log_group_arn,
    restrict_trust_to_service,
    show_sessions_as_their_roles,
    treat_loopback_as_tls,
)


def iam_hooks() -> tuple[Hook, ...]:
    """Return the hooks."""
    return (
        Hook("iam", restrict_trust_to_service),
        Hook("iam", show_sessions_as_their_roles),
        Hook("iam", append_stream_to_log_group_arn),
        Hook("iam", treat_loopback_as_tls),
    )
