"""CloudFormation is as strict as AWS's, and what a template says is what the services then show."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from localaws.ministack.cloudformation import schema
from tests.conftest import LocalAws
from tests.localaws.stacks import ROLE, Document, Stacks, bucket, function, nested, unique


@pytest.fixture
def stacks(local_aws: LocalAws) -> Stacks:
    return Stacks(local_aws)


@pytest.mark.parametrize(
    ("resource_type", "properties", "message"),
    [
        ("AWS::S3::Bucket", {"BucketNaem": "b"}, "#: extraneous key [BucketNaem] is not permitted"),
        ("AWS::S3::Bucket", {"Arn": "b"}, "#: extraneous key [Arn] is not permitted"),
        ("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "On"}}, "/Status: On is not a valid enum value"),
        ("AWS::SQS::QueuePolicy", {"PolicyDocument": {}}, "#: required key [Queues] not found"),
        (
            "AWS::Lambda::Function",
            {"Code": {}, "Role": "r", "Timeout": "long"},
            "expected type: Integer, found: String",
        ),
        ("AWS::Lambda::Function", {"Code": {}, "Role": "r", "Timeout": "0"}, "0 is not greater or equal to 1"),
        ("AWS::SNS::Subscription", {"TopicArn": ["t"], "Protocol": "sqs"}, "expected type: String, found: JSONArray"),
    ],
)
def test_properties_are_held_against_the_schema(resource_type: str, properties: Document, message: str) -> None:
    with pytest.raises(ValueError, match="Properties validation failed for resource Mine with message:") as caught:
        schema.check(resource_type, "Mine", properties)
    assert message in str(caught.value)


def test_text_stands_for_numbers_and_booleans() -> None:
    schema.check("AWS::Logs::LogGroup", "Log", {"LogGroupName": "/log", "RetentionInDays": "30"})
    schema.check("AWS::KMS::Key", "Key", {"KeyPolicy": {}, "EnableKeyRotation": "true"})


@pytest.mark.parametrize(("key", "error"), [("no-such-key.zip", "NoSuchKey"), ("x.zip", "NoSuchBucket")])
def test_a_function_without_its_code_is_none(stacks: Stacks, local_aws: LocalAws, key: str, error: str) -> None:
    name = unique()
    if error == "NoSuchKey":
        local_aws.client("s3").create_bucket(Bucket=name)
    resources = {"Function": function(name, Code={"S3Bucket": name, "S3Key": key})}
    assert stacks.make(name, resources) == "ROLLBACK_COMPLETE"
    assert "Error occurred while GetObject. S3 Error Code: NoSuch" in stacks.reasons(name)


def test_a_function_keeps_its_concurrency_dead_letters_and_key(stacks: Stacks, local_aws: LocalAws) -> None:
    name, functions = unique(), local_aws.client("lambda")
    dead = {"Type": "AWS::SQS::Queue"}
    config = {"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}
    more = {"ReservedConcurrentExecutions": "5", "DeadLetterConfig": config, "RecursiveLoop": "Allow"}
    assert stacks.make(name, {"Dead": dead, "Function": function(name, **more)}) == "CREATE_COMPLETE"
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 5
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    found = functions.get_function_configuration(FunctionName=name)
    assert found["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:")
    assert stacks.make(name, {"Dead": dead, "Function": function(name)}, update=True) == "UPDATE_COMPLETE"
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=name)
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"


def test_a_bucket_keeps_encryption_lifecycle_logging_and_tags(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"}
    rules = [{"ServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": "true"}]
    archive = {
        "Id": "archive",
        "Status": "Enabled",
        "Prefix": "old/",
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": "365"}],
        "ExpirationInDays": "3650",
    }
    full = bucket(
        name,
        BucketEncryption={"ServerSideEncryptionConfiguration": rules},
        LifecycleConfiguration={"Rules": [archive]},
        LoggingConfiguration={"LogFilePrefix": "log/"},
        Tags=[{"Key": "team", "Value": "ml"}],
    )
    assert stacks.make(name, {"Bucket": full}) == "CREATE_COMPLETE"
    [rule] = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule == {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rule["Transitions"] == [{"Days": 365, "StorageClass": "GLACIER"}]
    assert (rule["Filter"], rule["Expiration"]) == ({"Prefix": "old/"}, {"Days": 3650})
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"] == {"TargetBucket": name, "TargetPrefix": "log/"}
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "ml"}]
    assert stacks.make(name, {"Bucket": bucket(name)}, update=True) == "UPDATE_COMPLETE"
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=name)


def test_a_table_keeps_expiry_backups_and_encryption(stacks: Stacks, local_aws: LocalAws) -> None:
    name, dynamodb = unique(), local_aws.client("dynamodb")
    table = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": "true"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": "true"},
    }
    assert stacks.make(name, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}) == "CREATE_COMPLETE"
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_what_else_would_be_lost(stacks: Stacks, local_aws: LocalAws) -> None:
    """A state machine's log, a schedule's time zone, a topic's key, a function's retries."""
    name = unique()
    destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Log", "Arn"]}}}
    machine = {
        "StateMachineName": name,
        "RoleArn": ROLE,
        "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
        "LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": "true", "Destinations": [destination]},
        "TracingConfiguration": {"Enabled": "true"},
    }
    schedule = {
        "Name": name,
        "ScheduleExpression": "rate(1 day)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "DISABLED",
        "Target": {"Arn": {"Fn::GetAtt": ["Function", "Arn"]}, "RoleArn": ROLE},
    }
    retries = {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": "1"}
    resources = {
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{name}"}},
        "Function": function(name),
        "Retries": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": retries},
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
        "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "KmsMasterKeyId": "alias/mine"}},
    }
    assert stacks.make(name, resources) == "CREATE_COMPLETE", stacks.reasons(name)
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
    found = local_aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert found["loggingConfiguration"]["level"] == "ALL"
    assert local_aws.client("scheduler").get_schedule(Name=name)["ScheduleExpressionTimezone"] == "Europe/Berlin"
    topic = f"arn:aws:sns:us-east-1:000000000000:{name}"
    attributes = local_aws.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == "alias/mine"
    config = local_aws.client("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    assert config["MaximumRetryAttempts"] == 1


def test_iam_resources_need_the_capability(stacks: Stacks) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    body = json.dumps({"Resources": {"Role": role}})
    with pytest.raises(ClientError, match="CAPABILITY_IAM") as caught:
        stacks.client.create_stack(StackName=unique(), TemplateBody=body)
    assert caught.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"


def test_a_template_with_null_is_refused(stacks: Stacks, local_aws: LocalAws) -> None:
    """`read_templates_exactly`: `ResultPath: null` is right in a state machine and not in a template."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": None}}
    body, name = json.dumps({"Resources": {"Topic": topic}}), unique()
    said = r"\[/Resources/Topic/Properties/TopicName\] 'null' values are not allowed in templates"
    with pytest.raises(ClientError, match=said):
        stacks.client.create_stack(StackName=name, TemplateBody=body)
    with pytest.raises(ClientError, match=said):
        stacks.client.create_change_set(StackName=name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body)


BOOLEANS = """
Parameters:
  Flag: {Type: String, Default: true, AllowedValues: [true, false]}
  No: {Type: String, Default: no}
Mappings: {Sizes: {Big: {wanted: false}}}
Conditions: {Same: !Equals [!Ref Flag, true]}
Resources:
  Own:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: true, Name: !Join [/, ["", exact, !Ref AWS::StackName]]}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {SqsManagedSseEnabled: !FindInMap [Sizes, Big, wanted]}
Outputs:
  Same: {Value: !If [Same, true, false]}
  Whole: {Value: !Sub ["${Flag} ${No} ${more}", {more: false}]}
"""


def test_a_boolean_is_text_where_text_is_wanted(stacks: Stacks, local_aws: LocalAws) -> None:
    name = unique()
    given = [{"ParameterKey": "Flag", "ParameterValue": "true"}]
    stacks.client.create_stack(StackName=name, TemplateBody=BOOLEANS, Parameters=given)
    assert stacks.end(name) == "CREATE_COMPLETE", stacks.reasons(name)
    [stack] = stacks.client.describe_stacks(StackName=name)["Stacks"]
    assert {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]} == {
        "Same": "true",
        "Whole": "true false false",
    }
    assert {each["ParameterKey"] for each in stack["Parameters"]} == {"Flag", "No"}
    found = local_aws.client("ssm").get_parameter(Name=f"/exact/{name}")["Parameter"]
    assert found["Value"] == "true"


def test_properties_get_the_types_of_their_schema() -> None:
    variables = {"Environment": {"Variables": {"ON": True, "COUNT": 3}}, "Timeout": "3", "Code": {}}
    typed = schema.with_types("AWS::Lambda::Function", variables)
    assert typed == {"Environment": {"Variables": {"ON": "true", "COUNT": "3"}}, "Timeout": "3", "Code": {}}
    assert schema.with_types("AWS::KMS::Key", {"EnableKeyRotation": "false"}) == {"EnableKeyRotation": False}
    policy = {"KeyPolicy": {"Condition": {"Bool": {"aws:SecureTransport": False}}}}
    assert schema.with_types("AWS::KMS::Key", policy) == policy
    assert schema.with_types("Custom::Thing", {"On": True}) == {"On": True}


def test_a_parameter_that_the_template_does_not_have_is_refused(stacks: Stacks, local_aws: LocalAws) -> None:
    name, client = unique(), stacks.client
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}
    document: Document = {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Topic": topic}}
    own = {"ParameterKey": "Name", "ParameterValue": name}
    request = {"StackName": name, "TemplateBody": json.dumps(document), "Parameters": [own]}
    others = [{"ParameterKey": key, "ParameterValue": "1"} for key in ("Foo", "Bar")]
    unknown = {**request, "Parameters": [own, *others]}
    words = r"\(ValidationError\).*Parameters: \[Foo, Bar\] do not exist in the template"
    with pytest.raises(ClientError, match=words):
        client.create_stack(**unknown)
    client.create_stack(**request)
    assert stacks.end(name) == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match=words):
        client.update_stack(**unknown)
    with pytest.raises(ClientError, match=words):
        client.create_change_set(**unknown, ChangeSetName="c")
    plain = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    with pytest.raises(ClientError, match="Parameter values specified for a template which does not require them"):
        client.update_stack(**{**request, "TemplateBody": plain})

    inner = nested(local_aws, name, {"Topic": {"Type": "AWS::SNS::Topic"}})
    inner["Properties"]["Parameters"] = {"Foo": "1"}
    assert stacks.make(f"{name}-outer", {"Inner": inner}) == "ROLLBACK_COMPLETE"
    assert "which does not require them" in stacks.reasons(f"{name}-outer")


def conditional(name: str, delay: int, queue_name: str) -> str:
    """A template with a resource whose condition is false."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": queue_name, "DelaySeconds": delay}}
    never = {"Type": "AWS::SNS::Topic", "Condition": "Never", "Properties": {"TopicName": name}}
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    return json.dumps({"Conditions": conditions, "Resources": {"Queue": queue, "Never": never}})


def test_change_sets_know_conditions_and_replacements(stacks: Stacks) -> None:
    name = unique()

    def changes(body: str, kind: str) -> dict[str, tuple[str, str | None]]:
        made = stacks.client.create_change_set(
            StackName=name, ChangeSetName=unique(), ChangeSetType=kind, TemplateBody=body
        )
        deadline = time.monotonic() + 60
        while (found := stacks.client.describe_change_set(ChangeSetName=made["Id"]))["Status"].endswith("PROGRESS"):
            assert time.monotonic() < deadline
        rows = [each["ResourceChange"] for each in found["Changes"]]
        if kind == "CREATE":
            stacks.client.execute_change_set(ChangeSetName=made["Id"])
            assert stacks.end(name) == "CREATE_COMPLETE"
        return {row["LogicalResourceId"]: (row["Action"], row.get("Replacement")) for row in rows}

    assert changes(conditional(name, 1, name), "CREATE") == {"Queue": ("Add", None)}
    assert changes(conditional(name, 2, name), "UPDATE") == {"Queue": ("Modify", "False")}
    assert changes(conditional(name, 1, f"{name}-2"), "UPDATE") == {"Queue": ("Modify", "True")}


def test_templates_lie_in_buckets_and_stacks_in_stacks(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    s3.create_bucket(Bucket=name)
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    inner = {"Resources": {"Topic": topic}, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}}
    s3.put_object(Bucket=name, Key="a/inner.yml", Body=json.dumps(inner).encode())
    url = f"https://{name}.s3.us-east-1.amazonaws.com/a/inner.yml"
    assert stacks.make(name, {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}})
    assert stacks.end(name) == "CREATE_COMPLETE", stacks.reasons(name)
    assert name in str(local_aws.client("sns").list_topics()["Topics"])


def test_an_inner_stack_keeps_what_it_knows_of_unchanged_resources(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    s3.create_bucket(Bucket=name)
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
    for version in ("1", "2"):
        value = {"Fn::Sub": f"{version} ${{Queue.Arn}}"}
        parameter = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": f"/{name}", "Type": "String", "Value": value},
        }
        body = json.dumps({"Resources": {"Queue": queue, "Parameter": parameter}})
        s3.put_object(Bucket=name, Key=f"{version}.yml", Body=body.encode())
        url = f"https://{name}.s3.us-east-1.amazonaws.com/{version}.yml"
        inner = {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}
        assert stacks.make(name, inner, update=version == "2").endswith("E_COMPLETE"), stacks.reasons(name)
    found = local_aws.client("ssm").get_parameter(Name=f"/{name}")["Parameter"]["Value"]
    assert found == f"2 arn:aws:sqs:us-east-1:000000000000:{name}"


def test_a_bucket_with_objects_is_not_deleted(stacks: Stacks, local_aws: LocalAws) -> None:
    name, s3 = unique(), local_aws.client("s3")
    assert stacks.make(name, {"Bucket": bucket(name)}) == "CREATE_COMPLETE"
    s3.put_object(Bucket=name, Key="precious", Body=b"x")
    stacks.client.delete_stack(StackName=name)
    assert stacks.end(name) == "DELETE_FAILED"
    assert s3.get_object(Bucket=name, Key="precious")["Body"].read() == b"x"


def test_a_stage_logs_only_where_the_account_has_a_role_for_it(local_aws: LocalAws, stacks: Stacks) -> None:
    gateway, name = local_aws.client("apigateway"), unique()
    before = gateway.get_account().get("cloudwatchRoleArn")
    format_ = {
        "DestinationArn": f"arn:aws:logs:us-east-1:000000000000:log-group:{name}",
        "Format": "$context.requestId",
    }
    stage = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "s"}
    method = {"HttpMethod": "GET", "AuthorizationType": "NONE", "Integration": {"Type": "MOCK"}}
    root = {"RestApiId": {"Ref": "Api"}, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}}
    resources: Document = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": name}},
        "Method": {"Type": "AWS::ApiGateway::Method", "Properties": {**root, **method}},
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": "Method",
            "Properties": {"RestApiId": {"Ref": "Api"}},
        },
        "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {**stage, "AccessLogSetting": format_}},
    }
    try:
        gateway.update_account(patchOperations=[{"op": "remove", "path": "/cloudwatchRoleArn"}])
        assert stacks.make(name, resources) == "ROLLBACK_COMPLETE"
        assert "CloudWatch Logs role ARN must be set in account settings" in stacks.reasons(name)
        role = "arn:aws:iam::000000000000:role/logs"
        gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
        assert stacks.make(unique(), resources) == "CREATE_COMPLETE"
    finally:
        if before:
            restored = {"op": "replace", "path": "/cloudwatchRoleArn", "value": before}
            gateway.update_account(patchOperations=[restored])


def test_the_registry_says_what_the_handlers_of_a_type_call(local_aws: LocalAws) -> None:
    cloudformation = local_aws.client("cloudformation")
    told = cloudformation.describe_type(Type="RESOURCE", TypeName="AWS::SQS::Queue")
    assert "sqs:CreateQueue" in json.loads(told["Schema"])["handlers"]["create"]["permissions"]
    for asked in ({"TypeName": "Mine::SQS::Queue"}, {"TypeName": "AWS::SQS::Queue", "Type": "MODULE"}):
        with pytest.raises(ClientError, match="TypeNotFoundException"):
            cloudformation.describe_type(**{"Type": "RESOURCE", **asked})
