"""E-mail subscriptions for an SNS that keeps them, but neither asks for confirmations nor sends mails.

`EmailSubscriptions` wraps some of that SNS's own functions, which are passed in as `Sns`: a subscription is followed by
a request to confirm it, a published message by mails to confirmed addresses, and lists do not show the ARN of a pending
subscription.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from localaws.ministack.query_protocol import Parameters, Response, first
from localaws.ministack.sns.mails import PROTOCOLS, Mailer, is_address, pending

Topic = dict[str, Any]

_NO_ADDRESS = "Invalid parameter: Email address"


@dataclass(frozen=True)
class Sns:
    """Functions of the wrapped SNS.

    Attributes
    ----------
    subscribe : callable
        Responses a Subscribe request.
    fan_out : callable
        Delivers a message: topic's ARN, message id, message, subject, message structure, message attributes.
    refuse : callable
        Makes the answer of an error's code, message and status.
    topics : callable
        Returns every topic.
    matches : callable
        Whether a subscription's filter policy lets message attributes and message through.
    text_for : callable
        The text of a message, of a message structure, for a protocol.
    envelope : callable
        The JSON document around a message: topic's ARN, message id, text, subject, attributes, whether it is raw.
    recount : callable
        Counts a topic's subscriptions anew.
    """

    subscribe: Callable[[Parameters], Response]
    fan_out: Callable[..., None]
    refuse: Callable[[str, str, int], Response]
    topics: Callable[[], Iterable[Topic]]
    matches: Callable[[Any, Any, str], bool]
    text_for: Callable[[str, str, str], str]
    envelope: Callable[[str, str, str, str, Any, bool], str]
    recount: Callable[[Topic], None]


class EmailSubscriptions:
    """Wraps the functions.

    Parameters
    ----------
    sns : Sns
    mailer : Mailer
    """

    def __init__(self, sns: Sns, mailer: Mailer) -> None:
        self._sns, self._mailer = sns, mailer

    def subscribe(self, params: Parameters) -> Response:
        """Answer a Subscribe request; a subscription that waits already is asked again, as on AWS."""
        protocol, endpoint = (first(params, name) for name in ("Protocol", "Endpoint"))
        if protocol not in PROTOCOLS:
            return self._sns.subscribe(params)
        if not is_address(endpoint):
            return self._sns.refuse("InvalidParameter", _NO_ADDRESS, 400)
        waiting = [each for each in self._subscriptions() if _waits(each)]
        answer = self._sns.subscribe(params)
        if answer[0] != 200:
            return answer
        for each in waiting:
            if [each["topic_arn"], each["protocol"], each["endpoint"]] == [*params["TopicArn"], protocol, endpoint]:
                self._ask(each)
        self.ask()
        wants_arn = first(params, "ReturnSubscriptionArn") == "true"
        return answer if wants_arn else self._hidden(answer, b"pending confirmation")

    def fan_out(
        self,
        topic_arn: str,
        message_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: Any = None,
        **more: Any,
    ) -> None:
        """Deliver a message, to people too."""
        self._sns.fan_out(topic_arn, message_id, message, subject, message_structure, message_attributes, **more)
        attributes = message_attributes or {}
        for each in self._subscriptions():
            if each["topic_arn"] != topic_arn or each["protocol"] not in PROTOCOLS or not each["confirmed"]:
                continue
            text = self._sns.text_for(message, message_structure, each["protocol"])
            if self._sns.matches(each, attributes, text):
                envelope = self._sns.envelope(topic_arn, message_id, text, subject, attributes, False)
                self._mailer.notify(each, self._sender(topic_arn), subject, text, envelope)

    def listing(self, function: Callable[[Parameters], Response]) -> Callable[[Parameters], Response]:
        """Return a function that lists subscriptions as AWS does: a pending one does not show its ARN."""
        return lambda params: self._hidden(function(params), b"PendingConfirmation")

    def then_ask(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that may make subscriptions and then asks for their confirmation."""

        @wraps(function)
        def called(*arguments: Any, **more: Any) -> Any:
            answer = function(*arguments, **more)
            self.ask()
            return answer

        return called

    def ask(self) -> None:
        """Ask every address that was not asked yet."""
        for topic in self._sns.topics():
            for each in topic["subscriptions"]:
                if each["protocol"] in PROTOCOLS and "asked" not in each:
                    each.update(pending(each), asked=True)
                    self._sns.recount(topic)
                    self._ask(each)

    def _ask(self, subscription: dict[str, Any]) -> None:
        self._mailer.ask(subscription, self._sender(subscription["topic_arn"]))

    def _subscriptions(self) -> list[dict[str, Any]]:
        return [each for topic in self._sns.topics() for each in topic["subscriptions"]]

    def _sender(self, topic_arn: str) -> str:
        """Return the topic's display name; empty if it is just its name."""
        [topic] = [topic for topic in self._sns.topics() if topic["arn"] == topic_arn]
        name: str = topic["attributes"].get("DisplayName") or ""
        return "" if name == topic["name"] else name

    def _hidden(self, answer: Response, words: bytes) -> Response:
        status, headers, body = answer
        for each in self._subscriptions():
            if _waits(each):
                body = body.replace(each["arn"].encode(), words)
        return status, headers, body


def check_addresses(properties: Mapping[str, Any]) -> None:
    """Refuse a subscription, or a topic with one, with an invalid address; properties as in a template.

    Raises
    ------
    ValueError
        In the words of Subscribe, which CloudFormation calls.
    """
    for each in (properties, *properties.get("Subscription", ())):
        if each.get("Protocol") in PROTOCOLS and not is_address(str(each.get("Endpoint", ""))):
            raise ValueError(_NO_ADDRESS)


def _waits(subscription: dict[str, Any]) -> bool:
    return not subscription["confirmed"]
