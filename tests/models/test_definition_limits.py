"""SageMaker would take the definition of every pipeline of the project, with names as long as a project's may be."""

import json
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pipelines
from tests.conftest import LocalAws
from tests.models.definition_limits import LONGEST_JOB, Definition, faults

Document = dict[str, Any]
PACKAGE = Path(pipelines.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.glob("*/pipeline*.py"))
PROJECT = f"{'p' * 24}{uuid.uuid4().hex[:8]}"  # 32 characters, as SageMakerProjectName
BUCKET = f"sagemaker-project-{PROJECT[-20:]}-{'b' * 24}"
ROLE = "arn:aws:iam::000000000000:role/pipeline"


@pytest.fixture(scope="module")
def definitions(local_aws: LocalAws) -> dict[str, Definition]:
    """The definition of every pipeline, made as the project's builds make it."""
    assert (len(PROJECT), len(BUCKET)) == (32, 63)
    _approved_version(local_aws)
    found = {}
    for module in (".".join(path.parts) for path in MODULES):
        name = f"{PROJECT}-batch" if module.endswith("batch") else PROJECT
        kwargs = {"role": ROLE, "default_bucket": BUCKET, "pipeline_name": name, "base_job_prefix": PROJECT}
        command = [sys.executable, "-m", "pipelines.get_pipeline_definition", "-n", module, "--kwargs"]
        done = local_aws.run([*command, json.dumps({**kwargs, "model_package_group_name": PROJECT})])
        assert done.returncode == 0, done.stderr
        found[module] = Definition(name, done.stdout)
    return found


def _approved_version(aws: LocalAws) -> None:
    """What a batch pipeline is made for."""
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"")
    sagemaker.create_model_package_group(ModelPackageGroupName=PROJECT)
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
    specification = {
        "Containers": [{"Image": image, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
        "SupportedContentTypes": [],
        "SupportedResponseMIMETypes": [],
    }
    sagemaker.create_model_package(
        ModelPackageGroupName=PROJECT, InferenceSpecification=specification, ModelApprovalStatus="Approved"
    )


def test_sagemaker_would_take_every_pipeline(definitions: dict[str, Definition]) -> None:
    assert len(definitions) >= 2
    for module, definition in definitions.items():
        assert faults(definition) == [], module


def metadata(found: Document) -> Document:
    [condition] = [each for each in found["Steps"] if each["Type"] == "Condition"]
    properties: Document = condition["Arguments"]["IfSteps"][0]["Arguments"]["CustomerMetadataProperties"]
    return properties


def first(found: Document) -> Document:
    arguments: Document = found["Steps"][0]["Arguments"]
    return arguments


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (lambda found: metadata(found).update(TargetColumn="t" * 257), "less than or equal to 256"),
        (lambda found: first(found).update(RolArn="r"), "RolArn"),
        (lambda found: first(found).pop("AppSpecification"), "appSpecification"),
        (
            lambda found: first(found)["ProcessingInputs"].clear() or first(found).update(Environment={"k" * 300: "v"}),
            "256",
        ),
        (
            lambda found: found["Parameters"].extend([{"Name": f"P{each}", "Type": "String"} for each in range(200)]),
            "200",
        ),
        (lambda found: found["Parameters"][0].update(DefaultValue="d" * 1025), "1024 characters"),
        (lambda found: found["Steps"][-1].update(Name="a step"), "letters, digits"),
        (
            lambda found: found["Steps"].extend(dict(found["Steps"][0], Name=f"S{each}") for each in range(50)),
            "at most 50",
        ),
        (lambda found: found["Steps"].append(found["Steps"][0]), "there twice"),
        (lambda found: found["Steps"][0]["RetryPolicies"][0].update(MaxAttempts=21), "a retry policy with"),
        (
            lambda found: found["Steps"].append(
                {"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": {"Std:JsonGet": {"Path": "r2"}}}}
            ),
            "name the report",
        ),
    ],
)
def test_a_slip_would_be_found(
    definitions: dict[str, Definition], slip: Callable[[Document], object], said: str
) -> None:
    good = definitions["pipelines.lr.pipeline"]
    document = json.loads(good.text)
    slip(document)
    found = faults(Definition(good.name, json.dumps(document)))
    assert any(said in fault for fault in found), found


def test_a_pipeline_s_name_that_is_too_long_for_the_metadata_is_found(definitions: dict[str, Definition]) -> None:
    """The execution's ARN is written on the version that it registers, in 256 characters."""
    good = definitions["pipelines.lr.pipeline"]
    assert any("pipelineExecutionArn" in each or "256" in each for each in faults(Definition("n" * 200, good.text)))
    assert len(LONGEST_JOB) == 63
