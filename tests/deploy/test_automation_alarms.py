"""The alarms of automation.yml go off: on a function that fails, the event that it could not take, a rule that cannot
deliver."""

import io
import json
import time
import zipfile
from typing import Any

import pytest

from localaws.ministack.sns.mailbox import Mailbox
from tests.conftest import LocalAws
from tests.deploy import samples
from tests.deploy.automation import TEMPLATE, Automation, provision
from tests.deploy.test_template_alarms import load, metrics_of_alarm
from tests.deploy.test_templates import TEMPLATES
from tests.localaws.measured import Measured, until_counted

FUNCTION = "start-retraining"
ATTEMPTS = 2
SAID = {
    "RetrainingErrorAlarm": f"{FUNCTION} ends in the middle",
    "RetrainingDeadLetterAlarm": f"{FUNCTION} could not take",
}


@pytest.fixture(scope="module")
def project(local_aws: LocalAws) -> Automation:
    """A project of this test's own, whose automation it breaks; somebody reads its mails."""
    made = provision(local_aws)
    topic, address = made.outputs["NotificationTopicArn"], f"{made.name}@example.com"
    local_aws.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    assert local_aws.command("mail", "confirm", address).returncode == 0
    return made


def break_function(project: Automation) -> None:
    """Let the function end in the middle, and have its messages come again at once, a few times."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("starts.py", "def retraining(event, context):\n    raise RuntimeError('no table')\n")
    name, sqs = f"{project.name}-{FUNCTION}", project.aws.client("sqs")
    project.aws.client("lambda").update_function_code(FunctionName=name, ZipFile=packed.getvalue())
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    [policy] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"].values()
    hasty = json.dumps({**json.loads(policy), "maxReceiveCount": ATTEMPTS})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0", "RedrivePolicy": hasty})


def alarms(project: Automation) -> dict[str, dict[str, Any]]:
    """The alarms of the stack, by logical id."""
    resources = project.aws.client("cloudformation").describe_stack_resources(StackName=f"{project.name}-automation")
    names = {
        each["PhysicalResourceId"]: each["LogicalResourceId"]
        for each in resources["StackResources"]
        if each["ResourceType"] == "AWS::CloudWatch::Alarm"
    }
    found = project.aws.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return {names[alarm["AlarmName"]]: alarm for alarm in found}


def test_a_function_that_fails_and_its_dead_letter_tell_people(project: Automation) -> None:
    assert {alarm["StateValue"] for alarm in alarms(project).values()} <= {"OK", "INSUFFICIENT_DATA"}
    break_function(project)
    project.deliver(FUNCTION, samples.object_created(f"{project.name}-data", "traindata/x.csv"), times=1)
    deadline = time.monotonic() + 60
    while {name for name, alarm in alarms(project).items() if alarm["StateValue"] == "ALARM"} != set(SAID):
        assert time.monotonic() < deadline, alarms(project)
        time.sleep(0.1)
    errors = Measured(project.aws, "AWS/Lambda", FunctionName=f"{project.name}-{FUNCTION}")
    until_counted(lambda: errors.sum("Errors") == ATTEMPTS)
    letters = Measured(project.aws, "AWS/SQS", QueueName=f"{project.name}-{FUNCTION}-dead")
    assert letters.maximum("ApproximateNumberOfMessagesVisible") == 1
    mails = [mail for mail in Mailbox(project.aws.state_dir / "outbox").mails() if mail.to.startswith(project.name)]
    listed, found = project.aws.command("mail").stdout, alarms(project)
    for alarm, words in SAID.items():
        subject = f'ALARM: "{found[alarm]["AlarmName"]}" in US East (N. Virginia)'
        assert subject in listed
        [mail] = [mail for mail in mails if mail.subject == subject]
        assert "has entered the state ALARM: Threshold Crossed" in mail.text
        assert words in mail.text


def test_a_rule_that_cannot_deliver_tells_people(project: Automation) -> None:
    events, name = project.aws.client("events"), f"{project.name}-batch-data"
    gone = f"arn:aws:sqs:us-east-1:000000000000:{project.name}-gone"
    events.put_targets(Rule=name, Targets=[{"Id": "batch", "Arn": gone}])
    project.aws.client("s3").put_object(Bucket=f"{project.name}-data", Key="batchdata/input/lost.csv", Body=b"1\n")
    deadline = time.monotonic() + 60
    while (found := alarms(project))["StartDeliveryAlarm"]["StateValue"] != "ALARM":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    assert found["NewsDeliveryAlarm"]["StateValue"] != "ALARM"


def test_every_rule_of_a_project_has_its_failures_watched() -> None:
    """Also the rule that is made when there is a schedule only, and that of commits."""
    watched = set()
    for alarm in ("StartDeliveryAlarm", "NewsDeliveryAlarm"):
        metrics = metrics_of_alarm(load(TEMPLATE)["Resources"][alarm]["Properties"])
        assert len(metrics) <= 10  # CloudWatch takes no more in an alarm.
        watched |= {str(*metric["Dimensions"][0]["Value"].values()) for metric in metrics}
    templates = [load(path)["Resources"] for path in TEMPLATES]
    rules = {
        (name, each["Properties"]["Name"]["Fn::Sub"])
        for template in templates
        for name, each in template.items()
        if each["Type"] == "AWS::Events::Rule"
    }
    assert {names for names in rules if not watched & set(names)} == set()
    assert len(watched) == len(rules)
