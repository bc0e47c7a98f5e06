"""What CodePipeline refuses, by AWS's name of the error: declarations, executions, answers."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.services.pipelines import Document, Pipelines, action, source, stage

PAUSE = stage("Approve", action("Approval", "Manual", "Ask"))
SOURCE = stage("Source", source("r"))
STRUCTURE, DECLARATION = "InvalidStructureException", "InvalidActionDeclarationException"
ABSENT = "UnsupportedOperation"


@pytest.fixture(scope="module")
def pipelines(local_aws: LocalAws) -> Pipelines:
    return Pipelines(local_aws)


def build(*inputs: str, **members: Any) -> Document:
    """A stage of a build of artifacts."""
    given = {"inputArtifacts": [{"name": name} for name in inputs], "configuration": {"ProjectName": "p"}}
    return stage("Build", action("Build", "CodeBuild", "Build", **{**given, **members}))


def ask(**members: Any) -> Document:
    return stage("Approve", action("Approval", "Manual", "Ask", **members))


def refused(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("stages", "members", "code", "message"),
    [
        ([SOURCE, ask(region="eu-west-1")], {}, ABSENT, "is in eu-west-1; local AWS is in us-east-1 only"),
        ([SOURCE, ask(commands=["ls"])], {}, ABSENT, "commands, which only Compute actions have"),
        (
            [SOURCE, build("Code", timeoutInMinutes=5)],
            {},
            DECLARATION,
            "has timeoutInMinutes, which only approvals have",
        ),
        ([SOURCE, build()], {}, DECLARATION, "has 0 inputArtifacts; its provider takes 1 to 5"),
        (
            [SOURCE, build("Code", outputArtifacts=[{"name": "O", "files": ["a"]}])],
            {},
            DECLARATION,
            "names files of an output artifact",
        ),
        ([SOURCE, build("Code", outputArtifacts=[{"name": "Code"}])], {}, STRUCTURE, "Code occurs twice"),
        ([SOURCE, ask(namespace="Source")], {}, STRUCTURE, "Source occurs more than once"),
        (
            [SOURCE, ask(configuration={"CustomData": "#{variables.Who}"})],
            {},
            STRUCTURE,
            "references a variable that the pipeline does not have: Who",
        ),
        (
            [SOURCE, ask(configuration={"CustomData": "#{codepipeline.Who}"})],
            {},
            STRUCTURE,
            "the namespace codepipeline only has PipelineExecutionId, not Who",
        ),
        (
            [SOURCE, ask(configuration={"CustomData": "#{nothing}"})],
            {},
            "ValidationException",
            "#{nothing} is not a reference to a variable",
        ),
        ([SOURCE, {**PAUSE, "onFailure": {"result": "ROLLBACK"}}], {}, ABSENT, "has onFailure, which local AWS"),
        ([SOURCE, stage("S", source("r"))], {}, STRUCTURE, "Source actions can only be in the first stage"),
        (
            [SOURCE, stage("S", *(action("Approval", "Manual", "Ask"),) * 2)],
            {},
            "InvalidStageDeclarationException",
            "Ask occurs more than once in S",
        ),
        (
            [SOURCE, PAUSE],
            {"executionMode": "QUEUED"},
            STRUCTURE,
            "type V1 cannot have executionMode QUEUED: make it V2",
        ),
        ([SOURCE, PAUSE], {"variables": [{"name": "Who"}]}, STRUCTURE, "type V1 cannot have variables"),
        ([SOURCE, PAUSE], {"artifactStores": {}}, STRUCTURE, "one of artifactStore and artifactStores"),
    ],
)
def test_declarations(pipelines: Pipelines, stages: list[Document], members: Document, code: str, message: str) -> None:
    found, said = refused(lambda: pipelines.create(*stages, **members))
    assert (found, message in said) == (code, True), said


def test_variables_without_a_value(pipelines: Pipelines) -> None:
    name = pipelines.create(
        stage("Source", source(pipelines.repository())),
        ask(configuration={"CustomData": "#{variables.Who} and #{variables.What}"}),
        pipelineType="V2",
        variables=[{"name": "Who", "defaultValue": "ada"}, {"name": "What", "defaultValue": "at first"}],
    )
    # It starts when it is created, which it could not without a value.
    changed = pipelines.client.get_pipeline(name=name)["pipeline"]
    del changed["variables"][1]["defaultValue"]
    pipelines.client.update_pipeline(pipeline=changed)
    start = pipelines.client.start_pipeline_execution
    assert refused(start, name=name) == (
        "ValidationException",
        "The pipeline's variables What have no default: pass values for them",
    )
    unknown = refused(start, name=name, variables=[{"name": "Where", "value": "x"}, {"name": "What", "value": "x"}])
    assert unknown == ("ValidationException", f"The pipeline {name} has no variables Where")
    pipelines.answer(name, "Approve", "Ask")
    number = start(name=name, variables=[{"name": "What", "value": "tests"}])["pipelineExecutionId"]

    def asked() -> list[Document]:
        of_it = {"pipelineExecutionId": number}
        found = pipelines.client.list_action_executions(pipelineName=name, filter=of_it)["actionExecutionDetails"]
        return [each for each in found if each["actionName"] == "Ask"]

    [found] = pipelines.wait(asked)
    assert found["input"]["resolvedConfiguration"] == {"CustomData": "ada and tests"}


def test_answers_and_stops(pipelines: Pipelines) -> None:
    name, client = pipelines.create(stage("Source", source(pipelines.repository())), PAUSE), pipelines.client
    number, token = pipelines.latest(name)["pipelineExecutionId"], pipelines.token(name, "Ask")
    place = {"pipelineName": name, "stageName": "Approve", "actionName": "Ask"}
    answer: Document = {**place, "token": token, "result": {"status": "Approved", "summary": ""}}
    nobodys = "00000000-0000-0000-0000-000000000000"
    assert refused(client.put_approval_result, **{**answer, "token": nobodys})[0] == "InvalidApprovalTokenException"
    assert refused(client.put_approval_result, **{**answer, "actionName": "No"})[0] == "ActionNotFoundException"
    assert refused(client.put_approval_result, **{**answer, "stageName": "No"})[0] == "StageNotFoundException"
    retry = {"pipelineName": name, "stageName": "Approve", "retryMode": "FAILED_ACTIONS"}
    assert refused(client.retry_stage_execution, **retry, pipelineExecutionId=number)[0] == (
        "StageNotRetryableException"
    )
    latest = refused(client.retry_stage_execution, **{**retry, "stageName": "Source"}, pipelineExecutionId=nobodys)
    assert latest[0] == "NotLatestPipelineExecutionException"

    stop = {"pipelineName": name, "pipelineExecutionId": number}
    client.stop_pipeline_execution(**stop)
    assert refused(client.stop_pipeline_execution, **stop)[0] == "DuplicatedStopRequestException"
    client.stop_pipeline_execution(**stop, abandon=True)
    assert pipelines.end(name, number) == "Stopped"
    assert refused(client.stop_pipeline_execution, **stop)[0] == "PipelineExecutionNotStoppableException"
    assert refused(client.put_approval_result, **answer)[0] == "ApprovalAlreadyCompletedException"


def test_what_no_stage_goes_back_to(pipelines: Pipelines) -> None:
    code, client = stage("Source", source(pipelines.repository())), pipelines.client
    old = pipelines.create(code, PAUSE)
    number = pipelines.latest(old)["pipelineExecutionId"]
    back = {"pipelineName": old, "stageName": "Approve", "targetPipelineExecutionId": number}
    assert refused(client.rollback_stage, **back) == (
        "UnableToRollbackStageException",
        "Only pipelines of type V2 can be rolled back, except their source stage",
    )
    name = pipelines.create(code, PAUSE, pipelineType="V2")
    number = pipelines.latest(name)["pipelineExecutionId"]
    back = {"pipelineName": name, "stageName": "Approve", "targetPipelineExecutionId": number}
    assert f"{number} has not succeeded in the stage Approve" in refused(client.rollback_stage, **back)[1]
    assert "except their source stage" in refused(client.rollback_stage, **{**back, "stageName": "Source"})[1]
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"
    client.update_pipeline(pipeline=client.get_pipeline(name=name)["pipeline"])
    assert "The pipeline has been changed since" in refused(client.rollback_stage, **back)[1]
