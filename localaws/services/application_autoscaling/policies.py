"""Scaling policies: target tracking, with its two CloudWatch alarms, and step scaling."""

import time
import uuid

from localaws.api_errors import UnsupportedOperation, ValidationError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.application_autoscaling import targets, variant
from localaws.services.application_autoscaling.decision import LOW_SHARE
from localaws.services.application_autoscaling.errors import ObjectNotFound
from localaws.services.application_autoscaling.listing import page
from localaws.storage.store import Query, Resource

KIND = "application-autoscaling/policy"
_CONFIGURATIONS = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
}
_PREDEFINED = "SageMakerVariantInvocationsPerInstance"
_PERIOD_SECONDS = 60
_MOST_DATAPOINTS = {"AlarmHigh": 3, "AlarmLow": 15}


def put(context: Context, request: Document) -> Document:
    """Handle PutScalingPolicy.

    Raises
    ------
    ObjectNotFound
        If its target is not registered.
    ValidationError, UnsupportedOperation
    """
    target = targets.get(context, request)
    known = _find(context, target, request["PolicyName"])
    document = {**(known.document if known else {}), **request}
    kind = document.setdefault("PolicyType", "StepScaling")
    if kind not in _CONFIGURATIONS:
        raise UnsupportedOperation(f"Local AWS has no policies of the type {kind}: use {' or '.join(_CONFIGURATIONS)}")
    if _CONFIGURATIONS[kind] not in document:
        raise ValidationError(f"{_CONFIGURATIONS[kind]} is required for the policy type {kind}")
    if kind == "TargetTrackingScaling":
        _check_tracking(document[_CONFIGURATIONS[kind]])
    if known is not None:
        arn = known.arn
        _delete_alarms(context, known)
    else:
        arn = _policy_arn(context, request)
    alarms = _put_alarms(context, arn, document) if kind == "TargetTrackingScaling" else []
    document |= {"PolicyARN": arn, "Alarms": alarms}
    if known is None:
        document["CreationTime"] = time.time()
        context.store.add(Resource(KIND, request["PolicyName"], arn, document, parent=target.arn))
    else:
        context.store.change(arn, lambda stored, _: stored.update(document))
    return document


def describe(context: Context, request: Document) -> Document:
    """Handle DescribeScalingPolicies."""
    names = request.get("PolicyNames")

    def wanted(policy: Resource) -> bool:
        named = all(request.get(name) in (None, policy.document[name]) for name in targets.KEY)
        return named and (not names or policy.name in names)

    return page(context.store, Query(KIND, descending=False), request, "ScalingPolicies", wanted)


def delete(context: Context, request: Document) -> None:
    """Handle DeleteScalingPolicy; the policy's alarms are deleted, too.

    Raises
    ------
    ObjectNotFound
    """
    target = targets.find(context, request)
    policy = _find(context, target, request["PolicyName"]) if target else None
    if policy is None:
        raise ObjectNotFound(
            f"No scaling policy found for service namespace: {request['ServiceNamespace']}, resource ID: "
            f"{request['ResourceId']}, scalable dimension: {request['ScalableDimension']}, policy name: "
            f"{request['PolicyName']}"
        )
    remove(context, policy)


def remove(context: Context, policy: Resource) -> None:
    """Delete a policy and its alarms."""
    _delete_alarms(context, policy)
    context.store.remove(policy.arn)


def of_target(context: Context, target: Resource) -> list[Resource]:
    """Return the policies of a target."""
    return list(context.store.every(KIND, parent=target.arn))


def metric(document: Document) -> Document:
    """Return the metric of a target tracking policy: Namespace, MetricName, Dimensions, Statistic."""
    configuration = document["TargetTrackingScalingPolicyConfiguration"]
    custom = configuration.get("CustomizedMetricSpecification")
    if custom is not None:
        names = ("Namespace", "MetricName", "Statistic", "Unit")
        return {"Dimensions": custom.get("Dimensions", []), **{name: custom[name] for name in names if name in custom}}
    scaled = variant.parse(*(document[member] for member in targets.KEY))
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": "InvocationsPerInstance",
        "Dimensions": scaled.dimensions,
        "Statistic": "Sum",
    }


def _check_tracking(configuration: Document) -> None:
    predefined = configuration.get("PredefinedMetricSpecification")
    custom = configuration.get("CustomizedMetricSpecification")
    if (predefined is None) == (custom is None):
        raise ValidationError(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be given"
        )
    if predefined is not None and predefined["PredefinedMetricType"] != _PREDEFINED:
        raise UnsupportedOperation(
            f"Local AWS tracks {_PREDEFINED} and custom metrics, not {predefined['PredefinedMetricType']}"
        )
    if custom is not None and not {"Namespace", "MetricName", "Statistic"} <= set(custom):
        raise UnsupportedOperation(
            "Local AWS takes a CustomizedMetricSpecification with Namespace, MetricName and Statistic, not metric math"
        )


def _policy_arn(context: Context, request: Document) -> str:
    resource = f"{request['ServiceNamespace']}/{request['ResourceId']}"
    own = f"scalingPolicy:{uuid.uuid4()}:resource/{resource}:policyName/{request['PolicyName']}"
    return context.arn("autoscaling", own)


def _put_alarms(context: Context, arn: str, document: Document) -> list[Document]:
    """Create the alarms as AWS does, with the policy as their action; no alarm for scaling in if that is disabled."""
    configuration = document["TargetTrackingScalingPolicyConfiguration"]
    threshold = float(configuration["TargetValue"])
    wanted = {"AlarmHigh": ("GreaterThanThreshold", threshold)}
    if not configuration.get("DisableScaleIn"):
        wanted["AlarmLow"] = ("LessThanThreshold", LOW_SHARE * threshold)
    cloudwatch, made = context.aws.client("cloudwatch"), []
    for kind, (comparison, level) in wanted.items():
        name = f"TargetTracking-{document['ResourceId']}-{kind}-{uuid.uuid4()}"
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {arn}.",
            AlarmActions=[arn],
            ComparisonOperator=comparison,
            Threshold=level,
            Period=_PERIOD_SECONDS,
            EvaluationPeriods=_MOST_DATAPOINTS[kind],
            **metric(document),
        )
        made.append({"AlarmName": name, "AlarmARN": context.arn("cloudwatch", f"alarm:{name}")})
    return made


def _delete_alarms(context: Context, policy: Resource) -> None:
    names = [alarm["AlarmName"] for alarm in policy.document.get("Alarms", [])]
    if names:
        context.aws.client("cloudwatch").delete_alarms(AlarmNames=names)


def _find(context: Context, target: Resource, name: str) -> Resource | None:
    found = context.store.every(KIND, parent=target.arn, name=name)
    return found[0] if found else None
