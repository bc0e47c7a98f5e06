"""follow and answer: the project's CodePipelines, shown and answered by real processes."""

import re
import uuid

import pytest

from tests.deploy.conftest import Registry, Run
from tests.localaws.services.pipelines import Document, Pipelines, action, source, stage

WAITING = action("Approval", "Manual", "ApproveDeployment")


@pytest.fixture
def pipelines(registry: Registry) -> Pipelines:
    return Pipelines(registry.local_aws)


def make(pipelines: Pipelines, registry: Registry, which: str, *actions: Document) -> str:
    """One of the project's two pipelines, of a stage with these actions; its name."""
    name = f"{registry.group}-{which}"
    pipelines.create(stage("Source", source(pipelines.repository())), stage("DeployStaging", *actions), name=name)
    return name


def failing(pipelines: Pipelines) -> Document:
    """An action that fails: it has to make a stack of a template that is not there."""
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "none",
        "TemplatePath": "Code::no-such-template.yml",
        "RoleArn": "arn:aws:iam::000000000000:role/r",
    }
    return action("Deploy", "CloudFormation", "Deploy", configuration=configuration, inputArtifacts=[{"name": "Code"}])


def test_it_follows_both_until_a_person_is_asked_who_answers(
    registry: Registry, pipelines: Pipelines, deploy_model: Run
) -> None:
    build, deploy = (make(pipelines, registry, which, WAITING) for which in ("build", "deploy"))
    pipelines.answer(build, "DeployStaging", "ApproveDeployment")
    followed = deploy_model("follow", "--quiet-seconds", "0.5")
    assert followed.returncode == 0, followed.stderr
    lines = [line.split() for line in followed.stdout.splitlines()]
    assert [build, "Source", "CodeCommit", "Succeeded", "Put", "README"] in lines
    assert [deploy, "DeployStaging", "ApproveDeployment", "waits", "for", "you"] in lines
    [asked] = [line for line in followed.stdout.splitlines() if "waits for a person" in line]
    assert asked.startswith("ApproveDeployment of DeployStaging waits for a person: deploy-model answer approve --pro")

    answered = deploy_model("answer", "approve", "--summary", "looks good")
    assert answered.returncode == 0, answered.stderr
    assert f"Approved       DeployStaging of {deploy}\n" in answered.stdout
    assert "Next           deploy-model follow " in answered.stdout
    assert pipelines.end(deploy) == "Succeeded"
    state = pipelines.action_state(deploy, "ApproveDeployment")
    assert (state["status"], state["summary"]) == ("Succeeded", "looks good")
    again = deploy_model("answer", "approve")
    assert (again.returncode, f"{deploy} waits for no approval: see `deploy-model follow --pro" in again.stderr) == (
        1,
        True,
    )


def test_a_rejection_is_a_failure_that_follow_tells(
    registry: Registry, pipelines: Pipelines, deploy_model: Run
) -> None:
    build, deploy = (make(pipelines, registry, which, WAITING) for which in ("build", "deploy"))
    pipelines.answer(build, "DeployStaging", "ApproveDeployment")
    pipelines.token(deploy, "ApproveDeployment")
    rejected = deploy_model("answer", "reject", "--summary", "too slow")
    assert f"Rejected       DeployStaging of {deploy}\n" in rejected.stdout
    assert pipelines.end(deploy) == "Failed"
    assert pipelines.action_state(deploy, "ApproveDeployment")["summary"] == "too slow"
    followed = deploy_model("follow", "--quiet-seconds", "0.1")
    assert followed.returncode == 1
    assert f"failed: {deploy}: DeployStaging, ApproveDeployment" in followed.stderr
    assert "waits for a person" not in followed.stdout


def test_an_action_that_fails_is_shown_with_its_reason(
    registry: Registry, pipelines: Pipelines, deploy_model: Run
) -> None:
    build = make(pipelines, registry, "build", failing(pipelines))
    deploy = make(pipelines, registry, "deploy", WAITING)
    pipelines.answer(deploy, "DeployStaging", "ApproveDeployment")
    # At work when it begins: what goes on without a person is waited for.
    followed = deploy_model("follow", "--quiet-seconds", "0.1")
    assert followed.returncode == 1
    [row] = [line for line in followed.stdout.splitlines() if " Failed " in line]
    assert row.startswith(build)
    assert "no-such-template.yml" in row
    assert f"failed: {build}: DeployStaging, Deploy" in followed.stderr
    assert f"{build}: DeployStaging, Deploy failed: " in followed.stderr


BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo r2 is 0.1, below 0.2\n      - exit 3\n"


def broken_build(pipelines: Pipelines) -> Document:
    """An action whose build says why it fails."""
    project = f"broken-{uuid.uuid4().hex[:10]}"
    pipelines.aws.client("codebuild").create_project(
        name=project,
        source={"type": "CODEPIPELINE", "buildspec": BUILDSPEC},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole="arn:aws:iam::000000000000:role/r",
    )
    given = {"configuration": {"ProjectName": project}, "inputArtifacts": [{"name": "Code"}]}
    return action("Build", "CodeBuild", "Build", **given)


def test_a_build_that_fails_is_told_with_its_last_words_and_its_log(
    registry: Registry, pipelines: Pipelines, deploy_model: Run
) -> None:
    """A ModelDeploy without any approved version is no failure: every project begins with one."""
    build, deploy = (make(pipelines, registry, which, broken_build(pipelines)) for which in ("build", "deploy"))
    assert {pipelines.end(build), pipelines.end(deploy)} == {"Failed"}
    followed = deploy_model("follow", "--quiet-seconds", "0.1")
    assert followed.returncode == 1
    assert f"{deploy} waits for a first approved version" in followed.stdout
    assert f"{deploy}: " not in followed.stderr
    assert f"{build}: DeployStaging, Build failed: " in followed.stderr
    assert "\n    r2 is 0.1, below 0.2\n" in followed.stderr
    command = followed.stderr.partition("The whole log: deploy-model ")[2].split()[:2]
    assert command[0] == "log"
    log = deploy_model(*command)
    assert log.returncode == 0, log.stderr
    assert "r2 is 0.1, below 0.2" in log.stdout.splitlines()
    # The stack of a project is known by its name: `status` reads its pipelines.
    template = "Resources: {Handle: {Type: 'AWS::CloudFormation::WaitConditionHandle'}}"
    cloudformation = registry.local_aws.client("cloudformation")
    cloudformation.create_stack(StackName=f"sagemaker-{registry.group}-project", TemplateBody=template)
    status = deploy_model("status").stdout
    assert f"  {deploy} waits for a first approved version" in status
    assert f"{deploy}: " not in status
    assert f"  {build}: DeployStaging, Build failed: " in status
    registry.register(status="Approved")
    assert f"  {deploy}: DeployStaging, Build failed: " in deploy_model("status").stdout
    unknown = deploy_model("log", "demo-build:0")
    assert (unknown.returncode, "there is no build 'demo-build:0'" in unknown.stderr) == (1, True)


@pytest.mark.parametrize("command", [("follow",), ("answer", "approve")])
def test_a_project_without_pipelines_is_told_how_it_gets_them(deploy_model: Run, command: tuple[str, ...]) -> None:
    done = deploy_model(*command)
    assert done.returncode == 1
    assert "there is no CodePipeline" in done.stderr
    assert re.search("`deploy-model project --project-name [^`]*` makes it", done.stderr)
