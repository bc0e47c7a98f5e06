"""Application Auto Scaling: a real endpoint scales out and in under real load, by alarms, steps and the clock."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.api_errors import ValidationError
from localaws.protocol.schedule import following
from localaws.services.application_autoscaling.decision import stepped, tracked
from tests.conftest import LocalAws
from tests.deploy.conftest import hasty_local_aws
from tests.localaws.sagemaker.hosting.conftest import Endpoints

# A minute of an alarm takes 1.2 s: metrics come each second.
SCALE = 0.02
NAMESPACE, DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    yield from hasty_local_aws(tmp_path_factory.mktemp("hasty") / "state", SCALE)


@pytest.fixture
def autoscaling(local_aws: LocalAws) -> Any:
    return local_aws.client("application-autoscaling")


def key(endpoint: str) -> dict[str, str]:
    """The members that name a target."""
    resource = f"endpoint/{endpoint}/variant/AllTraffic"
    return {"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.1)
    return found


def count(endpoints: Endpoints, name: str) -> int:
    [variant] = endpoints.client.describe_endpoint(EndpointName=name)["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def tracking(target: float, **members: Any) -> Document:
    configuration = {
        "TargetValue": target,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        **members,
    }
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration}


@pytest.fixture
def load(endpoints: Endpoints) -> Iterator[Callable[[str], list[Exception]]]:
    """Invokes an endpoint all the time, until the test takes the list of failures out of it."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def run(name: str) -> list[Exception]:
        failures: list[Exception] = []

        def invoke() -> None:
            while not stop.is_set():
                try:
                    endpoints.invoke(name)
                except ClientError as error:
                    failures.append(error)
                time.sleep(0.02)

        threads.append(threading.Thread(target=invoke))
        threads[-1].start()
        return failures

    run.stop = stop.set  # type: ignore[attr-defined]
    yield run
    stop.set()
    for thread in threads:
        thread.join()


def test_out_under_load_and_in_without(endpoints: Endpoints, autoscaling: Any, load: Any) -> None:
    name = endpoints.serve("one")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=2)
    policy = autoscaling.put_scaling_policy(
        PolicyName="track", **key(name), **tracking(10, ScaleInCooldown=0, ScaleOutCooldown=0)
    )
    prefix = f"TargetTracking-{key(name)['ResourceId']}-"
    kinds = [alarm["AlarmName"].removeprefix(prefix).partition("-")[0] for alarm in policy["Alarms"]]
    assert kinds == ["AlarmHigh", "AlarmLow"]
    failures = load(name)
    until(lambda: count(endpoints, name) == 2)
    load.stop()
    until(lambda: count(endpoints, name) == 1)
    assert failures == []
    activities = until(
        lambda: (
            [
                each
                for each in autoscaling.describe_scaling_activities(**key(name))["ScalingActivities"]
                if each["StatusCode"] == "Successful"
            ][1:]
            and autoscaling.describe_scaling_activities(**key(name))["ScalingActivities"]
        )
    )
    said = [(each["Description"], each["StatusCode"]) for each in activities]
    assert said == [
        ("Setting desired instance count to 1.", "Successful"),
        ("Setting desired instance count to 2.", "Successful"),
    ]
    assert "AlarmLow" in activities[0]["Cause"]
    assert "AlarmHigh" in activities[1]["Cause"]


def test_at_its_limit_it_says_so(endpoints: Endpoints, autoscaling: Any, load: Any) -> None:
    name = endpoints.serve("one")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=1)
    autoscaling.put_scaling_policy(PolicyName="track", **key(name), **tracking(1))
    load(name)
    request = {**key(name), "IncludeNotScaledActivities": True}
    [activity] = until(lambda: autoscaling.describe_scaling_activities(**request)["ScalingActivities"])
    reason = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 1, "CurrentCapacity": 1}
    assert activity["NotScaledReasons"] == [reason]
    assert autoscaling.describe_scaling_activities(**key(name))["ScalingActivities"] == []


def test_a_step_policy_follows_an_alarm_of_ones_own(
    endpoints: Endpoints, autoscaling: Any, local_aws: LocalAws
) -> None:
    name, cloudwatch = endpoints.serve("one"), local_aws.client("cloudwatch")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=3)
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 2},
    ]
    policy = autoscaling.put_scaling_policy(
        PolicyName="steps",
        **key(name),
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": steps,
            "Cooldown": 3600,
        },
    )
    metric = {"Namespace": "Own", "MetricName": f"Queue-{name}"}
    cloudwatch.put_metric_alarm(
        AlarmName=f"own-{name}",
        **metric,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )

    def pressed() -> bool:
        cloudwatch.put_metric_data(
            Namespace="Own", MetricData=[{"MetricName": metric["MetricName"], "Value": 20, "StorageResolution": 1}]
        )
        return count(endpoints, name) == 3

    until(pressed)


def test_limits_and_the_clock_move_the_capacity(endpoints: Endpoints, autoscaling: Any) -> None:
    name = endpoints.serve("one")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=2)
    # Far enough that it is not past when the request is carried out.
    soon = (datetime.utcnow() + timedelta(seconds=5)).isoformat(timespec="seconds")
    action = {"ScheduledActionName": "evening", "Schedule": f"at({soon})"}
    autoscaling.put_scheduled_action(**key(name), **action, ScalableTargetAction={"MinCapacity": 2})
    until(lambda: count(endpoints, name) == 2)
    [target] = autoscaling.describe_scalable_targets(ServiceNamespace=NAMESPACE, ResourceIds=[key(name)["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 2)
    until(lambda: autoscaling.describe_scaling_activities(**key(name))["ScalingActivities"][0].get("EndTime"))
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=1)
    until(lambda: count(endpoints, name) == 1)
    causes = [each["Cause"] for each in autoscaling.describe_scaling_activities(**key(name))["ScalingActivities"]]
    assert causes == ["maximum capacity was set to 1", "minimum capacity was set to 2"]


def test_deregistering_takes_policies_alarms_and_schedules_along(
    endpoints: Endpoints, autoscaling: Any, local_aws: LocalAws
) -> None:
    name, cloudwatch = endpoints.serve("one"), local_aws.client("cloudwatch")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=2, Tags={"team": "ml"})
    made = autoscaling.put_scaling_policy(PolicyName="track", **key(name), **tracking(10))
    again = autoscaling.put_scaling_policy(PolicyName="track", **key(name), **tracking(20, DisableScaleIn=True))
    assert again["PolicyARN"] == made["PolicyARN"]
    prefix = f"TargetTracking-{key(name)['ResourceId']}-"
    [alarm] = cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    assert (alarm["Threshold"], alarm["AlarmActions"]) == (20, [made["PolicyARN"]])
    [target] = autoscaling.describe_scalable_targets(ServiceNamespace=NAMESPACE, ResourceIds=[key(name)["ResourceId"]])[
        "ScalableTargets"
    ]
    assert autoscaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"] == {"team": "ml"}
    autoscaling.deregister_scalable_target(**key(name))
    assert cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"] == []
    assert autoscaling.describe_scaling_policies(**key(name))["ScalingPolicies"] == []
    with pytest.raises(ClientError, match="No scalable target registered for service namespace: sagemaker"):
        autoscaling.deregister_scalable_target(**key(name))


def test_what_a_target_has_can_be_listed_and_deleted_by_itself(
    endpoints: Endpoints, autoscaling: Any, local_aws: LocalAws
) -> None:
    name, cloudwatch = endpoints.serve("one"), local_aws.client("cloudwatch")
    arn = autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=2)["ScalableTargetARN"]
    autoscaling.tag_resource(ResourceARN=arn, Tags={"team": "ml", "of": "a test"})
    autoscaling.untag_resource(ResourceARN=arn, TagKeys=["of"])
    assert autoscaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "ml"}
    for policy in ("track", "other"):
        autoscaling.put_scaling_policy(PolicyName=policy, **key(name), **tracking(10))
    prefix = f"TargetTracking-{key(name)['ResourceId']}-"
    assert len(cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]) == 4
    autoscaling.delete_scaling_policy(PolicyName="track", **key(name))
    left = autoscaling.describe_scaling_policies(**key(name))["ScalingPolicies"]
    assert [policy["PolicyName"] for policy in left] == ["other"]
    alarms = {alarm["AlarmName"] for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]}
    assert alarms == {alarm["AlarmName"] for alarm in left[0]["Alarms"]}

    for action in ("evening", "morning"):
        autoscaling.put_scheduled_action(
            ScheduledActionName=action,
            Schedule="cron(0 3 * * ? *)",
            **key(name),
            ScalableTargetAction={"MinCapacity": 1},
        )
    scheduled = {"ScheduledActionNames": ["morning"], **key(name)}
    [found] = autoscaling.describe_scheduled_actions(**scheduled)["ScheduledActions"]
    assert (found["ScheduledActionName"], found["Schedule"]) == ("morning", "cron(0 3 * * ? *)")
    autoscaling.delete_scheduled_action(ScheduledActionName="morning", **key(name))
    left = autoscaling.describe_scheduled_actions(**key(name))["ScheduledActions"]
    assert [action["ScheduledActionName"] for action in left] == ["evening"]
    for delete, named in (
        (autoscaling.delete_scheduled_action, {"ScheduledActionName": "morning"}),
        (autoscaling.delete_scaling_policy, {"PolicyName": "track"}),
    ):
        with pytest.raises(autoscaling.exceptions.ObjectNotFoundException, match=next(iter(named.values()))):
            delete(**named, **key(name))
    with pytest.raises(autoscaling.exceptions.ClientError, match="No scalable target found"):
        autoscaling.tag_resource(ResourceARN=f"{arn}0", Tags={"a": "b"})


def test_a_killed_server_goes_on_scaling(
    endpoints: Endpoints, autoscaling: Any, local_aws: LocalAws, load: Any
) -> None:
    name = endpoints.serve("one")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=2)
    autoscaling.put_scaling_policy(PolicyName="track", **key(name), **tracking(10))
    os.kill(local_aws.pids()["services"], signal.SIGKILL)
    load(name)
    until(lambda: count(endpoints, name) == 2)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"ResourceId": "endpoint/none/variant/AllTraffic"}, "ValidationException", "Could not find endpoint"),
        ({"MinCapacity": 3}, "ValidationException", "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": 0}, "ValidationException", "has at least 1 instance, not 0"),
        ({"ServiceNamespace": "ecs"}, "UnsupportedOperation", "scales sagemaker:variant:DesiredInstanceCount of"),
    ],
)
def test_what_is_wrong_is_refused(
    endpoints: Endpoints, autoscaling: Any, change: Document, code: str, message: str
) -> None:
    request = {**key(endpoints.serve("one")), "MinCapacity": 1, "MaxCapacity": 2, **change}
    with pytest.raises(ClientError, match=message) as caught:
        autoscaling.register_scalable_target(**request)
    assert caught.value.response["Error"]["Code"] == code


def test_policies_and_schedules_that_are_none_are_refused(endpoints: Endpoints, autoscaling: Any) -> None:
    name = endpoints.serve("one")

    def refused(operation: str, **request: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            getattr(autoscaling, operation)(**{**key(name), **request})
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    missing = refused("register_scalable_target", MinCapacity=1)
    assert missing == ("ValidationException", "MaxCapacity must be given when a scalable target is first registered")
    autoscaling.register_scalable_target(**key(name), MinCapacity=1, MaxCapacity=2)
    resource = refused("register_scalable_target", ResourceId=name, MinCapacity=1, MaxCapacity=2)
    assert resource[1] == f"Unsupported resource type, resource ID: {name}. Use endpoint/NAME/variant/NAME."
    own = {"MetricName": "m", "Namespace": "n", "Statistic": "Sum"}
    predefined = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    tracked_by = "TargetTrackingScalingPolicyConfiguration"
    for configuration, code, message in (
        ({}, "ValidationException", "Exactly one of PredefinedMetricSpecification and Customized"),
        (
            {"PredefinedMetricSpecification": predefined, "CustomizedMetricSpecification": own},
            *("ValidationException", "Exactly one of PredefinedMetricSpecification and Customized"),
        ),
        (
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}},
            *("UnsupportedOperation", "and custom metrics, not ECSServiceAverageCPUUtilization"),
        ),
        (
            {"CustomizedMetricSpecification": {"Metrics": [{"Id": "a", "Expression": "1"}]}},
            *("UnsupportedOperation", "not metric math"),
        ),
    ):
        policy = {"PolicyType": "TargetTrackingScaling", tracked_by: {"TargetValue": 1, **configuration}}
        found, said = refused("put_scaling_policy", PolicyName="p", **policy)
        assert (found, message in said) == (code, True), said
    assert refused("put_scaling_policy", PolicyName="p", PolicyType="TargetTrackingScaling")[1].startswith(tracked_by)
    assert refused("put_scaling_policy", PolicyName="p", PolicyType="PredictiveScaling")[0] == "UnsupportedOperation"
    assert refused("put_scheduled_action", ScheduledActionName="a")[1] == "A scheduled action needs a Schedule"
    assert autoscaling.describe_scaling_policies(**key(name))["ScalingPolicies"] == []


@pytest.mark.parametrize(
    ("current", "value", "outward", "expected"),
    [
        *[(1, 10.0, True, 1), (1, 10.1, True, 2), (2, 25.0, True, 5), (4, 0.0, True, 4)],
        *[(4, 9.0, False, 4), (4, 8.9, False, 4), (4, 5.0, False, 3), (1, 0.0, False, 0), (4, 25.0, False, 4)],
    ],
)
def test_target_tracking(current: int, value: float, outward: bool, expected: int) -> None:
    assert tracked(current, value, target=10, outward=outward) == expected


@pytest.mark.parametrize(
    ("kind", "breach", "expected"),
    [
        ("ChangeInCapacity", 0, 11),
        ("ChangeInCapacity", 10, 30),
        ("ChangeInCapacity", -1, 10),
        ("ExactCapacity", 5, 1),
        ("PercentChangeInCapacity", 0, 11),
        ("PercentChangeInCapacity", 10, 12),
    ],
)
def test_step_scaling(kind: str, breach: float, expected: int) -> None:
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 20},
    ]
    assert stepped(10, breach, {"AdjustmentType": kind, "StepAdjustments": steps}) == expected


_SATURDAY_NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00").timestamp()


@pytest.mark.parametrize(
    ("schedule", "timezone", "expected"),
    [
        ("at(2026-11-21T12:00:01)", "UTC", "2026-11-21T12:00:01+00:00"),
        ("at(2026-11-21T12:59:00)", "Europe/Berlin", None),
        ("rate(1 hour)", "UTC", "2026-11-21T12:30:00+00:00"),
        ("rate(2 days)", "UTC", "2026-11-23T11:30:00+00:00"),
        ("cron(0 3 * * ? *)", "UTC", "2026-11-22T03:00:00+00:00"),
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-11-22T02:00:00+00:00"),
        ("cron(30 8 ? * 2-6 *)", "UTC", "2026-11-23T08:30:00+00:00"),
        ("cron(0 0 L * ? *)", "UTC", "2026-11-30T00:00:00+00:00"),
    ],
)
def test_schedules(schedule: str, timezone: str, expected: str | None) -> None:
    found = following(schedule, timezone, _SATURDAY_NOON, _SATURDAY_NOON - 1800)
    assert found == (datetime.fromisoformat(expected).timestamp() if expected else None)


@pytest.mark.parametrize("schedule", ["tomorrow", "at(tomorrow)", "rate(0 hours)", "cron(0 3 * * ?)", "rate(1 week x)"])
def test_no_schedule(schedule: str) -> None:
    with pytest.raises(ValidationError, match="Invalid schedule expression"):
        following(schedule, "UTC", _SATURDAY_NOON, _SATURDAY_NOON)
