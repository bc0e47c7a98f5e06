"""Stacks that fail, are rolled back or deleted: nothing of them is in the way of the next attempt."""

import json
import time

import pytest
import urllib3
from botocore.exceptions import ClientError

from localaws.ministack.cloudformation import existence
from tests.conftest import LocalAws
from tests.localaws.stacks import ROLE, Document, Stacks, bucket, function, n_queues, nested, unique

TAGGED = {"Id": "t", "Status": "Enabled", "TagFilters": [{"Key": "k", "Value": "v"}], "ExpirationInDays": 1}


@pytest.fixture
def stacks(local_aws: LocalAws) -> Stacks:
    return Stacks(local_aws)


def test_a_wrong_property_fails_the_stack_and_everything_goes_back(stacks: Stacks, local_aws: LocalAws) -> None:
    name = unique()
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    wrong = {"Type": "AWS::SQS::Queue", "DependsOn": "Topic", "Properties": {"QueueNaem": name}}
    assert stacks.make(name, {"Topic": topic, "Queue": wrong}) == "ROLLBACK_COMPLETE"
    assert "for resource Queue with message:\n#: extraneous key [QueueNaem] is not permitted" in stacks.reasons(name)
    assert name not in str(local_aws.client("sns").list_topics()["Topics"])


def test_an_update_that_fails_brings_the_old_properties_back(stacks: Stacks, local_aws: LocalAws) -> None:
    name, sqs = unique(), local_aws.client("sqs")
    queue: Document = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "DelaySeconds": 1}}
    assert stacks.make(name, {"Queue": queue}) == "CREATE_COMPLETE"
    changed = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "DelaySeconds": 2}}
    wrong = {"Type": "AWS::SNS::Topic", "DependsOn": "Queue", "Properties": {"Naem": "x"}}
    assert stacks.make(name, {"Queue": changed, "Topic": wrong}, update=True) == "UPDATE_ROLLBACK_COMPLETE"
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {
        "DelaySeconds": "1"
    }


def test_what_fails_after_it_was_made_is_rolled_back(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    refused = bucket(name, LifecycleConfiguration={"Rules": [TAGGED]})
    assert stacks.make(name, {"Bucket": refused}) == "ROLLBACK_COMPLETE"
    assert "does not have TagFilters in a rule" in stacks.reasons(name)
    assert name not in str(s3.list_buckets()["Buckets"])
    stacks.delete(name)
    assert stacks.make(name, {"Bucket": bucket(name)}) == "CREATE_COMPLETE"

    refused["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}
    assert stacks.make(name, {"Bucket": refused}, update=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"


def test_a_rollback_that_cannot_delete_is_tried_again_by_a_deletion(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    never = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Bucket",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"},
    }
    body = json.dumps({"Resources": {"Bucket": bucket(name), "Handle": handle, "Never": never}})
    stacks.client.create_stack(StackName=name, TemplateBody=body)
    s3.get_waiter("bucket_exists").wait(Bucket=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 100})
    s3.put_object(Bucket=name, Key="late", Body=b"x")
    assert stacks.end(name) == "ROLLBACK_FAILED"
    [found] = stacks.client.describe_stack_resources(StackName=name)["StackResources"]
    assert (found["LogicalResourceId"], found["ResourceStatus"]) == ("Bucket", "DELETE_FAILED")
    s3.delete_object(Bucket=name, Key="late")
    stacks.delete(name)
    assert name not in str(s3.list_buckets()["Buckets"])


@pytest.mark.parametrize("is_signalled", [True, False])
def test_a_stack_is_deleted_while_it_is_made(stacks: Stacks, local_aws: LocalAws, is_signalled: bool) -> None:
    name, client = unique(), stacks.client
    waiting = {"Handle": {"Ref": "Handle"}, "Timeout": "60" if is_signalled else "1"}
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "Queue"},
        "Wait": {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "Queue", "Properties": waiting},
        "Later": {"Type": "AWS::SQS::Queue", "DependsOn": "Wait", "Properties": {"QueueName": f"{name}-later"}},
    }
    stack_id = client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))["StackId"]

    def events() -> list[tuple[str, str]]:
        found = client.describe_stack_events(StackName=stack_id)["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in found]

    deadline = time.monotonic() + 60
    while ("Wait", "CREATE_IN_PROGRESS") not in events():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.delete_stack(StackName=name)
    if is_signalled:
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        assert (stack["StackStatus"], n_queues(local_aws, name)) == ("DELETE_IN_PROGRESS", 1)
        handle = client.describe_stack_resource(StackName=name, LogicalResourceId="Handle")["StackResourceDetail"]
        signal = {"Status": "SUCCESS", "UniqueId": "1", "Data": "", "Reason": ""}
        answer = urllib3.request("PUT", handle["PhysicalResourceId"], body=json.dumps(signal))
        assert answer.status == 200
    assert stacks.end(stack_id) == "DELETE_COMPLETE"
    assert n_queues(local_aws, name) == 0
    assert ("Later", "CREATE_COMPLETE") not in events()
    assert events()[0][1] == "DELETE_COMPLETE"


def test_a_table_that_is_protected_is_not_deleted(stacks: Stacks, local_aws: LocalAws) -> None:
    name, dynamodb = unique(), local_aws.client("dynamodb")

    def table(protected: object) -> Document:
        key = {"AttributeName": "k", "KeyType": "HASH"}
        properties = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": [key]}
        properties["AttributeDefinitions"] = [{"AttributeName": "k", "AttributeType": "S"}]
        return {"Type": "AWS::DynamoDB::Table", "Properties": {**properties, "DeletionProtectionEnabled": protected}}

    assert stacks.make(name, {"Table": table("true")}) == "CREATE_COMPLETE"
    stack_id = stacks.client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    stacks.client.delete_stack(StackName=name)
    assert stacks.end(stack_id) == "DELETE_FAILED"
    assert "currently protected against deletion" in stacks.reasons(name)
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    stacks.delete(name)
    assert name not in dynamodb.list_tables()["TableNames"]
    assert stacks.make(name, {"Table": table("false")}) == "CREATE_COMPLETE"
    assert dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is False
    stacks.delete(name)


@pytest.mark.parametrize(("policy", "remains"), [("Delete", 0), ("RetainExceptOnCreate", 0), ("Retain", 1)])
def test_what_is_retained_when_a_creation_is_rolled_back(
    stacks: Stacks, local_aws: LocalAws, policy: str, remains: int
) -> None:
    name = unique()
    queue = {"Type": "AWS::SQS::Queue", "DeletionPolicy": policy, "Properties": {"QueueName": name}}
    wrong = {"Type": "AWS::SNS::Topic", "DependsOn": "Queue", "Properties": {"Naem": "x"}}
    assert stacks.make(name, {"Queue": queue, "Topic": wrong}) == "ROLLBACK_COMPLETE"
    assert n_queues(local_aws, name) == remains
    if remains:
        return
    stacks.delete(name)
    assert stacks.make(name, {"Queue": queue}) == "CREATE_COMPLETE"
    wrong["Type"] = "AWS::SNS::Topic"
    assert stacks.make(name, {"Queue": queue, "Topic": wrong}, update=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert n_queues(local_aws, name) == 1
    stacks.delete(name)
    assert n_queues(local_aws, name) == (policy != "Delete")


def named(name: str) -> dict[str, Document]:
    """Resources of a name, each of a type of its own."""
    key = {"AttributeName": "id", "KeyType": "HASH"}
    table = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [key]}
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "m", "Namespace": "n"}
    machine = {"RoleArn": ROLE, "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'}
    return {
        "AWS::CloudWatch::Alarm": {"AlarmName": name, **alarm, "Period": 60, "Statistic": "Sum", "Threshold": 1},
        "AWS::CloudWatch::Dashboard": {"DashboardName": name, "DashboardBody": '{"widgets": []}'},
        "AWS::DynamoDB::Table": {"TableName": name, **table, "BillingMode": "PAY_PER_REQUEST"},
        "AWS::Events::Rule": {"Name": name, "ScheduleExpression": "rate(1 day)"},
        "AWS::IAM::Role": {"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        "AWS::Lambda::Function": function(name)["Properties"],
        "AWS::Logs::LogGroup": {"LogGroupName": name},
        "AWS::SNS::Topic": {"TopicName": name},
        "AWS::SQS::Queue": {"QueueName": name},
        "AWS::StepFunctions::StateMachine": {"StateMachineName": name, **machine},
    }


@pytest.mark.parametrize("resource_type", named(""))
def test_what_exists_is_not_taken_over(stacks: Stacks, resource_type: str) -> None:
    name = unique()
    resource = {"Type": resource_type, "DeletionPolicy": "Retain", "Properties": named(name)[resource_type]}
    assert stacks.make(name, {"First": resource}) == "CREATE_COMPLETE"
    assert stacks.make(f"{name}-2", {"Second": resource}) == "ROLLBACK_COMPLETE"
    assert f"{name} already exists in stack arn:" in stacks.reasons(f"{name}-2")
    assert (
        stacks.make(name, {"First": resource, "Topic": {"Type": "AWS::SNS::Topic"}}, update=True) == "UPDATE_COMPLETE"
    )
    stacks.delete(name)
    if resource_type not in existence.LOOKUPS:
        return
    assert stacks.make(name, {"First": resource}) == "ROLLBACK_COMPLETE"
    assert f"Resource of type '{resource_type}' with identifier '{{\"/properties/" in stacks.reasons(name)


def test_a_stack_whose_creation_failed_is_deleted_before_it_is_made_again(stacks: Stacks) -> None:
    name, client = unique(), stacks.client
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
    wrong = {"Type": "AWS::SQS::Queue", "Properties": {"QueueNaem": name}}
    body = json.dumps({"Resources": {"Queue": queue}})
    for rollback, status in ((True, "ROLLBACK_COMPLETE"), (False, "CREATE_FAILED")):
        assert stacks.make(name, {"Queue": wrong}, DisableRollback=not rollback) == status
        with pytest.raises(ClientError, match=r"AlreadyExistsException.*already exists"):
            client.create_stack(StackName=name, TemplateBody=body)
        with pytest.raises(ClientError, match=r"AlreadyExistsException.*already exists"):
            client.create_change_set(StackName=name, TemplateBody=body, ChangeSetName="c", ChangeSetType="CREATE")
        words = rf"\(ValidationError\).*Stack:arn:\S+ is in {status} state and can not be updated"
        with pytest.raises(ClientError, match=words):
            client.create_change_set(StackName=name, TemplateBody=body, ChangeSetName="c")
        assert stacks.end(name) == status
        stacks.delete(name)
    assert stacks.make(name, {"Queue": queue}) == "CREATE_COMPLETE"


def test_an_inner_stack_that_fails_leaves_nothing(stacks: Stacks, local_aws: LocalAws) -> None:
    name = unique()
    queue = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"QueueName": name}}
    wrong = {"Type": "AWS::SNS::Topic", "DependsOn": "Queue", "Properties": {"Naem": "x"}}
    inner = {"Inner": nested(local_aws, name, {"Queue": queue, "Topic": wrong})}
    assert stacks.make(name, inner) == "ROLLBACK_COMPLETE"
    assert "extraneous key [Naem] is not permitted" in stacks.reasons(name)
    assert n_queues(local_aws, name) == 0
    stacks.delete(name)

    inner = {"Inner": nested(local_aws, name, {"Queue": queue})}
    assert stacks.make(name, {**inner, "Topic": {**wrong, "DependsOn": "Inner"}}) == "ROLLBACK_COMPLETE"
    assert n_queues(local_aws, name) == 0
    stacks.delete(name)

    assert stacks.make(name, inner) == "CREATE_COMPLETE"
    stacks.delete(name)
    assert n_queues(local_aws, name) == 1


def test_an_outer_stack_says_what_its_inner_one_could_not_delete(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    assert stacks.make(name, {"Inner": nested(local_aws, name, {"Bucket": bucket(f"{name}-b")})}) == "CREATE_COMPLETE"
    s3.put_object(Bucket=f"{name}-b", Key="precious", Body=b"x")
    stacks.delete(name, "DELETE_FAILED")
    reason = "was not successfully deleted: The following resource(s) failed to delete: [Bucket]"
    assert reason in stacks.reasons(name)
    s3.delete_object(Bucket=f"{name}-b", Key="precious")
    stacks.delete(name)
    assert f"{name}-b" not in str(s3.list_buckets()["Buckets"])
