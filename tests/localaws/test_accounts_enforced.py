"""What may cross from one account into another where IAM is enforced, and what may not."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws, until
from tests.localaws.accounts import another_account, as_role
from tests.localaws.roles import allow, make_role, make_role_for, policy
from tests.localaws.sagemaker.conftest import unique


def refused(call: Any, **members: Any) -> str:
    """Why a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**members)
    return str(error.value)


def test_an_alarm_tells_another_accounts_topic_if_its_policy_says_so(enforcing_local_aws: LocalAws) -> None:
    ours, theirs = enforcing_local_aws, another_account(enforcing_local_aws)
    sns, sqs, name = ours.client("sns"), ours.client("sqs"), unique("alarm")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    from_topic = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(from_topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    cloudwatch = theirs.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[topic],
    )

    def alarm(reason: str) -> None:
        for state in ("OK", "ALARM"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    def told() -> list[str]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(each["Body"])["Message"])["NewStateReason"] for each in found]

    alarm("before")
    publish = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
    source = {"StringEquals": {"aws:SourceAccount": theirs.account_id}}
    allowed = policy({**publish, "Resource": topic, "Condition": source})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=allowed)
    alarm("after")
    seen: list[str] = []
    until(lambda: seen.extend(told()) or seen)
    assert seen == ["after"]


def test_a_role_is_not_passed_to_a_service_of_another_account(enforcing_local_aws: LocalAws) -> None:
    theirs = another_account(enforcing_local_aws)
    model_role = make_role(theirs, "sagemaker")
    creator = make_role_for(enforcing_local_aws, "000000000000", allow(["sagemaker:*", "iam:PassRole", "s3:*"]))
    sagemaker = as_role(enforcing_local_aws, creator).client("sagemaker")
    model = {"ModelName": unique("model"), "PrimaryContainer": {"Image": "i"}, "ExecutionRoleArn": model_role}
    assert "Cross-account pass role is not allowed." in refused(sagemaker.create_model, **model)


def test_a_role_of_another_account_says_who_may_assume_it(enforcing_local_aws: LocalAws) -> None:
    theirs, third = another_account(enforcing_local_aws), another_account(enforcing_local_aws)
    role_arn = make_role_for(theirs, "000000000000", allow("sagemaker:ListModels"))
    assumed = {"RoleArn": role_arn, "RoleSessionName": "test"}
    assert "AccessDenied" in refused(third.client("sts").assume_role, **assumed)
    assumer = make_role_for(enforcing_local_aws, "000000000000", allow("sts:AssumeRole", role_arn))
    there = as_role(as_role(enforcing_local_aws, assumer), role_arn)
    assert there.client("sagemaker").list_models()["Models"] == []
    assert "sagemaker:ListEndpoints" in refused(there.client("sagemaker").list_endpoints)
