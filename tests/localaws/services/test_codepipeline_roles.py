"""A pipeline does what its role may do, and nothing else, where IAM is enforced."""

from typing import Any

import pytest

from tests.conftest import LocalAws
from tests.localaws.accounts import another_account
from tests.localaws.roles import allow, make_role, make_role_for
from tests.localaws.services.pipelines import Pipelines, action, source, stage

ALL_OF_SOURCE = [
    allow(["codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive"]),
    allow(["s3:PutObject", "s3:GetObject"]),
]


@pytest.fixture
def pipelines(enforcing_local_aws: LocalAws) -> Pipelines:
    """Pipelines of the shared local AWS that enforces IAM."""
    return Pipelines(enforcing_local_aws)


def build(**members: Any) -> dict[str, Any]:
    """A build of the artifact Code by a project that is not there."""
    settings = {"ProjectName": "nobodys"}
    return action("Build", "CodeBuild", configuration=settings, inputArtifacts=[{"name": "Code"}], **members)


def run(pipelines: Pipelines, role_arn: str, **members: Any) -> str:
    """A pipeline of a source and a build, which has ended; its name."""
    stages = [stage("Source", source(pipelines.repository())), stage("Build", build(**members))]
    name = pipelines.create(*stages, roleArn=role_arn)
    assert pipelines.end(name) == "Failed"
    return name


def test_the_source_is_read_and_kept_as_the_pipelines_role(pipelines: Pipelines) -> None:
    for statements, denied in (
        (ALL_OF_SOURCE[1:], "codecommit:GetBranch"),
        (ALL_OF_SOURCE[:1], "s3:PutObject"),
    ):
        name = run(pipelines, make_role(pipelines.aws, "codepipeline", *statements))
        details = pipelines.action_state(name, "CodeCommit")["errorDetails"]
        assert details["code"] == "PermissionError"
        assert f"is not authorized to perform: {denied} " in details["message"]
        assert ":assumed-role/role-" in details["message"]


def test_a_build_is_started_as_the_pipelines_role(pipelines: Pipelines) -> None:
    denied = run(pipelines, make_role(pipelines.aws, "codepipeline", *ALL_OF_SOURCE))
    assert pipelines.action_state(denied, "CodeCommit")["status"] == "Succeeded"
    details = pipelines.action_state(denied, "CodeBuild")["errorDetails"]
    assert "is not authorized to perform: codebuild:StartBuild" in details["message"]
    allowed = run(pipelines, make_role(pipelines.aws, "codepipeline", *ALL_OF_SOURCE, allow("codebuild:StartBuild")))
    assert pipelines.action_state(allowed, "CodeBuild")["errorDetails"]["code"] == "ResourceNotFoundException"


def test_an_action_may_have_a_role_of_its_own(pipelines: Pipelines) -> None:
    """The pipeline's role assumes it, and has to be allowed to."""
    own = make_role_for(pipelines.aws, "000000000000", allow("codebuild:StartBuild"))
    denied = run(pipelines, make_role(pipelines.aws, "codepipeline", *ALL_OF_SOURCE), roleArn=own)
    details = pipelines.action_state(denied, "CodeBuild")["errorDetails"]
    assert f"Could not assume role {own}" in details["message"]
    assert "is not authorized to perform: sts:AssumeRole" in details["message"]
    through = make_role(pipelines.aws, "codepipeline", *ALL_OF_SOURCE, allow("sts:AssumeRole", own))
    name = run(pipelines, through, roleArn=own)
    assert pipelines.action_state(name, "CodeBuild")["errorDetails"]["code"] == "ResourceNotFoundException"


def test_an_action_may_be_in_another_account(pipelines: Pipelines) -> None:
    other = another_account(pipelines.aws)
    own = make_role_for(other, "000000000000", allow("codebuild:StartBuild"))
    through = make_role(pipelines.aws, "codepipeline", *ALL_OF_SOURCE, allow("sts:AssumeRole", own))
    details = pipelines.action_state(run(pipelines, through, roleArn=own), "CodeBuild")["errorDetails"]
    assert details["code"] == "ResourceNotFoundException"
    assert f":{other.account_id}:" in details["message"], details


def test_a_role_has_to_trust_codepipeline(pipelines: Pipelines) -> None:
    for role_arn in ("arn:aws:iam::000000000000:role/nobody", make_role(pipelines.aws, "codebuild", *ALL_OF_SOURCE)):
        details = pipelines.action_state(run(pipelines, role_arn), "CodeCommit")["errorDetails"]
        assert details["code"] == "PermissionError"
        assert f"Could not assume role {role_arn}" in details["message"]
        assert "allows codepipeline.amazonaws.com to assume it" in details["message"]
