"""The rules of automation.yml: each matches AWS's own sample events about its project, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import samples
from tests.deploy.automation import Automation

DOCS = Path(__file__).parents[2] / "docs" / "automation.md"


def matching(automation: Automation, event: dict[str, Any]) -> set[str]:
    """The rules of the project, without its name, that match an event."""
    events = automation.aws.client("events")
    return {
        rule["Name"].removeprefix(f"{automation.name}-")
        for rule in events.list_rules(NamePrefix=f"{automation.name}-")["Rules"]
        if rule.get("EventPattern")
        and events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]
    }


def pipeline_arn(name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{name}"


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        (lambda name: samples.model_package(name, "Approved"), {"model-package"}),
        (lambda name: samples.model_package(name, "Rejected"), {"model-package"}),
        (lambda name: samples.model_package(name, "PendingManualApproval"), {"model-package"}),
        (lambda name: samples.object_created(f"{name}-data", "batchdata/input/a.csv"), {"batch-data"}),
        (lambda name: samples.object_created(f"{name}-data", "batchdata/output/a.csv.out"), set()),
        (lambda name: samples.object_created(f"{name}-data", "traindata/2026/a.csv"), {"training-data"}),
        (lambda name: samples.object_created(f"{name}-data", "elsewhere/traindata/a.csv"), set()),
        (lambda name: samples.endpoint(f"{name}-staging"), {"endpoint"}),
        (lambda name: samples.endpoint(f"{name}-production"), {"endpoint"}),
        (lambda name: samples.endpoint(f"{name}-by-hand"), set()),
        (lambda name: samples.execution(pipeline_arn(name)), {"execution"}),
        (lambda name: samples.execution(pipeline_arn(f"{name}-batch").upper()), {"execution"}),
        (lambda name: samples.execution(pipeline_arn(f"{name}-by-hand")), set()),
        (lambda name: samples.step(pipeline_arn(name)), {"step"}),
        (lambda name: samples.step(pipeline_arn(f"{name}-batch").upper()), {"step"}),
        (lambda name: samples.step(pipeline_arn(f"{name}-by-hand")), set()),
        (lambda name: samples.job("Processing", f"{name}-1", "Failed"), {"job"}),
        (lambda name: samples.job("Training", f"{name}-1", "Completed"), {"job"}),
        (lambda name: samples.job("Transform", f"{name}-1", "Completed"), {"job"}),
        (lambda name: samples.job("HyperParameter Tuning", f"{name}-1", "Completed"), {"job"}),
        (lambda name: samples.action(f"{name}-deploy"), {"action"}),
        (lambda name: samples.action(f"{name}-build"), {"action"}),
        (lambda name: samples.action(f"{name}-deploy", state="SUCCEEDED"), set()),
        (lambda name: samples.action(f"{name}-build", provider="CodeBuild"), set()),
        (lambda name: samples.release(f"{name}-build"), {"release"}),
        (lambda name: samples.release(f"{name}-deploy"), {"release"}),
        (lambda name: samples.release(f"{name}-deploy", "STOPPED"), {"release"}),
        (lambda name: samples.release(f"{name}-deploy", "FAILED"), set()),
        (lambda name: samples.build(f"{name}-test"), {"build"}),
        (lambda name: samples.build(f"{name}-build", "FAULT"), {"build"}),
        (lambda name: samples.build(f"{name}-deploy", "TIMED_OUT"), {"build"}),
        (lambda name: samples.build(f"{name}-deploy", "STOPPED"), {"build"}),
        (lambda name: samples.build(f"{name}-test", "SUCCEEDED"), set()),
    ],
)
def test_a_sample_event_matches_its_rule_alone_and_not_that_of_another_project(automation, event, rules):
    assert matching(automation, event(automation.name)) == rules
    assert matching(automation, event("another")) == set()


def test_every_rule_has_its_queues_as_targets_and_its_row_in_the_docs(automation):
    events = automation.aws.client("events")
    targets = {
        rule["Name"].removeprefix(f"{automation.name}-"): {
            target["Arn"].rpartition(":")[2].removeprefix(f"{automation.name}-")
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        }
        for rule in events.list_rules(NamePrefix=f"{automation.name}-")["Rules"]
    }
    table = DOCS.read_text().partition("| rule | event | functions |")[2].partition("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines()[2:]]
    assert {row[1].strip(" `"): set(re.findall(r"`([\w-]+)`", row[3])) for row in rows} == targets
    assert targets == {
        "model-package": {"start-deployment", "tell-people", "keep-history"},
        "batch-data": {"start-batch"},
        "training-data": {"start-retraining"},
        "schedule": {"start-retraining"},
        "endpoint": {"tell-people", "keep-history"},
        "execution": {"tell-people", "keep-history"},
        "step": {"keep-history"},
        "job": {"tell-people", "keep-history"},
        "action": {"tell-people"},
        "release": {"tell-people"},
        "build": {"tell-people"},
    }


def test_a_queue_gives_up_after_five_attempts(automation):
    sqs = automation.aws.client("sqs")
    for function in ("start-deployment", "start-batch", "start-retraining", "tell-people", "keep-history"):
        url = sqs.get_queue_url(QueueName=f"{automation.name}-{function}")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{automation.name}-{function}-dead")
        assert int(redrive["maxReceiveCount"]) == 5
        timeout = automation.aws.client("lambda").get_function_configuration(
            FunctionName=f"{automation.name}-{function}"
        )["Timeout"]
        assert int(attributes["VisibilityTimeout"]) >= 6 * timeout
