"""Each pattern of the templates asks for what is in the event that AWS documents, and for values that may be in it.

A member that no event has makes a rule that never fires, and nobody hears of it. tests/deploy/test_automation_rules.py
has EventBridge itself match the samples; the functions take them in test_automation_*.py and test_mails.py.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.deploy import samples
from tests.deploy.test_policies import template_of
from tests.deploy.test_templates import TEMPLATES

Document = dict[str, Any]

# What a member that stands for a state can be; source: the pages that the samples are from.
STATES = {
    ("SageMaker Model Package State Change", "ModelApprovalStatus"): {"Approved", "PendingManualApproval", "Rejected"},
    ("CodePipeline Action Execution State Change", "state"): {
        "ABANDONED",
        "CANCELED",
        "FAILED",
        "STARTED",
        "SUCCEEDED",
    },
    ("CodePipeline Pipeline Execution State Change", "state"): {
        *("CANCELED", "FAILED", "RESUMED", "STARTED", "STOPPED", "STOPPING", "SUCCEEDED", "SUPERSEDED")
    },
    ("CodeBuild Build State Change", "build-status"): {
        *("FAILED", "FAULT", "IN_PROGRESS", "STOPPED", "SUCCEEDED", "TIMED_OUT")
    },
    ("CodeCommit Repository State Change", "event"): {
        *("referenceCreated", "referenceDeleted", "referenceUpdated", "unreferencedMergeCommitCreated")
    },
    ("CodeCommit Repository State Change", "referenceType"): {"branch", "tag"},
}


def documented() -> dict[str, Document]:
    """The documented events by their detail type."""
    events = (samples.documented(path.stem) for path in sorted(samples.FOLDER.glob("*.json")))
    return {event["detail-type"]: event for event in events}


def patterns() -> Iterator[tuple[str, Document]]:
    """Every pattern of every template, resolved, with its rule."""
    for path in TEMPLATES:
        template = template_of(path.stem)
        for name, resource in template.document["Resources"].items():
            if resource["Type"] == "AWS::Events::Rule" and "EventPattern" in resource["Properties"]:
                yield f"{path.stem} {name}", template.properties(name)["EventPattern"]


def faults(pattern: Document) -> list[str]:
    """What a pattern asks for and no documented event has."""
    found = []
    for kind in pattern["detail-type"]:
        event = documented().get(kind)
        if event is None:
            found.append(f"no sample is kept of {kind!r}: put AWS's into tests/deploy/events/")
            continue
        # Of alternatives each is for another of the kinds, and one has to be for this one.
        alternatives = pattern.get("detail", {}).get("$or", [{}])
        plain = {key: value for key, value in pattern.get("detail", {}).items() if key != "$or"}
        tried = [list(_unknown({**pattern, "detail": {**plain, **each}}, event, kind)) for each in alternatives]
        found += min(tried, key=len)
    return found


def _unknown(pattern: Document, event: Document, kind: str, path: str = "") -> Iterator[str]:
    for key, wanted in pattern.items():
        here = f"{path}{key}"
        if key not in event:
            yield f"{kind}: {here} is in no event: the documented one has {sorted(event)}"
        elif isinstance(wanted, dict):
            yield from _unknown(wanted, event[key], kind, f"{here}.")
        elif isinstance(event[key], dict):
            yield f"{kind}: {here} is an object, and is asked to be {wanted}"
        else:
            texts = {each for each in wanted if isinstance(each, str)}
            if path == "" and key in ("source", "detail-type") and event[key] not in texts:
                yield f"{kind}: {here} is {event[key]!r}, not {sorted(texts)}"
            wrong = texts - STATES.get((kind, key), texts)
            yield from (f"{kind}: {here} is never {each!r}" for each in sorted(wrong))


@pytest.mark.parametrize(("rule", "pattern"), list(patterns()), ids=lambda each: each if isinstance(each, str) else "")
def test_a_pattern_asks_for_what_is_in_the_event(rule: str, pattern: Document) -> None:
    assert faults(pattern) == [], rule


def pattern_of(rule: str) -> Document:
    return copy.deepcopy(dict(patterns())[rule])


@pytest.mark.parametrize(
    ("rule", "slip", "said"),
    [
        (
            "automation ModelPackageRule",
            lambda found: found["detail"].update(ModelPackageGroup=["iris"]),
            "in no event",
        ),
        (
            "automation ModelPackageRule",
            lambda found: found["detail"].update(ModelApprovalStatus=["APPROVED"]),
            "is never",
        ),
        ("automation BatchRule", lambda found: found["detail"].update(object=["batchdata/"]), "is an object"),
        (
            "automation BatchRule",
            lambda found: found["detail"]["bucket"].update(arn=["a"]),
            "bucket.arn is in no event",
        ),
        (
            "automation BuildRule",
            lambda found: found["detail"].update({"build-status": ["FAILURE"]}),
            "is never 'FAILURE'",
        ),
        ("automation BuildRule", lambda found: found.update(source=["aws.codedeploy"]), "source is 'aws.codebuild'"),
        (
            "automation ExecutionRule",
            lambda found: found["detail"].update(PipelineArn=["a"]),
            "PipelineArn is in no event",
        ),
        ("automation JobRule", lambda found: found["detail"]["$or"].pop(1), "SageMaker Training Job"),
        ("build CommitRule", lambda found: found["detail"].update(referenceType=["head"]), "is never 'head'"),
        ("automation StepRule", lambda found: found.update({"detail-type": ["SageMaker Step"]}), "no sample is kept"),
    ],
)
def test_a_slip_would_be_found(rule: str, slip: Callable[[Document], object], said: str) -> None:
    pattern = pattern_of(rule)
    slip(pattern)
    found = faults(pattern)
    assert any(said in fault for fault in found), found


def test_every_sample_names_the_page_that_it_is_from() -> None:
    for path in samples.FOLDER.glob("*.json"):
        kept = json.loads(path.read_text())
        assert set(kept) <= {"event", "note", "source"}
        assert re.fullmatch(r"https://docs\.aws\.amazon\.com/\S+", kept["source"]), path
        assert {"account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"} == set(
            kept["event"]
        )
