"""Stacks through a real CloudFormation: created, left alone, changed, failed, begun anew, deleted."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from deploy import stacks, stages
from deploy.commands.stage import check_template
from deploy.errors import NotReleasedError, StackError
from deploy.project import Project
from deploy.stacks import Event, Request, Stack
from deploy.staged import Staged
from tests.conftest import until

if TYPE_CHECKING:
    from deploy.packages import Package
    from tests.conftest import LocalAws

TEMPLATE = """
Parameters:
  Label: {Type: String, Default: plain}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !Ref Label}
Outputs:
  TopicArn: {Value: !Ref Topic}
"""
BROKEN = TEMPLATE.replace(
    "Outputs:",
    """\
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: nobodys
      PolicyDocument: {Version: "2012-10-17", Statement: []}
      Roles: [there-is-no-such-role]
Outputs:""",
)


BUCKET = """
Parameters:
  Name: {Type: String}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Ref Name}
"""


@pytest.fixture
def cloudformation(local_aws: "LocalAws") -> Any:
    return local_aws.client("cloudformation")


@pytest.fixture
def name() -> str:
    return f"stacks-{uuid.uuid4().hex[:12]}"


def bring(
    cloudformation: Any, name: str, template: str = TEMPLATE, **parameters: str
) -> tuple[Stack | None, list[Event]]:
    """Bring a stack to what is asked for; None when it is that already."""
    seen: list[Event] = []
    change = stacks.start(cloudformation, Request(name, template, None, parameters, {"team": "ml"}))
    if change is None:
        return None, seen
    return stacks.follow(cloudformation, change, lambda events, _: seen.extend(events)), seen


def test_a_stacks_life(cloudformation: Any, name: str):
    assert stacks.describe(cloudformation, name) is None
    made, seen = bring(cloudformation, name, Label="one")
    assert made is not None
    assert made.is_whole
    assert (made.parameters["Label"], made.tags["team"]) == ("one", "ml")
    assert {event.resource for event in seen} >= {"Topic"}
    assert stacks.physical_id(cloudformation, name, "AWS::SNS::Topic") == made.outputs["TopicArn"]
    assert stacks.template(cloudformation, name).strip() == TEMPLATE.strip()

    assert bring(cloudformation, name, Label="one")[0] is None

    changed, _ = bring(cloudformation, name, Label="two")
    assert changed is not None
    assert changed.parameters["Label"] == "two"

    stacks.delete(cloudformation, changed, lambda _events, _stack: None)
    assert stacks.describe(cloudformation, name) is None


def test_a_change_that_fails_says_which_resource_and_leaves_the_stack_as_it_was(cloudformation: Any, name: str):
    bring(cloudformation, name)
    with pytest.raises(StackError, match=rf"{name} failed, and it is as it was before: Policy \(AWS::IAM::Policy\)"):
        bring(cloudformation, name, BROKEN)
    after = stacks.describe(cloudformation, name)
    assert after is not None
    assert after.status == "UPDATE_ROLLBACK_COMPLETE"
    assert bring(cloudformation, name, Label="again")[0] is not None


def test_a_stack_whose_creation_failed_is_begun_anew(cloudformation: Any, name: str):
    with pytest.raises(StackError, match="it is ROLLBACK_COMPLETE now: Policy"):
        bring(cloudformation, name, BROKEN)
    assert bring(cloudformation, name)[0] is not None


def test_a_stack_that_another_deployment_prepares_is_left_to_it(cloudformation: Any, name: str, monkeypatch):
    made = cloudformation.create_change_set(
        StackName=name, ChangeSetName="anothers", ChangeSetType="CREATE", TemplateBody=TEMPLATE
    )
    with pytest.raises(StackError, match=rf"{name} is being prepared by another deployment since \d+ s"):
        bring(cloudformation, name)
    assert cloudformation.describe_change_set(ChangeSetName=made["Id"])["StackId"] == made["StackId"]
    monkeypatch.setattr(stacks, "_PREPARATION", timedelta(0))
    changed, _ = bring(cloudformation, name)
    assert changed is not None
    assert changed.stack_id != made["StackId"], "what nobody has gone on with is not begun anew"


def test_defaults_are_those_of_the_template(cloudformation: Any):
    assert stacks.parameter_defaults(cloudformation, TEMPLATE) == {"Label": "plain"}


def test_what_is_wrong_before_the_first_resource_is_told(local_aws: "LocalAws", cloudformation: Any, name: str):
    local_aws.client("s3").create_bucket(Bucket=name)
    with pytest.raises(StackError, match=rf"Bucket \(AWS::S3::Bucket\): .*{name}.*already exists"):
        bring(cloudformation, name, BUCKET, Name=name)


def test_a_change_set_that_somebody_has_prepared_can_be_read(cloudformation: Any, name: str) -> None:
    assert stacks.prepared_changes(cloudformation, name) == {}
    bring(cloudformation, name)
    template = TEMPLATE.replace("Outputs:", "  Another:\n    Type: AWS::SNS::Topic\nOutputs:")
    cloudformation.create_change_set(StackName=name, ChangeSetName="production-1", TemplateBody=template)
    until(lambda: stacks.prepared_changes(cloudformation, name))
    [(prepared, lines)] = stacks.prepared_changes(cloudformation, name).items()
    assert prepared == "production-1"
    assert "Add      Another (AWS::SNS::Topic)" in lines


def test_production_does_not_get_another_template_than_staging_was_tested_with(
    local_aws: "LocalAws", cloudformation: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = bring(cloudformation, name)
    assert made is not None
    project = Project(name, name, name, None, None, "")
    monkeypatch.setitem(vars(project), "cloudformation", cloudformation)
    staging = Staged(made, "config", cast("Package", None))
    (tmp_path / "endpoint.yml").write_text(TEMPLATE)
    monkeypatch.setattr(stages, "ENDPOINT_TEMPLATE", tmp_path / "endpoint.yml")
    check_template(project, staging)
    (tmp_path / "endpoint.yml").write_text(BUCKET)
    with pytest.raises(NotReleasedError, match=f"endpoint.yml is not what {name} was made from and tested with"):
        check_template(project, staging)
