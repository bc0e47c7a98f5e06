"""The function that ModelDeploy asks just before production, in a real CodePipeline: it lets in what was approved."""

import uuid

import pytest

from deploy import artifacts, packages, stages
from tests.conftest import LocalAws
from tests.deploy.conftest import ROLE, Registry
from tests.localaws.services.pipelines import Pipelines, action, source, stage


@pytest.fixture(scope="module")
def function(local_aws: LocalAws) -> str:
    name = f"check-{uuid.uuid4().hex[:8]}"
    local_aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="handler.handler",
        Role=ROLE,
        Timeout=30,
        Code={"ZipFile": artifacts.pack(stages.FOLDER / "functions" / "check_model")},
    )
    return name


def test_a_model_that_changed_while_a_person_was_waited_for_stops_before_production(
    registry: Registry, function: str
) -> None:
    pipelines, arn = Pipelines(registry.local_aws), registry.register_approved()
    name = pipelines.create(
        stage("Source", source(pipelines.repository())),
        stage(
            "DeployProd",
            action("Approval", "Manual", "ApproveDeployment", runOrder=1),
            action(
                *("Invoke", "Lambda", "CheckModel"),
                runOrder=2,
                configuration={"FunctionName": function, "UserParameters": arn},
            ),
        ),
    )
    first = str(pipelines.latest(name)["pipelineExecutionId"])
    pipelines.answer(name, "DeployProd", "ApproveDeployment")
    assert pipelines.end(name, first) == "Succeeded"

    second = str(pipelines.client.start_pipeline_execution(name=name)["pipelineExecutionId"])
    pipelines.wait(lambda: pipelines.action_state(name, "ApproveDeployment").get("token"))
    package = packages.describe(registry.local_aws.client("sagemaker"), arn)
    [container] = package.document["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    registry.local_aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"another model")
    pipelines.answer(name, "DeployProd", "ApproveDeployment")
    assert pipelines.end(name, second) == "Failed"
    said = pipelines.action_state(name, "CheckModel")["errorDetails"]["message"]
    assert said.startswith(f"the model data of {registry.group}/1 changed after the approval at 20")
    assert f"`deploy-model approve-model {arn}`" in said
