"""SNS: e-mail."""

import importlib
from typing import Any

from localaws.ministack.private import private
from localaws.ministack.sns.mails import Mailer
from localaws.ministack.sns.subscriptions import EmailSubscriptions, Sns


def send_email_notifications(mailer: Mailer) -> None:
    """Have e-mail subscriptions wait for their confirmation, and send them their notifications.

    Hooks ``ministack.services.sns``: ``_subscribe``, ``_fanout`` and the two lists are completed, the other names are
    used; and ``...cloudformation.provisioners._RESOURCE_HANDLERS``, whose functions for topics and subscriptions write
    into ``_topics`` by themselves.
    """
    sns: Any = importlib.import_module("ministack.services.sns")
    topics = private(sns.__name__, "_topics")
    names = ("_subscribe", "_fanout", "_error", "_matches_filter_policy", "_resolve_message_for_protocol")
    subscribe, fan_out, refuse, matches, text_for = (private(sns.__name__, name) for name in names)
    envelope, recount = private(sns.__name__, "_build_envelope"), private(sns.__name__, "_refresh_subscription_counts")
    functions = Sns(subscribe, fan_out, refuse, lambda: list(topics.values()), matches, text_for, envelope, recount)
    people = EmailSubscriptions(functions, mailer)
    sns._subscribe, sns._fanout = people.subscribe, people.fan_out
    for name in ("_list_subscriptions", "_list_subscriptions_by_topic"):
        setattr(sns, name, people.listing(private(sns.__name__, name)))
    handlers = private("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    for handler in (handlers["AWS::SNS::Topic"], handlers["AWS::SNS::Subscription"]):
        handler.update(create=people.then_ask(handler["create"]), update=people.then_ask(handler["update"]))
