"""AWS/Events: what CloudWatch is told of EventBridge's rules and of what becomes of their events.

Counts that are 0 are not told, as AWS does not tell them.

Source: "Monitoring Amazon EventBridge" in its User Guide.
"""

from localaws.metrics.meter import Meter
from localaws.metrics.namespace import Dimensions, Metric, Namespace

_OF_RULES = (("RuleName",), ("EventBusName", "RuleName"))
_BY_RULE, _BY_RULE_AND_IN_ALL = Metric("Count", _OF_RULES), Metric("Count", ((), *_OF_RULES))
EVENTS = Namespace(
    "AWS/Events",
    {
        "MatchedEvents": Metric("Count", ((),)),
        "TriggeredRules": _BY_RULE,
        "Invocations": _BY_RULE_AND_IN_ALL,
        "FailedInvocations": _BY_RULE,
        "InvocationAttempts": _BY_RULE_AND_IN_ALL,
        "SuccessfulInvocationAttempts": _BY_RULE_AND_IN_ALL,
        "RetryInvocationAttempts": _BY_RULE_AND_IN_ALL,
        "InvocationsSentToDlq": _BY_RULE,
        "InvocationsFailedToBeSentToDlq": _BY_RULE,
    },
)
_RULE = "rule/"


class RuleMetrics:
    """Counts what happens to the events of rules; what comes from schedules and alarms is passed over.

    Parameters
    ----------
    meter : Meter
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._last: dict[str, str] = {}
        self._last_event = ""

    def matched(self, rule_arn: str, event_id: str) -> None:
        """Note that an event goes to a target of a rule; to all targets of a rule before those of the next."""
        if self._last.get(rule_arn) != event_id:
            self._last[rule_arn] = event_id
            self._add(rule_arn, "TriggeredRules")
            if self._last_event != event_id:
                self._last_event = event_id
                self._meter.add(EVENTS, (), {"MatchedEvents": 1.0})

    def attempted(self, rule_arn: str, *, again: bool) -> None:
        """Note that a target is about to be invoked."""
        self._add(rule_arn, "InvocationAttempts")
        if again:
            self._add(rule_arn, "RetryInvocationAttempts")

    def succeeded(self, rule_arn: str) -> None:
        """Note that a target was invoked."""
        self._add(rule_arn, "SuccessfulInvocationAttempts")
        self._add(rule_arn, "Invocations")

    def failed(self, rule_arn: str) -> None:
        """Note that a target was not invoked, and will not be."""
        self._add(rule_arn, "Invocations")
        self._add(rule_arn, "FailedInvocations")

    def buried(self, rule_arn: str, *, delivered: bool) -> None:
        """Note that a failed event was sent to its dead-letter queue, which has accepted it or not."""
        self._add(rule_arn, "InvocationsSentToDlq" if delivered else "InvocationsFailedToBeSentToDlq")

    def _add(self, rule_arn: str, metric: str) -> None:
        dimensions = _dimensions(rule_arn)
        if dimensions is not None:
            for each in (dimensions, ()):
                if EVENTS.publishes(metric, (name for name, _ in each)):
                    self._meter.add(EVENTS, each, {metric: 1.0})


def _dimensions(rule_arn: str) -> Dimensions | None:
    """Return the dimensions of a rule, without a bus for the default one; None if the ARN is not a rule's."""
    service, _, resource = rule_arn.partition(":events:")
    path = resource.split(":", 2)[-1]
    if not service or not path.startswith(_RULE):
        return None
    bus, _, name = path.removeprefix(_RULE).rpartition("/")
    return (("EventBusName", bus), ("RuleName", name)) if bus else (("RuleName", name),)
