"""The thread that scales: once a second it checks alarms in ALARM, schedules that are due, and changes in progress.

CloudWatch invokes a policy when its alarm goes to ALARM, and once a period while it stays there. Here this service
asks CloudWatch which alarms are in ALARM: so nothing is lost if either of the two was down.
"""

import logging
import threading
import time
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from localaws.api_errors import ApiError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.application_autoscaling import activities, decision, policies, schedules, targets, variant
from localaws.services.application_autoscaling.variant import Capacity, Variant
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_MOST_DATAPOINTS = 1400  # of a call: CloudWatch gives 1,440
_PERIOD_SECONDS = 60.0
# A change that SageMaker never received (the server died at that moment) shows as one without any effect.
_GRACE_SECONDS = 5.0


class Scaler:
    """Scales the targets of one account in a thread.

    Parameters
    ----------
    context : Context
    scale : float
        How many seconds one second of a period or cooldown takes here.
    """

    def __init__(self, context: Context, scale: float) -> None:
        self._context, self._scale = context, scale
        self._acted: dict[tuple[str, str], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scaler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and wait for it to end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def enforce_limits(self, target: Resource) -> None:
        """Bring a target's capacity between its limits after they changed."""
        scaled, capacity = self._look(target)
        low, high = target.document["MinCapacity"], target.document["MaxCapacity"]
        if capacity.status != "InService" or activities.in_progress(self._context, target):
            return
        if capacity.desired < low:
            self._set(target, scaled, low, f"minimum capacity was set to {low}")
        elif capacity.desired > high:
            self._set(target, scaled, high, f"maximum capacity was set to {high}")

    def _run(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            try:
                self._finish()
                self._follow_schedules()
                self._follow_alarms()
            except (BotoCoreError, ClientError, ApiError) as error:
                logger.warning("Scaling waits: %s", error)
            except Exception:
                logger.exception("Unexpected error while scaling")

    def _finish(self) -> None:
        """End the activities whose change is fulfilled or had no effect."""
        for activity in activities.in_progress(self._context):
            count = activity.internal["count"]
            try:
                _, capacity = self._look(activity)
            except ApiError as error:
                activities.end(self._context, activity, "Failed", f"Failed to set desired count: {error.message}")
                continue
            if capacity.status == "InService" and capacity.current == capacity.desired == count:
                message = f"Successfully set desired instance count to {count}. Change successfully fulfilled."
                activities.end(self._context, activity, "Successful", message)
            elif capacity.status == "InService" and capacity.desired != count:
                if time.time() > activity.document["StartTime"] + _GRACE_SECONDS:
                    message = f"The desired instance count is {capacity.desired}: it was changed by another request."
                    activities.end(self._context, activity, "Overridden", message)
            elif capacity.status in ("Failed", "OutOfService", "UpdateRollbackFailed"):
                activities.end(self._context, activity, "Failed", f"The endpoint is {capacity.status}.")
            self._catch_up(activity)

    def _catch_up(self, activity: Resource) -> None:
        """Enforce the limits that were set while a change was in progress, once it has ended."""
        target = targets.find(self._context, activity.document)
        if target is not None:
            self.enforce_limits(target)

    def _follow_schedules(self) -> None:
        for action in schedules.due(self._context, time.time()):
            target = self._context.store.by_arn(action.parent)
            if target is None or target.document["SuspendedState"]["ScheduledScalingSuspended"]:
                continue
            limits = action.document.get("ScalableTargetAction", {})
            request = {name: target.document[name] for name in targets.KEY}
            self.enforce_limits(targets.register(self._context, {**request, **limits}))

    def _follow_alarms(self) -> None:
        found = {policy.arn: policy for policy in self._context.store.every(policies.KIND)}
        if not found:
            return
        for alarm in self._alarms():
            for arn in set(alarm.get("AlarmActions", ())) & set(found):
                last = self._acted.get((alarm["AlarmName"], arn), 0.0)
                if time.monotonic() >= last + _PERIOD_SECONDS * self._scale and self._act(found[arn], alarm):
                    self._acted[(alarm["AlarmName"], arn)] = time.monotonic()

    def _alarms(self) -> Iterator[Document]:
        paginator = self._context.aws.client("cloudwatch").get_paginator("describe_alarms")
        for page in paginator.paginate(StateValue="ALARM", AlarmTypes=["MetricAlarm"]):
            yield from (alarm for alarm in page["MetricAlarms"] if alarm.get("ActionsEnabled", True))

    def _act(self, policy: Resource, alarm: Document) -> bool:
        """Act on an alarm as its policy says; return False if a change is in progress, to be tried again soon."""
        target = targets.get(self._context, policy.document)
        scaled, capacity = self._look(target)
        if capacity.status != "InService" or activities.in_progress(self._context, target):
            return False
        wanted = self._wanted(policy, alarm, capacity)
        if wanted == capacity.desired:
            return True
        low, high = target.document["MinCapacity"], target.document["MaxCapacity"]
        count = min(max(wanted, low), high)
        cause = f"monitor alarm {alarm['AlarmName']} in state ALARM triggered policy {policy.name}"
        if count == capacity.desired:
            reason = _limit(low, high, capacity.desired, outward=wanted > capacity.desired)
            activities.refuse(self._context, target, cause, reason)
            return True
        outward = count > capacity.desired
        suspended = target.document["SuspendedState"][f"DynamicScaling{'Out' if outward else 'In'}Suspended"]
        if not suspended and not self._cools_down(policy, outward=outward):
            self._set(target, scaled, count, cause)
            self._context.store.change(policy.arn, lambda _, hidden: hidden.update(scaled=[time.time(), outward]))
        return True

    def _wanted(self, policy: Resource, alarm: Document, capacity: Capacity) -> int:
        document = policy.document
        if document["PolicyType"] == "TargetTrackingScaling":
            value = self._value(policies.metric(document))
            target = float(document["TargetTrackingScalingPolicyConfiguration"]["TargetValue"])
            outward = alarm["ComparisonOperator"] == "GreaterThanThreshold"
            if value is None:
                return capacity.desired
            return decision.tracked(capacity.desired, value, target, outward=outward)
        value = self._value({**alarm, "Statistic": alarm.get("Statistic", "Average")}, float(alarm["Period"]))
        configuration = document["StepScalingPolicyConfiguration"]
        breach = 0.0 if value is None else value - float(alarm["Threshold"])
        return capacity.desired if value is None else decision.stepped(capacity.desired, breach, configuration)

    def _value(self, metric: Document, period: float = _PERIOD_SECONDS) -> float | None:
        """Return a metric's statistic over the last period, or None without data."""
        window = period * self._scale
        # The last period ends now, not with a minute. Of metrics of a standard resolution there are only minutes.
        points = self._points(metric, window, 1) if window <= _MOST_DATAPOINTS else []
        latest = sorted(points or self._points(metric, window, int(period)), key=lambda point: point["Timestamp"])
        return _combined(latest if points else latest[-1:], metric["Statistic"])

    def _points(self, metric: Document, window: float, resolution: int) -> list[Document]:
        now = time.time()
        answer = self._context.aws.client("cloudwatch").get_metric_statistics(
            Namespace=metric["Namespace"],
            MetricName=metric["MetricName"],
            Dimensions=metric.get("Dimensions", []),
            StartTime=now - window,
            EndTime=now + 1,
            Period=resolution,
            Statistics=["SampleCount", "Sum", "Minimum", "Maximum"],
        )
        found: list[Document] = answer["Datapoints"]
        return found

    def _cools_down(self, policy: Resource, *, outward: bool) -> bool:
        """Return whether the policy's cooldown is still running; scaling out does not wait for an earlier scale-in."""
        at, was_outward = policy.internal.get("scaled", [0.0, True])
        if outward and not was_outward:
            return False
        if policy.document["PolicyType"] == "StepScaling":
            seconds = policy.document["StepScalingPolicyConfiguration"].get("Cooldown", 300)
        else:
            member = "ScaleOutCooldown" if outward else "ScaleInCooldown"
            seconds = policy.document["TargetTrackingScalingPolicyConfiguration"].get(member, 300)
        return time.time() < float(at) + float(seconds) * self._scale

    def _look(self, resource: Resource) -> tuple[Variant, Capacity]:
        scaled = variant.parse(*(resource.document[member] for member in targets.KEY))
        return scaled, variant.capacity(self._context.aws.client("sagemaker"), scaled)

    def _set(self, target: Resource, scaled: Variant, count: int, cause: str) -> None:
        activity = activities.begin(self._context, target, cause, count)
        logger.info("%s: %s instances, because %s", target.name, count, cause)
        try:
            variant.set_desired(self._context.aws.client("sagemaker"), scaled, count)
        except ClientError as error:
            message = f"Failed to set desired instance count to {count}: {error.response['Error']['Message']}"
            activities.end(self._context, activity, "Failed", message)


def _limit(low: int, high: int, current: int, *, outward: bool) -> Document:
    """Return the NotScaledReason of a target that is at a limit."""
    if outward:
        return {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": high, "CurrentCapacity": current}
    return {"Code": "AlreadyAtMinCapacity", "MinCapacity": low, "CurrentCapacity": current}


def _combined(points: list[Document], statistic: str) -> float | None:
    """Combine the statistics of several datapoints into one."""
    count = sum(point["SampleCount"] for point in points)
    if not count:
        return None
    values = {
        "SampleCount": count,
        "Sum": sum(point["Sum"] for point in points),
        "Average": sum(point["Sum"] for point in points) / count,
        "Minimum": min(point["Minimum"] for point in points),
        "Maximum": max(point["Maximum"] for point in points),
    }
    return float(values[statistic])
