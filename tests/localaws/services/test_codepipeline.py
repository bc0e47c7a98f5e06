"""CodePipeline: executions go through stages, with the other services doing the work."""

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.services.pipelines import Pipelines, action, source, stage

Document = dict[str, Any]

TEMPLATE = json.dumps(
    {
        "Parameters": {"Name": {"Type": "String"}, "Commit": {"Type": "String", "Default": "none"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}},
        "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}, "Commit": {"Value": {"Ref": "Commit"}}},
    }
)
PAUSE = stage("Approve", action("Approval", "Manual", "Ask"))


@pytest.fixture
def pipelines(local_aws: LocalAws) -> Pipelines:
    """Pipelines of the shared local AWS."""
    return Pipelines(local_aws)


def deploy(name: str = "Deploy", **configuration: str) -> Document:
    """A CloudFormation action on the artifact Code."""
    settings = {"StackName": f"stack-{uuid.uuid4().hex[:12]}", "ActionMode": "CREATE_UPDATE", **configuration}
    if settings["ActionMode"] not in ("DELETE_ONLY", "CHANGE_SET_EXECUTE"):
        settings["TemplatePath"] = "Code::template.json"
    return action("Deploy", "CloudFormation", name, configuration=settings, inputArtifacts=[{"name": "Code"}])


def test_from_commit_to_stack_with_an_approval_between(pipelines: Pipelines) -> None:
    topic = f"t-{uuid.uuid4().hex[:12]}"
    settings = json.dumps({"Parameters": {"Name": topic}, "Tags": {"team": "ml"}})
    repository = pipelines.repository(template_json=TEMPLATE, settings_json=settings)
    first = deploy(
        TemplateConfiguration="Code::settings.json",
        ParameterOverrides='{"Commit": "#{Source.CommitId}"}',
    ) | {"namespace": "Stack", "outputArtifacts": [{"name": "Outputs"}]}
    name = pipelines.create(
        stage("Source", source(repository)),
        stage("Approve", action("Approval", "Manual", "Ask", configuration={"CustomData": "#{Source.CommitMessage}?"})),
        stage("Deploy", first),
        stage("Again", action("Approval", "Manual", "Look", configuration={"CustomData": "#{Stack.Arn}"})),
        pipelineType="V2",
    )
    pipelines.answer(name, "Approve", "Ask")
    pipelines.answer(name, "Again", "Look")
    assert pipelines.end(name) == "Succeeded"

    found = pipelines.client.list_action_executions(pipelineName=name)["actionExecutionDetails"]
    by_name = {each["actionName"]: each for each in found}
    assert by_name["Look"]["input"]["resolvedConfiguration"]["CustomData"].endswith(f":{topic}")
    assert by_name["Ask"]["input"]["resolvedConfiguration"]["CustomData"] == "Put template_json, settings_json?"
    commit = by_name["CodeCommit"]["output"]["outputVariables"]["CommitId"]
    assert by_name["Deploy"]["output"]["outputVariables"] == {
        "Arn": f"arn:aws:sns:us-east-1:000000000000:{topic}",
        "Commit": commit,
    }
    [where] = by_name["Deploy"]["output"]["outputArtifacts"]
    stored = pipelines.aws.client("s3").get_object(Bucket=where["s3location"]["bucket"], Key=where["s3location"]["key"])
    with zipfile.ZipFile(io.BytesIO(stored["Body"].read())) as archive:
        assert json.loads(archive.read("CreateStackOutput.json"))["Commit"] == commit
    execution = pipelines.client.get_pipeline_execution(
        pipelineName=name, pipelineExecutionId=by_name["Ask"]["pipelineExecutionId"]
    )["pipelineExecution"]
    assert execution["artifactRevisions"][0]["revisionId"] == commit
    assert execution["trigger"]["triggerType"] == "CreatePipeline"


def test_an_approval_that_is_refused_fails_and_is_answered_once(pipelines: Pipelines) -> None:
    name = pipelines.create(stage("Source", source(pipelines.repository())), PAUSE)
    token = pipelines.token(name, "Ask")
    request: Document = {"pipelineName": name, "stageName": "Approve", "actionName": "Ask"}
    result = {"summary": "not yet", "status": "Rejected"}
    with pytest.raises(pipelines.client.exceptions.InvalidApprovalTokenException):
        pipelines.client.put_approval_result(**request, result=result, token=str(uuid.uuid4()))
    pipelines.client.put_approval_result(**request, result=result, token=token)
    assert pipelines.end(name) == "Failed"
    assert pipelines.action_state(name, "Ask")["summary"] == "not yet"
    with pytest.raises(pipelines.client.exceptions.ApprovalAlreadyCompletedException):
        pipelines.client.put_approval_result(**request, result=result, token=token)


def test_a_failed_stage_is_tried_again_without_what_had_succeeded(pipelines: Pipelines) -> None:
    repository = pipelines.repository(template_json=TEMPLATE)
    stack = f"stack-{uuid.uuid4().hex[:12]}"
    overrides = json.dumps({"Name": f"t-{uuid.uuid4().hex[:12]}"})
    good = deploy("Good", ParameterOverrides=overrides)
    bad = deploy("Bad", StackName=stack, ActionMode="CHANGE_SET_EXECUTE", ChangeSetName="prepared")
    name = pipelines.create(stage("Source", source(repository)), stage("Deploy", good, bad))
    number = pipelines.latest(name)["pipelineExecutionId"]
    assert pipelines.end(name) == "Failed"
    kept = pipelines.action_state(name, "Good")["actionExecutionId"]
    assert f"There is no stack {stack}" in pipelines.action_state(name, "Bad")["errorDetails"]["message"]

    cloudformation = pipelines.aws.client("cloudformation")
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="prepared",
        ChangeSetType="CREATE",
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": "Name", "ParameterValue": f"t-{uuid.uuid4().hex[:12]}"}],
    )
    retry: Document = {"pipelineName": name, "stageName": "Deploy", "pipelineExecutionId": number}
    pipelines.client.retry_stage_execution(**retry, retryMode="FAILED_ACTIONS")
    assert pipelines.end(name, number) == "Succeeded"
    assert pipelines.action_state(name, "Good")["actionExecutionId"] == kept
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(pipelines.client.exceptions.StageNotRetryableException):
        pipelines.client.retry_stage_execution(**retry, retryMode="ALL_ACTIONS")


def test_a_newer_execution_overtakes_one_that_waits(pipelines: Pipelines) -> None:
    repository = pipelines.repository()
    name = pipelines.create(stage("Source", source(repository)), PAUSE)
    first = pipelines.latest(name)["pipelineExecutionId"]
    pipelines.token(name, "Ask")
    commits, numbers = [], []
    for text in ("second", "third"):
        commits.append(pipelines.commit(repository, README=text))
        numbers.append(pipelines.client.start_pipeline_execution(name=name)["pipelineExecutionId"])
        pipelines.wait(lambda: pipelines.latest(name).get("sourceRevisions"))
    second, third = numbers
    pipelines.wait(lambda: pipelines.status(name, second) == "Superseded")
    assert (pipelines.status(name, first), pipelines.status(name, third)) == ("InProgress", "InProgress")
    [_, approve] = pipelines.client.get_pipeline_state(name=name)["stageStates"]
    assert approve["inboundExecution"]["pipelineExecutionId"] == third
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name, first) == "Succeeded"
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name, third) == "Succeeded"
    assert pipelines.latest(name)["sourceRevisions"][0]["revisionId"] == commits[-1]


def test_a_revision_can_be_asked_for_and_a_stage_goes_back_to_an_earlier_execution(pipelines: Pipelines) -> None:
    repository = pipelines.repository()
    name = pipelines.create(stage("Source", source(repository)), PAUSE, pipelineType="V2")
    pipelines.answer(name, "Approve", "Ask")
    pipelines.end(name)
    first = pipelines.latest(name)
    commit = first["sourceRevisions"][0]["revisionId"]
    pipelines.commit(repository, README="second")
    asked = {"actionName": "CodeCommit", "revisionType": "COMMIT_ID", "revisionValue": commit}
    with pytest.raises(ClientError, match="Other is not a source action, unlike CodeCommit"):
        pipelines.client.start_pipeline_execution(name=name, sourceRevisions=[{**asked, "actionName": "Other"}])
    second = pipelines.client.start_pipeline_execution(name=name, sourceRevisions=[asked])["pipelineExecutionId"]
    pipelines.answer(name, "Approve", "Ask", "Rejected")
    assert pipelines.end(name, second) == "Failed"
    assert pipelines.latest(name)["sourceRevisions"][0]["revisionId"] == commit

    request: Document = {"pipelineName": name, "stageName": "Approve"}
    with pytest.raises(pipelines.client.exceptions.UnableToRollbackStageException):
        pipelines.client.rollback_stage(**request, targetPipelineExecutionId=second)
    pipelines.client.rollback_stage(**request, targetPipelineExecutionId=first["pipelineExecutionId"])
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"
    latest = pipelines.latest(name)
    assert (latest["executionType"], latest["trigger"]["triggerType"]) == ("ROLLBACK", "ManualRollback")


@pytest.mark.parametrize(("mode", "waits"), [("QUEUED", True), ("PARALLEL", False)])
def test_queued_executions_wait_for_each_other_and_parallel_ones_do_not(
    pipelines: Pipelines, mode: str, waits: bool
) -> None:
    stages = (stage("Source", source(pipelines.repository())), PAUSE)
    name = pipelines.create(*stages, executionMode=mode, pipelineType="V2")
    first = pipelines.latest(name)["pipelineExecutionId"]
    before = pipelines.token(name, "Ask")
    second = pipelines.client.start_pipeline_execution(name=name)["pipelineExecutionId"]
    if waits:
        pipelines.wait(lambda: pipelines.client.get_pipeline_state(name=name)["stageStates"][1].get("inboundExecution"))
        assert pipelines.token(name, "Ask") == before
    else:
        pipelines.wait(lambda: pipelines.token(name, "Ask") != before)
    for number in (first, second):
        pipelines.client.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=number, abandon=True)
        assert pipelines.end(name, number) == "Stopped"


def test_a_polled_branch_starts_the_pipeline(pipelines: Pipelines) -> None:
    repository = pipelines.repository()
    name = pipelines.create(stage("Source", source(repository, poll="true")), PAUSE)
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"
    commit = pipelines.commit(repository, README="second")
    pipelines.wait(lambda: pipelines.latest(name)["trigger"]["triggerType"] == "PollForSourceChanges")
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"
    found = pipelines.client.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    assert [each["sourceRevisions"][0]["revisionId"] == commit for each in found] == [True, False]


def test_a_closed_transition_holds_executions_and_the_same_token_starts_one(pipelines: Pipelines) -> None:
    name = pipelines.create(stage("Source", source(pipelines.repository())), PAUSE)
    pipelines.answer(name, "Approve", "Ask")
    pipelines.end(name)
    transition: Document = {"pipelineName": name, "stageName": "Approve", "transitionType": "Inbound"}
    pipelines.client.disable_stage_transition(**transition, reason="a holiday")
    token = str(uuid.uuid4())
    started = {
        pipelines.client.start_pipeline_execution(name=name, clientRequestToken=token)["pipelineExecutionId"]
        for _ in range(5)
    }
    assert len(started) == 1
    state = pipelines.wait(
        lambda: [
            each
            for each in pipelines.client.get_pipeline_state(name=name)["stageStates"]
            if each.get("inboundExecution")
        ]
    )[0]
    assert state["inboundTransitionState"]["disabledReason"] == "a holiday"
    pipelines.client.enable_stage_transition(**transition)
    pipelines.answer(name, "Approve", "Ask")
    assert pipelines.end(name) == "Succeeded"


@pytest.mark.parametrize(
    ("stages", "code", "message"),
    [
        ([stage("Source", source("r"))], "InvalidStructureException", "only 1 stage"),
        (
            [PAUSE, stage("Source", source("r"))],
            "InvalidStructureException",
            "first stage can only have source actions",
        ),
        ([stage("Source", source("r")), PAUSE, PAUSE], "InvalidStructureException", "Approve occurs more than once"),
        (
            [stage("Source", source("r")), stage("S", action("Deploy", "S3"))],
            "UnsupportedOperation",
            "Deploy/S3; local AWS supports Approval/Manual",
        ),
        (
            [stage("Source", source("r")), stage("S", deploy() | {"inputArtifacts": [{"name": "Other"}]})],
            "InvalidStructureException",
            "Input artifact Other",
        ),
        (
            [stage("Source", source("r")), stage("S", deploy(Capabilities="#{Nobody.Knows}"))],
            "InvalidStructureException",
            "namespace that does not exist before it: #{Nobody.Knows}",
        ),
        (
            [stage("Source", source("r")), stage("S", deploy(Stack="s"))],
            "InvalidActionDeclarationException",
            "unknown configuration 'Stack'",
        ),
        (
            [stage("Source", source("r")), stage("S", action("Invoke", "Lambda"))],
            "InvalidActionDeclarationException",
            "missing required configuration: FunctionName",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    pipelines: Pipelines, stages: list[Document], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as caught:
        pipelines.create(*stages)
    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]


def test_a_pipeline_has_tags(pipelines: Pipelines) -> None:
    name = pipelines.create(
        stage("Source", source(pipelines.repository())), stage("Approve", action("Approval", "Manual"))
    )
    client, arn = pipelines.client, f"arn:aws:codepipeline:us-east-1:000000000000:{name}"
    client.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "ml"}, {"key": "of", "value": "a test"}])
    client.untag_resource(resourceArn=arn, tagKeys=["of"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "ml"}]
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="There is no pipeline"):
        client.tag_resource(resourceArn=f"{arn}-none", tags=[{"key": "a", "value": "b"}])
