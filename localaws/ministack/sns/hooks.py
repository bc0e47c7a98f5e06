"""The hooks into SNS."""

from functools import partial

from localaws.ministack.hook import Hook
from localaws.ministack.sns.hooks_email import send_email_notifications
from localaws.ministack.sns.mails import Mailer


def sns_hooks(mailer: Mailer) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    mailer : Mailer
        Writes to the subscribers.
    """
    return (Hook("sns", partial(send_email_notifications, mailer)),)
