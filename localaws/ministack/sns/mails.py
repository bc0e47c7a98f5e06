"""The e-mails of Amazon SNS: confirmations of subscriptions, and notifications.

A subscription by e-mail is pending until its address has confirmed it with the token that the first mail brings, and
receives nothing before. Confirming and unsubscribing are plain links, as AWS's are; here they lead to this machine.

Source: "Email notifications" and "Confirming a subscription" in the Amazon SNS Developer Guide.
"""

import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from localaws.ministack.sns.console import needs_environment, without_console
from localaws.ministack.sns.mailbox import Mail, Mailbox

PROTOCOLS = ("email", "email-json")
_HOST = "sns.amazonaws.com"
_CONFIRMATION_SUBJECT = "AWS Notification - Subscription Confirmation"
_SUBJECT = "AWS Notification Message"
_TOKEN_BYTES = 64
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_LINK = re.compile(r"http://\S+[?&]Action=ConfirmSubscription\S*")
# RFC 5322, 2.1.1: longer lines are encoded.
_LONGEST_LINE = 998


def is_address(endpoint: str) -> bool:
    """Return whether a mail could be sent to an endpoint."""
    return _ADDRESS.fullmatch(endpoint) is not None


def pending(subscription: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a subscription wait for its confirmation.

    Parameters
    ----------
    subscription : mapping
        With ``arn``, ``topic_arn``, ``protocol``, ``endpoint``, ``owner`` and ``attributes``.

    Returns
    -------
    dict
        The members to set.
    """
    attributes = {
        "SubscriptionArn": subscription["arn"],
        "TopicArn": subscription["topic_arn"],
        "Protocol": subscription["protocol"],
        "Endpoint": subscription["endpoint"],
        "Owner": subscription["owner"],
        "RawMessageDelivery": "false",
        **subscription["attributes"],
        "ConfirmationWasAuthenticated": "false",
        "PendingConfirmation": "true",
    }
    return {"confirmed": False, "token": secrets.token_hex(_TOKEN_BYTES), "attributes": attributes}


@dataclass(frozen=True)
class Confirmation:
    """What a mail about a new subscription asks its reader to send back."""

    topic_arn: str
    token: str


def confirmation_in(mail: Mail) -> Confirmation | None:
    """Return the confirmation that a mail asks for; None if it asks for none."""
    link = _LINK.search(mail.text) if mail.subject == _CONFIRMATION_SUBJECT else None
    if link is None:
        return None
    query = parse_qs(urlsplit(link[0]).query)
    return Confirmation(query["TopicArn"][0], query["Token"][0])


class Mailer:
    """Writes the mails of SNS into the mailbox.

    Parameters
    ----------
    mailbox : Mailbox
    endpoint_url : str
        Where SNS answers: the links lead there.
    """

    def __init__(self, mailbox: Mailbox, endpoint_url: str) -> None:
        self._mailbox, self._endpoint_url = mailbox, endpoint_url

    def ask(self, subscription: Mapping[str, Any], sender: str) -> None:
        """Ask whether the address agrees to be subscribed."""
        topic_arn = subscription["topic_arn"]
        link = self._link("ConfirmSubscription", TopicArn=topic_arn, Token=subscription["token"])
        lines = [
            "This address was subscribed to the topic:",
            topic_arn,
            "",
            "Confirm the subscription with this link, or with: local-aws mail confirm " + subscription["endpoint"],
            link,
            "",
            "If you do not want it, do nothing: an address that has not confirmed gets no notification.",
        ]
        self._send(subscription["endpoint"], sender, _CONFIRMATION_SUBJECT, "\n".join(lines))

    def notify(self, subscription: Mapping[str, Any], sender: str, subject: str, message: str, envelope: str) -> None:
        """Send a notification.

        Parameters
        ----------
        subscription : mapping
        sender : str
            The topic's display name; empty for AWS's own.
        subject : str
            As it was published; empty for AWS's own.
        message : str
            The text for the protocol ``email``.
        envelope : str
            The JSON document for the protocol ``email-json``.
        """
        text = envelope
        if subscription["protocol"] == "email":
            link = self._link("Unsubscribe", SubscriptionArn=subscription["arn"])
            text = self._for_this_machine(message)
            text = f"{text}\n\n--\nTo unsubscribe from this topic, follow this link:\n{link}"
        self._send(subscription["endpoint"], sender, subject or _SUBJECT, text)

    def _for_this_machine(self, message: str) -> str:
        """Return a message whose commands work here: no console does, and a shell has to be told where AWS is."""
        text = without_console(message)
        if not needs_environment(text):
            return text
        state_dir = shlex.quote(str(self._mailbox.path.parent.resolve()))
        return (
            f"{text.rstrip()}\n\nThe commands are for a shell that knows of AWS on this machine:\n\n"
            f'    export LOCALAWS_STATE_DIR={state_dir}; eval "$(local-aws env)"\n'
        )

    def _link(self, action: str, **members: str) -> str:
        return f"{self._endpoint_url}/?{urlencode({'Action': action, **members}, safe=':')}"

    def _send(self, to: str, sender: str, subject: str, text: str) -> None:
        message = EmailMessage()
        message["From"] = Address(sender or "AWS Notifications", "no-reply", _HOST)
        message["To"] = to
        message["Subject"] = " ".join(subject.split())
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = make_msgid(domain=_HOST)
        short = all(len(line.encode()) <= _LONGEST_LINE for line in text.splitlines())
        message.set_content(text + "\n", cte="8bit" if short else None)
        self._mailbox.add(message)
