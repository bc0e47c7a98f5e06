"""The hooks into what MiniStack logs."""

from functools import partial

from localaws.ministack.hook import Hook
from localaws.ministack.logs.hooks_groups import send_log_events
from localaws.ministack.logs.writer import LogWriter


def logs_hooks(writer: LogWriter) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    writer : LogWriter
        Takes the events.
    """
    return (Hook("logs", partial(send_log_events, writer)),)
