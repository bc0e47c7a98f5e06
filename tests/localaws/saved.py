"""What MiniStack has on disk, and something of each service that has to be there again after a kill."""

import io
import json
import sqlite3
import uuid
import zipfile
from contextlib import closing

from tests.conftest import LocalAws, until

_ACCOUNT, _REGION = "000000000000", "us-east-1"
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/kept"
_QUERY = "SELECT 1 FROM entry WHERE service = 'ssm' AND store = 'parameters' AND place = ?"


def wait_until_saved(aws: LocalAws) -> None:
    """Wait until all that was acknowledged until now is on disk.

    A save is of one moment: when what was written last is in it, everything before is.
    """
    name = f"/saved/{uuid.uuid4().hex}"
    aws.client("ssm").put_parameter(Name=name, Value="v", Type="String")
    wait_until_on_disk(aws, name)


def wait_until_on_disk(aws: LocalAws, parameter: str) -> None:
    """Wait until a parameter is in the file of MiniStack's state."""
    place = f"{_ACCOUNT}\0{_REGION}\0s{parameter}".encode()
    with closing(sqlite3.connect(aws.state_dir / "ministack" / "state.sqlite", timeout=30)) as connection:
        until(lambda: connection.execute(_QUERY, (place,)).fetchone())


def write_something(aws: LocalAws) -> None:
    """Have each of some services keep something."""
    aws.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    aws.client("ssm").put_parameter(Name="/kept", Value="in SSM", Type="SecureString")
    aws.client("secretsmanager").create_secret(Name="kept", SecretString="in Secrets Manager")
    queue = aws.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody="in SQS")
    topic = aws.client("sns").create_topic(Name="kept")["TopicArn"]
    queue_arn = f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:kept"
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    pattern = json.dumps({"source": ["kept"]})
    aws.client("events").put_rule(Name="kept", EventPattern=pattern)
    aws.client("events").put_targets(Rule="kept", Targets=[{"Id": "queue", "Arn": queue_arn}])
    key = {"AttributeName": "Id", "KeyType": "HASH"}
    aws.client("dynamodb").create_table(
        TableName="kept",
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    aws.client("dynamodb").put_item(TableName="kept", Item={"Id": {"S": "1"}, "Bytes": {"B": b"in DynamoDB\xff"}})
    aws.client("lambda").create_function(
        FunctionName="kept", Runtime="python3.11", Role=_ROLE, Handler="f.handler", Code={"ZipFile": _code()}
    )
    aws.client("lambda").get_waiter("function_active_v2").wait(FunctionName="kept")
    aws.client("lambda").publish_version(FunctionName="kept")


def check_something(aws: LocalAws) -> None:
    """What `write_something` wrote is there, and works."""
    assert aws.client("iam").get_role(RoleName="kept")["Role"]["Arn"] == _ROLE
    parameter = aws.client("ssm").get_parameter(Name="/kept", WithDecryption=True)["Parameter"]
    assert parameter["Value"] == "in SSM"
    assert aws.client("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "in Secrets Manager"
    queue = aws.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"]
    received = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in received] == ["in SQS"]
    [subscription] = aws.client("sns").list_subscriptions()["Subscriptions"]
    assert (subscription["TopicArn"].rpartition(":")[2], subscription["Protocol"]) == ("kept", "sqs")
    assert json.loads(aws.client("events").describe_rule(Name="kept")["EventPattern"]) == {"source": ["kept"]}
    [target] = aws.client("events").list_targets_by_rule(Rule="kept")["Targets"]
    assert target["Id"] == "queue"
    item = aws.client("dynamodb").get_item(TableName="kept", Key={"Id": {"S": "1"}})["Item"]
    assert item["Bytes"] == {"B": b"in DynamoDB\xff"}
    answer = aws.client("lambda").invoke(FunctionName="kept", Qualifier="1")
    assert json.load(answer["Payload"]) == "in Lambda"


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def handler(event, context):\n    return 'in Lambda'\n")
    return packed.getvalue()
