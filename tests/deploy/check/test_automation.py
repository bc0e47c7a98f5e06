"""The real automation.yml: nothing is wrong with it, and what is broken behind its back is found."""

import pytest

from deploy.check.examination import examine
from deploy.check.finding import Status
from tests.conftest import LocalAws
from tests.deploy.check.conftest import DEPLOY, Checked, make


@pytest.fixture(scope="module")
def automated(local_aws: LocalAws) -> Checked:
    return make(local_aws, DEPLOY / "templates" / "automation.yml")


def test_nothing_is_wrong_with_the_template(automated: Checked):
    findings = examine(automated.system())
    assert [one for one in findings if one.verdict.status is Status.FAILED] == []
    judged = {(one.resource.split("/")[0], one.check): one.verdict.status for one in findings}
    for resource, check in (("Rule Automation", "Pattern"), ("Trigger a version Approved", "Followed")):
        assert judged[resource, check] is Status.OK


def test_a_queue_that_nobody_reads_is_found(automated: Checked):
    aws_lambda = automated.client("lambda")
    mapping = automated.system().of_type("AWS::Lambda::EventSourceMapping")[0].physical_id
    before = automated.verdicts("AWS::Lambda::EventSourceMapping", mapping)
    assert before["Enabled"].status is Status.OK
    aws_lambda.update_event_source_mapping(UUID=mapping, Enabled=False)
    seen = automated.verdicts("AWS::Lambda::EventSourceMapping", mapping)["Enabled"]
    assert (seen.status, "nobody reads" in seen.why) == (Status.FAILED, True)
    assert f"--uuid {mapping} --enabled" in seen.action


def test_a_queue_without_a_dead_letter_queue_is_found(automated: Checked):
    function = automated.system().of_type("AWS::Lambda::Function")[0].physical_id
    before = automated.verdicts("AWS::Lambda::Function", function)["DeadLetterQueue"]
    assert (before.status, before.why) == (Status.OK, "that of its queue")
    [mapping] = automated.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    url = automated.client("sqs").get_queue_url(QueueName=mapping["EventSourceArn"].rpartition(":")[2])["QueueUrl"]
    automated.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    seen = automated.verdicts("AWS::Lambda::Function", function)["DeadLetterQueue"]
    assert (seen.status, "has no dead-letter queue" in seen.why) == (Status.FAILED, True)
