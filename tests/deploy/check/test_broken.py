"""A project broken in each way: the check that is for it says so, and what to do."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.check.finding import Status
from tests.conftest import LocalAws
from tests.deploy.check.conftest import Checked, make, statuses, wait

Break = Callable[[Checked, str], Any]


@dataclass(frozen=True)
class Case:
    """What is broken and how; which check must say what."""

    logical_id: str
    type: str
    check: str
    status: Status
    why: str
    action: str
    how: Break


def trust(principal: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})


def half_a_tls_policy(project: Checked, bucket: str) -> None:
    """Deny plain HTTP to the objects, but not to the bucket."""
    statement = {
        **{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    project.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def half_a_block(project: Checked, bucket: str) -> None:
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    project.client("s3").put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={**block, "RestrictPublicBuckets": True}
    )


def plain_encryption(project: Checked, bucket: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    project.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def unsubscribe(project: Checked, topic: str) -> None:
    sns = project.client("sns")
    for found in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])


def misspell(project: Checked, rule: str) -> None:
    """The defect of old: a pattern in which the status is written as another API writes it."""
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {"currentPipelineExecutionStatus": ["FAILED"]},
    }
    project.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))


def _last(project: Checked, logical_id: str) -> str:
    """The name in a resource's physical id."""
    return project.physical_id(logical_id).rpartition("/")[2]


def forget_dead_letters(project: Checked, name: str) -> None:
    client = project.client("lambda")
    client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})


FAILED, WARNING, UNKNOWN = Status.FAILED, Status.WARNING, Status.UNKNOWN
BUCKET, ROLE, RULE = "AWS::S3::Bucket", "AWS::IAM::Role", "AWS::Events::Rule"
CASES = [
    Case(
        *("Key", "AWS::KMS::Key", "Rotation", FAILED, "not rotated", "aws kms enable-key-rotation"),
        lambda project, key: project.client("kms").disable_key_rotation(KeyId=key),
    ),
    Case(*("DataBucket", BUCKET, "Encryption", FAILED, "AES256", "put-bucket-encryption"), plain_encryption),
    Case(
        *("DataBucket", BUCKET, "Private", FAILED, "no public access block", "put-public-access-block"),
        lambda project, bucket: project.client("s3").delete_public_access_block(Bucket=bucket),
    ),
    Case(*("LogBucket", BUCKET, "Private", FAILED, "BlockPublicPolicy is off", "put-public-access"), half_a_block),
    Case(
        *("DataBucket", BUCKET, "Versioning", FAILED, "versioning is Suspended", "put-bucket-versioning"),
        lambda project, bucket: project.client("s3").put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    Case(
        *("DataBucket", BUCKET, "TlsOnly", FAILED, "does not deny plain HTTP", "aws:SecureTransport"),
        lambda project, bucket: project.client("s3").delete_bucket_policy(Bucket=bucket),
    ),
    Case(*("LogBucket", BUCKET, "TlsOnly", FAILED, "does not deny plain", "aws:SecureTransport"), half_a_tls_policy),
    Case(
        *("DataBucket", BUCKET, "EventBridge", FAILED, "EventBridge is off", "put-bucket-notification-configuration"),
        lambda project, bucket: project.client("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={}
        ),
    ),
    Case(
        *("DataBucket", BUCKET, "TrainingData", FAILED, "traindata/ is empty", "aws s3 cp --recursive"),
        lambda project, bucket: project.client("s3").delete_object(Bucket=bucket, Key="traindata/day.csv"),
    ),
    Case(
        *("ModelExecutionRole", ROLE, "ForSageMaker", FAILED, "sagemaker.amazonaws.com may not", "update-assume-role"),
        lambda project, role: project.client("iam").update_assume_role_policy(
            RoleName=role, PolicyDocument=trust({"Service": "lambda.amazonaws.com"})
        ),
    ),
    Case(
        *("MachineRole", ROLE, "Trust", FAILED, "lets anybody assume it", "name the service"),
        lambda project, role: project.client("iam").update_assume_role_policy(
            RoleName=role, PolicyDocument=trust({"AWS": "*"})
        ),
    ),
    Case(
        *("MachineRole", ROLE, "NoStar", FAILED, "it may do s3:* (policy wide)", "name the actions"),
        lambda project, role: project.client("iam").put_role_policy(
            RoleName=role, PolicyName="wide", PolicyDocument=policy("s3:*", "sns:Publish")
        ),
    ),
    Case(
        *("ApprovalRule", RULE, "Enabled", FAILED, "DISABLED: it starts nothing", "aws events enable-rule --name"),
        lambda project, rule: project.client("events").disable_rule(Name=rule),
    ),
    Case(
        *("DataRule", RULE, "Targets", FAILED, "no targets", "update the stack"),
        lambda project, rule: project.client("events").remove_targets(Rule=rule, Ids=["function"]),
    ),
    Case(
        *("ScheduleRule", RULE, "Targets", FAILED, "does not let EventBridge in", "allow sqs:SendMessage"),
        lambda project, rule: project.client("events").put_targets(
            Rule=rule,
            Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:us-east-1:000000000000:{_last(project, 'DeadLetters')}"}],
        ),
    ),
    Case(*("FailureRule", RULE, "Pattern", FAILED, "matches none of 4 events", "compare the pattern"), misspell),
    Case(
        *("ScheduleRule", RULE, "Pattern", UNKNOWN, "no sample of such an event", "test-event-pattern"),
        lambda project, rule: project.client("events").put_rule(Name=rule, EventPattern='{"source": ["aws.ec2"]}'),
    ),
    Case(
        *("Topic", "AWS::SNS::Topic", "Subscriptions", WARNING, "there are no subscribers", "NotificationEmails"),
        unsubscribe,
    ),
    Case(
        *("Topic", "AWS::SNS::Topic", "Encryption", FAILED, "not encrypted", "KmsMasterKeyId"),
        lambda project, topic: project.client("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=""
        ),
    ),
    Case(
        *("DeadLetters", "AWS::SQS::Queue", "DeadLetters", WARNING, "1 message(s)", "aws sqs receive-message"),
        lambda project, queue: project.client("sqs").send_message(QueueUrl=queue, MessageBody="{}"),
    ),
    Case(
        *("DeadLetters", "AWS::SQS::Queue", "Encryption", FAILED, "not encrypted", "KmsMasterKeyId"),
        lambda project, queue: project.client("sqs").set_queue_attributes(
            QueueUrl=queue, Attributes={"KmsMasterKeyId": "", "SqsManagedSseEnabled": "false"}
        ),
    ),
    Case(
        *(
            "Function",
            "AWS::Lambda::Function",
            "DeadLetterQueue",
            FAILED,
            "event of events.amazonaws.com",
            "DeadLetter",
        ),
        forget_dead_letters,
    ),
    Case(
        *("Function", "AWS::Lambda::Function", "Role", FAILED, "lambda.amazonaws.com may not", "update-assume-role"),
        lambda project, _name: project.client("iam").update_assume_role_policy(
            RoleName=project.physical_id("FunctionRole"), PolicyDocument=trust({"AWS": "*"})
        ),
    ),
]


@pytest.fixture(scope="module")
def broken(local_aws: LocalAws) -> Checked:
    """One project for all: each case breaks what no other looks at."""
    return make(local_aws)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.logical_id}-{case.check}")
def test_what_is_wrong_is_found(broken: Checked, case: Case):
    physical_id = broken.physical_id(case.logical_id)
    before = broken.verdicts(case.type, physical_id).get(case.check)
    assert before is None or before.status is not case.status
    case.how(broken, physical_id)
    verdict = broken.verdicts(case.type, physical_id)[case.check]
    assert verdict.status is case.status, verdict
    assert case.why in verdict.why
    assert case.action in verdict.action


def test_an_event_that_no_rule_hears_of_is_found(checked: Checked):
    assert statuses(checked.verdicts("Trigger", "a version Approved")) == {"Followed": Status.OK}
    checked.client("events").disable_rule(Name=f"{checked.name}-approval")
    checked.client("events").remove_targets(Rule=f"{checked.name}-data", Ids=["function"])
    misspell(checked, f"{checked.name}-failure")
    for name in ("a version Approved", "a file traindata/day.csv", "a pipeline execution Failed"):
        verdict = checked.verdicts("Trigger", name)["Followed"]
        assert (verdict.status, "no enabled rule hears of it" in verdict.why) == (Status.FAILED, True), name


def test_a_project_on_its_way_is_warned(checked: Checked):
    group = ("AWS::SageMaker::ModelPackageGroup", checked.physical_id("ModelPackageGroup"))
    sagemaker = checked.client("sagemaker")
    assert checked.verdicts(*group)["Approved"].why == "no version yet"
    bucket, image = f"{checked.name}-data", "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2"
    checked.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"model")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=checked.name,
        InferenceSpecification={"Containers": [{"Image": image, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}]},
    )["ModelPackageArn"]
    assert checked.verdicts(*group)["Approved"].why == "no version is approved"
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert checked.verdicts(*group)["Approved"].status is Status.OK
    sagemaker.delete_pipeline(PipelineName=checked.name, ClientRequestToken=uuid.uuid4().hex)
    assert statuses(checked.verdicts("SageMakerPipeline", checked.name)) == {"Active": Status.WARNING}


def test_what_somebody_has_deleted_is_missed(checked: Checked):
    names = ("LogBucket", "Topic", "DeadLetters", "Function", "ApprovalRule", "Machine", "Table", "ModelPackageGroup")
    found = {name: checked.physical_id(name) for name in (*names, "ModelExecutionRole", "Key")}
    checked.client("kms").disable_key(KeyId=found["Key"])
    checked.client("s3").delete_bucket(Bucket=found["LogBucket"])
    checked.client("sns").delete_topic(TopicArn=found["Topic"])
    checked.client("sqs").delete_queue(QueueUrl=found["DeadLetters"])
    checked.client("lambda").delete_function(FunctionName=found["Function"])
    checked.client("events").remove_targets(Rule=found["ApprovalRule"], Ids=["function"])
    checked.client("events").delete_rule(Name=found["ApprovalRule"])
    checked.client("stepfunctions").delete_state_machine(stateMachineArn=found["Machine"])
    checked.client("dynamodb").delete_table(TableName=found["Table"])
    checked.client("sagemaker").delete_model_package_group(ModelPackageGroupName=checked.name)
    checked.client("iam").delete_role_policy(RoleName=found["ModelExecutionRole"], PolicyName="model")
    checked.client("iam").delete_role(RoleName=found["ModelExecutionRole"])
    types = {one.physical_id: one.type for one in checked.system().resources}
    for name, physical_id in found.items():
        [verdict] = checked.verdicts(types[physical_id], physical_id).values()
        assert verdict.status is Status.FAILED, (name, verdict)
        assert name == "Key" or "is not there" in verdict.why, (name, verdict)


def test_a_stack_whose_change_was_taken_back_is_named(checked: Checked):
    cloudformation, name = checked.client("cloudformation"), f"sagemaker-{checked.name}"
    body = cloudformation.get_template(StackName=name)["TemplateBody"]
    keep = [{"ParameterKey": key, "UsePreviousValue": True} for key in checked.system().root.parameters]
    wrong = body.replace("BucketName: !Sub ${SageMakerProjectId}-log", "BucketName: Not_A_Bucket")
    cloudformation.update_stack(StackName=name, TemplateBody=wrong, Parameters=keep, Capabilities=["CAPABILITY_IAM"])
    assert wait(cloudformation, name) == "UPDATE_ROLLBACK_COMPLETE"
    verdict = checked.verdicts("AWS::CloudFormation::Stack", checked.system().root.stack_id)["Whole"]
    assert (verdict.status, "try it again" in verdict.action) == (Status.WARNING, True)
