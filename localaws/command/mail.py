"""``local-aws mail``: the mails that AWS would have sent, and the answer to those that ask for one."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from localaws.errors import UnknownMailError
from localaws.ministack.sns.mailbox import Mail, Mailbox
from localaws.ministack.sns.mails import confirmation_in

Say = Callable[[str], None]


def show_list(mailbox: Mailbox, as_json: bool, say: Say) -> None:
    """Print number, date, address and subject of each mail."""
    mails = mailbox.mails()
    if as_json:
        say(json.dumps([_document(mail) for mail in mails], indent=2))
        return
    if not mails:
        say(f"no mail in {mailbox.path}")
        return
    width = max(len(mail.to) for mail in mails)
    for mail in mails:
        say(f"{mail.number:>4}  {mail.date:%Y-%m-%d %H:%M:%S}  {mail.to:<{width}}  {mail.subject}")


def show_mail(mailbox: Mailbox, number: int, as_json: bool, say: Say) -> None:
    """Print one mail."""
    mail = mailbox.mail(number)
    if mail is None:
        raise UnknownMailError(f"There is no mail {number} in {mailbox.path}. The list: `local-aws mail`")
    if as_json:
        say(json.dumps({**_document(mail), "from": str(mail.message["From"]), "text": mail.text}, indent=2))
        return
    for name in ("From", "To", "Subject", "Date"):
        say(f"{name}: {mail.message[name]}")
    say(f"\n{mail.text}")


def _document(mail: Mail) -> dict[str, Any]:
    return {"number": mail.number, "date": mail.date.isoformat(), "to": mail.to, "subject": mail.subject}


def confirm(mailbox: Mailbox, sns: Any, address: str | None, say: Say) -> None:
    """Confirm what mails ask for and is pending.

    Parameters
    ----------
    mailbox : Mailbox
    sns : client of SNS
    address : str or None
        Whose subscriptions; None for those of all addresses.
    say : callable

    Raises
    ------
    UnknownMailError
        Nothing is pending for the address, or the mail with the token is gone.
    """
    waiting = [(topic, to) for topic, to in _pending(sns) if address in (None, to)]
    if not waiting:
        raise UnknownMailError(f"No subscription of {address or 'any address'} waits for a confirmation.")
    tokens = {}
    for mail in mailbox.mails():
        if asked := confirmation_in(mail):
            tokens[asked.topic_arn, mail.to] = asked.token
    for topic_arn, to in waiting:
        token = tokens.get((topic_arn, to))
        if token is None:
            raise UnknownMailError(
                f"The mail that asks {to} to confirm {topic_arn} is not in {mailbox.path} any more. Subscribe again: "
                f"aws sns subscribe --topic-arn {topic_arn} --protocol email --notification-endpoint {to}"
            )
        answer = sns.confirm_subscription(TopicArn=topic_arn, Token=token)
        say(f"{to} confirmed {answer['SubscriptionArn']}")


def _pending(sns: Any) -> Iterator[tuple[str, str]]:
    """Yield topic and address of each pending e-mail subscription."""
    for page in sns.get_paginator("list_subscriptions").paginate():
        for each in page["Subscriptions"]:
            if each["SubscriptionArn"] == "PendingConfirmation" and each["Protocol"].startswith("email"):
                yield each["TopicArn"], each["Endpoint"]
