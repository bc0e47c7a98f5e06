"""E-mails: from a topic to a file, with the consent of who gets it."""

import email
import email.policy
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from localaws.ministack.sns.mailbox import Mail, Mailbox
from localaws.ministack.sns.mails import is_address
from tests.conftest import LocalAws, local_aws_command

DOCS = Path(__file__).parents[2] / "docs"


def _mailbox(local_aws: LocalAws) -> Mailbox:
    return Mailbox(local_aws.state_dir / "outbox")


def _mails(local_aws: LocalAws, to: str) -> list[Mail]:
    return [mail for mail in _mailbox(local_aws).mails() if mail.to == to]


def _topic(local_aws: LocalAws, name: str) -> tuple[Any, str]:
    sns = local_aws.client("sns")
    return sns, sns.create_topic(Name=name)["TopicArn"]


def test_nobody_gets_mail_who_has_not_agreed(local_aws: LocalAws) -> None:
    sns, topic = _topic(local_aws, "consent")
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
    assert answer["SubscriptionArn"] == "pending confirmation"
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (counts["SubscriptionsPending"], counts["SubscriptionsConfirmed"]) == ("1", "0")
    sns.publish(TopicArn=topic, Subject="too early", Message="m")
    assert [mail.subject for mail in _mails(local_aws, "ann@example.com")] == [
        "AWS Notification - Subscription Confirmation"
    ]

    confirmed = local_aws.command("mail", "confirm", "ann@example.com")
    assert confirmed.returncode == 0, confirmed.stderr
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    arn = listed["SubscriptionArn"]
    assert arn in confirmed.stdout
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false"
    sns.publish(TopicArn=topic, Subject="in time", Message="R² is 0.47\nsecond line")
    mail = _mails(local_aws, "ann@example.com")[-1]
    assert mail.subject == "in time"
    assert mail.text.startswith("R² is 0.47\nsecond line\n")
    assert str(mail.message["From"]) == "AWS Notifications <no-reply@sns.amazonaws.com>"
    assert mail.message["Message-ID"].endswith("@sns.amazonaws.com>")
    assert abs(mail.date.timestamp() - time.time()) < 60

    again = local_aws.command("mail", "confirm", "ann@example.com")
    assert again.returncode == 1
    assert "No subscription of ann@example.com waits" in again.stderr


def test_the_links_in_the_mails_work(local_aws: LocalAws) -> None:
    sns, topic = _topic(local_aws, "links")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="bob@example.com")
    _follow(_mails(local_aws, "bob@example.com")[-1])
    sns.publish(TopicArn=topic, Message="no subject")
    mail = _mails(local_aws, "bob@example.com")[-1]
    assert mail.subject == "AWS Notification Message"
    _follow(mail)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def _follow(mail: Mail) -> None:
    [link] = [line for line in mail.text.splitlines() if line.startswith("http")]
    with urllib.request.urlopen(link, timeout=60) as answer:
        assert answer.status == 200


def test_filter_policies_and_json_by_mail(local_aws: LocalAws) -> None:
    sns, topic = _topic(local_aws, "filtered")
    policies = {
        "attributes@example.com": {"FilterPolicy": json.dumps({"kind": ["failed"]})},
        "body@example.com": {
            "FilterPolicy": json.dumps({"detail": {"status": [{"prefix": "Fail"}]}}),
            "FilterPolicyScope": "MessageBody",
        },
    }
    for address, attributes in policies.items():
        sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint=address, Attributes=attributes)
        assert local_aws.command("mail", "confirm", address).returncode == 0
    for kind, status in (("done", "Failed"), ("failed", "Succeeded")):
        sns.publish(
            TopicArn=topic,
            Subject=kind,
            Message=json.dumps({"detail": {"status": status}}),
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    assert [mail.subject for mail in _mails(local_aws, "attributes@example.com")[1:]] == ["failed"]
    [_, mail] = _mails(local_aws, "body@example.com")
    document = json.loads(mail.text)
    assert (document["Type"], document["TopicArn"], document["Subject"]) == ("Notification", topic, "done")


def test_a_stacks_subscriptions_ask_too(local_aws: LocalAws) -> None:
    template = {
        "Resources": {
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "DisplayName": "My model",
                    "Subscription": [{"Protocol": "email", "Endpoint": "inline@example.com"}],
                },
            },
            "Other": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "own@example.com"},
            },
        },
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
    }
    stacks = local_aws.client("cloudformation")
    stacks.create_stack(StackName="people", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="people", WaiterConfig={"Delay": 1})
    [stack] = stacks.describe_stacks(StackName="people")["Stacks"]
    sns, topic = local_aws.client("sns"), stack["Outputs"][0]["OutputValue"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [each["SubscriptionArn"] for each in listed] == ["PendingConfirmation"] * 2
    for address in ("inline@example.com", "own@example.com"):
        [mail] = _mails(local_aws, address)
        assert str(mail.message["From"]) == "My model <no-reply@sns.amazonaws.com>"
        assert local_aws.command("mail", "confirm", address).returncode == 0


def test_a_topic_asks_real_addresses_only(local_aws: LocalAws) -> None:
    sns, topic = _topic(local_aws, "addresses")
    with pytest.raises(sns.exceptions.InvalidParameterException, match="Email address"):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="nobody")
    assert is_address("a.b+c@example.co")
    assert not is_address("a@b, c@d")


@pytest.mark.parametrize("resource_type", ["AWS::SNS::Topic", "AWS::SNS::Subscription"])
def test_a_stack_asks_real_addresses_only(local_aws: LocalAws, resource_type: str) -> None:
    _, topic = _topic(local_aws, "real-addresses")
    name, subscription = resource_type.replace("::", "-"), {"Protocol": "email", "Endpoint": "notanemail"}
    properties = {"TopicArn": topic, **subscription} if "Sub" in name else {"Subscription": [subscription]}
    stacks, body = local_aws.client("cloudformation"), {"Resources": {"R": {"Type": resource_type}}}
    body["Resources"]["R"]["Properties"] = properties
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(body))
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert "Invalid parameter: Email address" in str(stacks.describe_stack_events(StackName=name)["StackEvents"])
    assert _mails(local_aws, "notanemail") == []


def test_mails_survive_kill_9(own_local_aws: Callable[[], LocalAws]) -> None:
    first = own_local_aws()
    sns, topic = _topic(first, "survivor")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="eve@example.com")
    assert first.command("mail", "confirm", "--all").returncode == 0
    for number in range(20):
        sns.publish(TopicArn=topic, Subject=str(number), Message="m")
    for pid in first.pids().values():
        os.kill(pid, signal.SIGKILL)
    subjects = [mail.subject for mail in _mailbox(first).mails()]
    assert subjects[1:] == [str(number) for number in range(20)]
    listed = first.command("mail", "--format", "json")
    assert [mail["number"] for mail in json.loads(listed.stdout)] == list(range(1, 22))
    assert first.command("mail", "clear").stdout == "deleted 21 mails\n"
    assert first.command("mail").stdout.startswith("no mail in ")


def _message(to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", to, subject
    message["Date"] = "Sat, 31 Jan 2026 12:00:00 +0000"
    message.set_content(text)
    return message


def test_list_and_show(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "outbox")
    mailbox.add(_message("ann@example.com", "first", "one"))
    mailbox.add(_message("b@example.com", "second", "two\nlines"))
    listed = local_aws_command("mail", state_dir=tmp_path)
    assert listed.stdout.splitlines() == [
        "   1  2026-01-31 12:00:00  ann@example.com  first",
        "   2  2026-01-31 12:00:00  b@example.com    second",
    ]
    shown = local_aws_command("mail", "show", "2", state_dir=tmp_path)
    assert shown.stdout.startswith("From: a@example.com\nTo: b@example.com\nSubject: second\nDate: ")
    assert shown.stdout.endswith("\n\ntwo\nlines\n")
    as_json = json.loads(local_aws_command("mail", "show", "2", "--format", "json", state_dir=tmp_path).stdout)
    assert (as_json["number"], as_json["text"], as_json["from"]) == (2, "two\nlines", "a@example.com")
    unknown = local_aws_command("mail", "show", "3", state_dir=tmp_path)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no mail 3" in unknown.stderr
    unsure = local_aws_command("mail", "confirm", state_dir=tmp_path)
    assert unsure.returncode == 2


def test_a_mail_is_a_file_for_mail_programs(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.add(_message("a@example.com", "s", "t"))
    content = (tmp_path / "000001.eml").read_bytes()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert email.message_from_bytes(content, policy=email.policy.default)["To"] == "a@example.com"
    assert [path.name for path in tmp_path.iterdir()] == ["000001.eml"]


def test_the_documentations_commands_run(local_aws: LocalAws) -> None:
    [script] = re.findall(r"^```sh\n(.*?)^```", (DOCS / "localaws" / "sns.md").read_text(), re.DOTALL | re.MULTILINE)
    environment = {**local_aws.env, "LOCALAWS_STATE_DIR": str(local_aws.state_dir)}
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Model 3 is better" in done.stdout.splitlines()[-1]
