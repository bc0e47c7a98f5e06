"""ModelDeploy's stages: what an execution that waits for a person holds up, and what not."""

from pathlib import Path
from typing import Any

from tests.conftest import LocalAws
from tests.deploy.test_template_alarms import load
from tests.localaws.services.pipelines import Document, Pipelines, action, source, stage

RELEASE = Path(__file__).parents[2] / "deploy" / "templates" / "release.yml"


def test_a_newer_version_goes_to_staging_while_an_older_one_waits_for_production(local_aws: LocalAws) -> None:
    pipelines = Pipelines(local_aws)
    name = pipelines.create(*_stages(pipelines.repository()), pipelineType="V2", executionMode="SUPERSEDED")
    first = str(pipelines.latest(name)["pipelineExecutionId"])
    _through_staging(pipelines, name, first)
    pipelines.answer(name, "DeployProd", "PlanProduction")
    question = pipelines.token(name, "ApproveDeployment")
    later = []
    for _ in range(2):
        later.append(str(pipelines.client.start_pipeline_execution(name=name)["pipelineExecutionId"]))
        _through_staging(pipelines, name, later[-1])
        pipelines.wait(lambda: _inbound(pipelines, name) == later[-1], state=lambda: _inbound(pipelines, name))
    second, third = later
    assert pipelines.status(name, second) == "Superseded"
    assert pipelines.token(name, "ApproveDeployment") == question, "the older one is still asked about"

    for one in ("ApproveDeployment", "CheckModel", "DeployResourcesProd"):
        pipelines.answer(name, "DeployProd", one)
    assert pipelines.end(name, first) == "Succeeded"
    pipelines.answer(name, "DeployProd", "PlanProduction")
    pipelines.wait(lambda: pipelines.action_state(name, "ApproveDeployment").get("token") not in (None, question))
    pipelines.answer(name, "DeployProd", "ApproveDeployment", "Rejected")
    assert pipelines.end(name, third) == "Failed"


def here(declared: Document) -> Document:
    """An action as it is where staging is in the project's own account."""
    condition, _, otherwise = declared.get("Fn::If", ("", None, declared))
    return otherwise if condition == "StagingElsewhere" else declared


def _stages(repository: str) -> list[Document]:
    """The template's stages; what each action does is left to the test, as an answer that the action waits for."""
    declared = load(RELEASE)["Resources"]["Pipeline"]["Properties"]["Stages"]
    asked = [
        stage(each["Name"], *(action("Approval", "Manual", one["Name"], runOrder=one["RunOrder"]) for one in actions))
        for each in declared
        if (actions := [one for one in map(here, each["Actions"]) if "RunOrder" in one])
    ]
    return [stage("Source", source(repository)), *asked]


def _through_staging(pipelines: Pipelines, name: str, number: str) -> None:
    def is_there() -> bool:
        latest = _stage(pipelines, name, "DeployStaging").get("latestExecution", {})
        return bool(latest.get("pipelineExecutionId") == number)

    pipelines.wait(is_there, state=lambda: f"{number} has not come to staging")
    for one in ("DeployResourcesStaging", "TestStaging", "SystemTest"):
        pipelines.answer(name, "DeployStaging", one)


def _inbound(pipelines: Pipelines, name: str) -> Any:
    return _stage(pipelines, name, "DeployProd").get("inboundExecution", {}).get("pipelineExecutionId")


def _stage(pipelines: Pipelines, name: str, which: str) -> Document:
    [found] = [
        each for each in pipelines.client.get_pipeline_state(name=name)["stageStates"] if each["stageName"] == which
    ]
    return dict(found)
