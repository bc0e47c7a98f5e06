"""The hooks into SQS."""

from functools import partial

from localaws.ministack.hook import Hook
from localaws.ministack.sqs.hooks_messages import count_messages
from localaws.ministack.sqs.metrics import QueueMetrics


def sqs_hooks(metrics: QueueMetrics) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    metrics : QueueMetrics
        Counts messages that are received and deleted.
    """
    return (Hook("sqs", partial(count_messages, metrics)),)
