"""Whether the project can work with its model, whichever it is: docs/your-model.md says what it relies on.

The model is the one that MODULE and BATCH_MODULE name, as in CodeBuild, or else the one that the buildspecs name.
"""

import json

import pytest

from tests.conftest import LocalAws
from tests.deploy.conftest import IMAGE
from tests.models.builds import MODEL_BUILD, MODEL_DEPLOY, Builds, all_steps, begin

_MODEL_DATA = "model.tar.gz"


@pytest.fixture(scope="module")
def builds(local_aws: LocalAws) -> Builds:
    return begin(local_aws)


def definition(builds: Builds, name: str) -> dict:
    """The definition of a pipeline that was made under this name: the project's roles and rules know no other."""
    described = builds.aws.client("sagemaker").describe_pipeline(PipelineName=name)
    return json.loads(described["PipelineDefinition"])


def test_model_build_can_make_the_pipeline(builds: Builds) -> None:
    done = builds.run(MODEL_BUILD, "--no-start")
    assert done.returncode == 0, done.stderr
    assert "InputDataUrl" in {item["Name"] for item in definition(builds, builds.project)["Parameters"]}


def test_a_version_can_be_tested_by_model_deploy(builds: Builds) -> None:
    done = builds.run(MODEL_BUILD, "--no-start")
    assert done.returncode == 0, done.stderr
    steps = all_steps(definition(builds, builds.project)["Steps"])
    registrations = [step["Arguments"] for step in steps if step["Type"] == "RegisterModel"]
    assert registrations, "no step registers a version"
    for request in registrations:
        assert request["ModelPackageGroupName"] == builds.project
        assert request["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
        properties = request.get("CustomerMetadataProperties", {})
        assert {"TestDataUrl", "TargetColumn"} <= set(properties), "what was the version evaluated with?"


def test_model_deploy_can_make_the_batch_pipeline(builds: Builds) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{builds.project}/{_MODEL_DATA}"}
    builds.aws.client("s3").put_object(Bucket=builds.project, Key=_MODEL_DATA, Body=b"model")
    builds.aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=builds.project,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    done = builds.run(MODEL_DEPLOY)
    assert done.returncode == 0, done.stderr
    parameters = definition(builds, f"{builds.project}-batch")["Parameters"]
    assert {"InputDataUrl", "InputDataType", "OutputDataUrl"} <= {item["Name"] for item in parameters}
    assert [item["Name"] for item in parameters if "DefaultValue" not in item] == []
