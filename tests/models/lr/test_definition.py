"""The definitions of the linear regression: their shape, and that only code and arguments decide them."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

import pipelines
from deploy.check import needs
from deploy.commands.doctor import SAMPLE

if TYPE_CHECKING:
    from tests.conftest import LocalAws

PACKAGE = Path(pipelines.__file__).parent
ROLE = "arn:aws:iam::000000000000:role/pipeline"
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
REQUESTS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "job"}),
    "Transform": ("CreateTransformJob", {"TransformJobName": "job"}),
    "Model": ("CreateModel", {"ModelName": "model"}),
    "RegisterModel": ("CreateModelPackage", {}),
}


@pytest.fixture(scope="module")
def bucket(local_aws: "LocalAws") -> str:
    name = f"definition-{uuid.uuid4().hex}"
    local_aws.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def definition_text(local_aws: "LocalAws", bucket: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return define(local_aws, bucket, tmp_path_factory.mktemp("here"), PYTHONHASHSEED="1")


@pytest.fixture(scope="module")
def definition(definition_text: str) -> dict[str, Any]:
    return json.loads(definition_text)


def define(local_aws: "LocalAws", bucket: str, directory: Path, *options: str, **environ: str) -> str:
    command = [sys.executable, "-P", "-m", "pipelines.get_pipeline_definition", *options]
    kwargs = json.dumps({"role": ROLE, "default_bucket": bucket})
    done = subprocess.run(
        [*command, "--kwargs", kwargs],
        cwd=directory,
        env={**local_aws.env, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from all_steps(step["Arguments"].get(branch, []))


def by_name(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["Name"]: step for step in all_steps(definition["Steps"])}


def resolved(value: Any, parameters: dict[str, Any]) -> Any:
    """Give a request as it would be sent: parameters by their defaults, everything else by some text."""
    if isinstance(value, list):
        return [resolved(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Get"}:
        return parameters.get(value["Get"].removeprefix("Parameters."), "s3://bucket/key")
    if set(value) & {"Std:Join", "Std:JsonGet"}:
        return "s3://bucket/key"
    return {key: resolved(item, parameters) for key, item in value.items()}


def assert_requests_are_valid(definition: dict[str, Any]) -> None:
    """Hold the arguments of every step against SageMaker's own service model."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    parameters = {item["Name"]: item.get("DefaultValue") for item in definition["Parameters"]}
    checked = 0
    for step in all_steps(definition["Steps"]):
        if step["Type"] in REQUESTS:
            operation, names = REQUESTS[step["Type"]]
            request = {**names, **resolved(step["Arguments"], parameters)}
            report = ParamValidator().validate(request, model.operation_model(operation).input_shape)
            assert not report.has_errors(), f"{step['Name']}: {report.generate_report()}"
            checked += 1
    assert checked


def test_another_process_folder_copy_and_hash_seed_give_the_same_bytes(
    local_aws: "LocalAws", bucket: str, definition_text: str, tmp_path: Path
):
    copy = tmp_path / "elsewhere" / "pipelines"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "lr" / "__pycache__").mkdir()
    for path in copy.rglob("*.py"):
        os.utime(path, (1, 1))
    environ = {"PYTHONPATH": str(copy.parent), "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}
    assert define(local_aws, bucket, tmp_path, **environ) == definition_text

    with (copy / "lr" / "train.py").open("a") as script:
        script.write("# a change\n")
    changed = json.loads(define(local_aws, bucket, tmp_path, **environ))
    before = by_name(json.loads(definition_text))
    differing = {name for name, step in by_name(changed).items() if step != before[name]}
    assert differing == {"Train"}


def test_no_path_of_this_machine_enters(definition_text: str, tmp_path: Path):
    for path in (PACKAGE.parent, Path.home(), tmp_path, Path(sys.prefix)):
        assert str(path) not in definition_text


def test_the_steps_are_those_of_the_workflow(definition: dict[str, Any]):
    types = {name: step["Type"] for name, step in by_name(definition).items()}
    assert types == {
        "Preprocess": "Processing",
        "Train": "Training",
        "Evaluate": "Processing",
        "CheckQuality": "Condition",
        "Register": "RegisterModel",
        "QualityTooLow": "Fail",
    }


def test_no_experiment_is_made_which_the_role_of_a_project_may_not(definition: dict[str, Any]):
    assert definition["PipelineExperimentConfig"] is None


def test_what_a_run_may_want_to_change_is_a_parameter(definition: dict[str, Any], bucket: str):
    parameters = {item["Name"]: item for item in definition["Parameters"]}
    assert {name: item["DefaultValue"] for name, item in parameters.items()} == {
        "InputDataUrl": f"s3://{bucket}/LinearRegression/data/",
        "FeatureColumns": "bmi",
        "TargetColumn": "target",
        "TestRows": 20,
        "ProcessingInstanceType": "ml.t3.medium",
        "ProcessingInstanceCount": 1,
        "TrainingInstanceType": "ml.m5.large",
        "TrainingInstanceCount": 1,
        "MaxRuntimeInSeconds": 3600,
        "LearningRate": 0.1,
        "MaxIterations": 15001,
        "R2Threshold": 0.2,
        "ModelApprovalStatus": "PendingManualApproval",
    }
    allowed = parameters["ModelApprovalStatus"]["EnumValues"]
    assert allowed == ["PendingManualApproval", "Approved", "Rejected"]
    used = set(re.findall(r'"Parameters\.(\w+)"', json.dumps(definition["Steps"])))
    assert used == set(parameters)


def test_the_projects_limit_is_the_jobs(local_aws: "LocalAws", bucket: str, tmp_path: Path):
    found = json.loads(define(local_aws, bucket, tmp_path, MAX_RUNTIME_IN_SECONDS="7200"))
    [limit] = [item for item in found["Parameters"] if item["Name"] == "MaxRuntimeInSeconds"]
    assert (limit["Type"], limit["DefaultValue"]) == ("Integer", 7200)
    for name in ("Preprocess", "Train", "Evaluate"):
        condition = by_name(found)[name]["Arguments"]["StoppingCondition"]
        assert condition == {"MaxRuntimeInSeconds": {"Get": "Parameters.MaxRuntimeInSeconds"}}


def test_the_doctor_knows_what_the_pipelines_run_on(definition: dict[str, Any]):
    """`deploy-model doctor` compares it with the account's quotas before there is a definition."""
    assert quotas(definition) == quotas(SAMPLE["the training pipeline"])


def quotas(definition: Mapping[str, Any]) -> set[str]:
    return {need.quota for need in needs.of_pipelines({"one": definition})}


def test_every_request_is_one_that_sagemaker_takes(definition: dict[str, Any]):
    assert_requests_are_valid(definition)


def test_scripts_run_without_a_shell_from_code_that_was_uploaded(
    local_aws: "LocalAws", definition: dict[str, Any], bucket: str
):
    steps = by_name(definition)
    processing = steps["Preprocess"]["Arguments"]
    assert processing["AppSpecification"]["ContainerEntrypoint"] == [
        "python3",
        "/opt/ml/processing/input/code/preprocess.py",
    ]
    training = steps["Train"]["Arguments"]
    assert training["AlgorithmSpecification"]["ContainerEntrypoint"] == [
        "python3",
        "/opt/ml/input/data/code/train.py",
    ]
    code = training["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    prefix = code.removeprefix(f"s3://{bucket}/")
    listed = local_aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    names = {item["Key"].removeprefix(prefix) for item in listed}
    assert {"train.py", "linear_regression.py", "model_file.py", "inference.py", "refusals.py", "dill.zip"} <= names


def test_the_key_that_is_named_is_that_of_all_that_jobs_write_and_changes_nothing_else(
    local_aws: "LocalAws", bucket: str, definition_text: str, tmp_path: Path
):
    assert "Kms" not in definition_text
    by_option = define(local_aws, bucket, tmp_path, "--kms-key-arn", KEY)
    assert define(local_aws, bucket, tmp_path, KMS_KEY_ARN=KEY) == by_option
    steps = by_name(json.loads(by_option))
    outputs = [steps[name]["Arguments"]["ProcessingOutputConfig"] for name in ("Preprocess", "Evaluate")]
    outputs.append(steps["Train"]["Arguments"]["OutputDataConfig"])
    assert [output.pop("KmsKeyId") for output in outputs] == [KEY] * 3
    assert steps == by_name(json.loads(definition_text)), "a volume of an instance with local disks can have no key"
    assert_requests_are_valid(json.loads(by_option))


PLATFORM = {
    "SUBNET_IDS": "subnet-1,subnet-2",
    "SECURITY_GROUP_IDS": "sg-1",
    "ENABLE_NETWORK_ISOLATION": "true",
    "ENABLE_INTER_CONTAINER_TRAFFIC_ENCRYPTION": "true",
    "VOLUME_KMS_KEY_ARN": KEY,
}
NETWORK = {
    "EnableInterContainerTrafficEncryption": True,
    "EnableNetworkIsolation": True,
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]},
}


def test_what_the_platform_asks_of_jobs_is_in_each_request_and_changes_nothing_else(
    local_aws: "LocalAws", bucket: str, definition_text: str, tmp_path: Path
):
    nothing_asked = dict.fromkeys(PLATFORM, "") | {"ENABLE_NETWORK_ISOLATION": "false"}
    assert define(local_aws, bucket, tmp_path, **nothing_asked) == definition_text
    found = json.loads(define(local_aws, bucket, tmp_path, **PLATFORM))
    assert_requests_are_valid(found)
    steps = by_name(found)
    for name in ("Preprocess", "Evaluate"):
        job = steps[name]["Arguments"]
        assert job.pop("NetworkConfig") == NETWORK
        assert job["ProcessingResources"]["ClusterConfig"].pop("VolumeKmsKeyId") == KEY
    training = steps["Train"]["Arguments"]
    assert {name: training.pop(name) for name in NETWORK} == NETWORK
    assert training["ResourceConfig"].pop("VolumeKmsKeyId") == KEY
    assert steps == by_name(json.loads(definition_text))


def test_quality_decides_between_registration_and_a_failure_that_names_the_report(
    definition: dict[str, Any],
):
    steps = by_name(definition)
    r2 = {
        "Std:JsonGet": {
            "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.EvaluationReport"},
            "Path": "regression_metrics.r2.value",
        }
    }
    condition = steps["CheckQuality"]["Arguments"]["Conditions"][0]
    assert condition == {
        "Type": "GreaterThanOrEqualTo",
        "LeftValue": r2,
        "RightValue": {"Get": "Parameters.R2Threshold"},
    }
    message = steps["QualityTooLow"]["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]
    # Of a Fail step's message AWS's guide shows text and parameters, and no Std:JsonGet.
    assert all(isinstance(part, str) or "Parameters.R2Threshold" in json.dumps(part) for part in message), message
    assert "evaluation.json, which the step Evaluate wrote" in message[-1]


def test_the_evaluation_becomes_the_model_quality_of_the_package_also_from_the_cache(
    definition: dict[str, Any],
):
    statistics = by_name(definition)["Register"]["Arguments"]["ModelMetrics"]["ModelQuality"]["Statistics"]
    output = "Steps.Evaluate.ProcessingOutputConfig.Outputs['evaluation'].S3Output.S3Uri"
    assert statistics == {
        "ContentType": "application/json",
        "S3Uri": {"Std:Join": {"On": "/", "Values": [{"Get": output}, "evaluation.json"]}},
    }


def test_jobs_are_cached_and_retried(definition: dict[str, Any]):
    for name in ("Preprocess", "Train", "Evaluate"):
        step = by_name(definition)[name]
        assert step["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P30D"}
        retried = [kind for policy in step["RetryPolicies"] for kind in policy["ExceptionType"]]
        assert {"Step.SERVICE_FAULT", "Step.THROTTLING", "SageMaker.CAPACITY_ERROR"} <= set(retried)
        [waiting] = [each for each in step["RetryPolicies"] if "SageMaker.RESOURCE_LIMIT" in each["ExceptionType"]]
        assert (waiting["IntervalSeconds"], waiting["ExpireAfterMin"], "MaxAttempts" in waiting) == (60, 120, False)


def test_the_batch_pipeline_takes_the_latest_approved_model(local_aws: "LocalAws", bucket: str):
    sagemaker = local_aws.client("sagemaker")
    group = f"group-{uuid.uuid4().hex}"
    kwargs = {"role": ROLE, "default_bucket": bucket, "model_package_group_name": group}
    command = [
        *(sys.executable, "-P", "-m", "pipelines.get_pipeline_definition"),
        *("-n", "pipelines.lr.pipeline_batch", "-kwargs", json.dumps(kwargs)),
    ]
    refused = local_aws.run(command)
    assert refused.returncode == 1
    assert f"group {group!r} cannot be listed: " in refused.stderr

    local_aws.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
    containers = [{"Image": image, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}]
    specification = {"Containers": containers, "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}
    arns = [
        sagemaker.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification=specification,
            ModelApprovalStatus=status,
        )["ModelPackageArn"]
        for status in ("Approved", "Approved", "Rejected", "PendingManualApproval")
    ]
    made = local_aws.run(command)
    assert made.returncode == 0, made.stderr
    definition = json.loads(made.stdout)
    defaults = {item["Name"]: item["DefaultValue"] for item in definition["Parameters"]}
    assert defaults["ModelPackageArn"] == arns[1]
    folder = f"s3://{bucket}/LinearRegression/batch"
    assert (defaults["InputDataUrl"], defaults["OutputDataUrl"]) == (f"{folder}/input/", f"{folder}/output/")
    steps = by_name(definition)
    assert steps["CreateModel"]["Arguments"]["Containers"] == [
        {"ModelPackageName": {"Get": "Parameters.ModelPackageArn"}}
    ]
    assert steps["Transform"]["Arguments"]["ModelName"] == {"Get": "Steps.CreateModel.ModelName"}
    assert_requests_are_valid(definition)
    encrypted = json.loads(local_aws.run([*command, "--kms-key-arn", KEY]).stdout)
    assert by_name(encrypted)["Transform"]["Arguments"]["TransformOutput"]["KmsKeyId"] == KEY
    assert "Kms" not in made.stdout
    assert quotas(definition) == quotas(SAMPLE["the batch pipeline"])
    assert_requests_are_valid(encrypted)
    done = subprocess.run(command, env={**local_aws.env, **PLATFORM}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = json.loads(done.stdout)
    assert_requests_are_valid(asked)
    model, transform = (by_name(asked)[name]["Arguments"] for name in ("CreateModel", "Transform"))
    of_models = ("EnableNetworkIsolation", "VpcConfig")
    assert {name: model[name] for name in of_models} == {name: NETWORK[name] for name in of_models}
    assert transform["TransformResources"]["VolumeKmsKeyId"] == KEY


def test_nothing_asks_where_it_runs():
    for path in PACKAGE.rglob("*.py"):
        assert not re.search(r"\bif\b.*local", path.read_text()), path


def test_the_commit_is_said_by_the_version_and_changes_no_step_that_is_cached(
    local_aws: "LocalAws", bucket: str, tmp_path: Path, definition: dict[str, Any]
) -> None:
    text = define(local_aws, bucket, tmp_path, COMMIT_ID="0123abcd")
    said = ', "MetadataProperties": {"CommitId": "0123abcd"}'
    assert text.count(said) == 1
    assert json.loads(text.replace(said, "")) == definition
    assert json.loads(text) == json.loads(define(local_aws, bucket, tmp_path, "--commit-id", "0123abcd"))
