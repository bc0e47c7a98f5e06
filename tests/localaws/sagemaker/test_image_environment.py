"""Jobs, endpoints and batch transforms in the environment of AWS's scikit-learn image, with AWS's own toolkits.

The environment is made once and kept from run to run. Its model server needs PyPI at each start, as on AWS: it runs
`pip install .` over the model's code.
"""

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from localaws.images.environment import IMAGES_DIR_VARIABLE, Environment
from tests.conftest import SHARED_IMAGES, LocalAws, local_aws_command, start_local_aws, until
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, bench_of, unique
from tests.localaws.sagemaker.test_toolkit import toolkit_training

_NAME = "sagemaker-scikit-learn:1.4-2-py312"
_BOUND_SECONDS = 240
_VERSIONS = """
import platform, sys
import numpy, sklearn
print("versions", numpy.__version__, sklearn.__version__, sys.prefix)
"""
_INFERENCE = """
import os

import numpy

class Twice:
    def predict(self, x):
        return 2 * x[:, 0]

def model_fn(model_dir):
    assert numpy.__version__ == "2.1.0"
    return Twice()
"""


@pytest.fixture(scope="module")
def environment(image_of: Callable[[str], Environment]) -> Environment:
    """The environment of the image that the project's pipelines name."""
    return image_of(_NAME)


@pytest.fixture(scope="module")
def image_aws(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS in which the image is installed."""
    state_dir = tmp_path_factory.mktemp("images") / "state"
    try:
        with mock.patch.dict(os.environ, {IMAGES_DIR_VARIABLE: str(SHARED_IMAGES)}):
            started = start_local_aws(state_dir)
        yield started
    finally:
        local_aws_command("reset", "--yes", state_dir=state_dir)


@pytest.fixture(scope="module")
def inside(image_aws: LocalAws) -> Bench:
    """Its clients, and a bucket."""
    return bench_of(image_aws)


def packed(**files: str) -> bytes:
    """A model.tar.gz with these Python files in its code folder."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"code/{name}.py")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


def model(bench: Bench, script: str) -> str:
    """A model whose code is this script, named as the SageMaker SDK names it."""
    name = unique("model")
    data = bench.put(f"{name}/model.tar.gz", packed(inference=script))
    variables = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": IMAGE, "ModelDataUrl": data, "Environment": variables}
    bench.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return name


def endpoint(bench: Bench, model_name: str, **members: Any) -> str:
    """An endpoint that has begun to start."""
    name = unique("endpoint")
    variant = {"VariantName": "A", "ModelName": model_name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    bench.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant | members])
    bench.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return name


def when_started(bench: Bench, name: str) -> dict[str, Any]:
    """What Describe says of an endpoint when it has started, or not."""
    described: dict[str, Any] = {}

    def is_over() -> bool:
        described.update(bench.sagemaker.describe_endpoint(EndpointName=name))
        return described["EndpointStatus"] != "Creating"

    until(is_over, _BOUND_SECONDS)
    return described


def test_a_processing_job_has_the_images_versions(inside: Bench, environment: Environment) -> None:
    job = inside.run_processing(inside.processing(_VERSIONS))
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert f"versions 2.1.0 1.4.2 {environment.folder}" in inside.log("processing", job["ProcessingJobName"])


def test_what_the_image_lacks_fails_here(inside: Bench) -> None:
    """This project's own environment has it, and the image does not."""
    job = inside.run_processing(inside.processing("import polars"))
    assert job["FailureReason"] == "AlgorithmError: ModuleNotFoundError: No module named 'polars', exit code: 1"


def test_training_is_aws_toolkits(inside: Bench, environment: Environment) -> None:
    script = f"{_VERSIONS}\nprint(sys.argv[1:])"
    job = inside.run_training(toolkit_training(inside, script, alpha="0.5"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = inside.log("training", job["TrainingJobName"])
    assert f"versions 2.1.0 1.4.2 {environment.folder}" in log
    assert "['--alpha', '0.5']" in log
    assert any("Imported framework sagemaker_sklearn_container.training" in line for line in log)


def test_a_failure_is_reported_as_aws_toolkit_does(inside: Bench) -> None:
    job = inside.run_training(toolkit_training(inside, "raise ValueError('no such column')"))
    assert job["TrainingJobStatus"] == "Failed"
    # The scikit-learn images leave the script's words to the log; `training/train.py` repeats them in the reason.
    assert 'ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\nCommand "' in job["FailureReason"]
    assert "ValueError: no such column" in inside.log("training", job["TrainingJobName"])


def test_an_endpoint_and_a_transform_have_aws_server(inside: Bench, image_aws: LocalAws) -> None:
    name = model(inside, _INFERENCE)
    inside.put("records/x.json", "[[1], [2]]")
    transform = unique("transform")
    inside.sagemaker.create_transform_job(
        TransformJobName=transform,
        ModelName=name,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{inside.bucket}/records/"}},
            "ContentType": "application/json",
        },
        TransformOutput={"S3OutputPath": f"s3://{inside.bucket}/answers", "Accept": "application/json"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    served = when_started(inside, endpoint(inside, name))
    assert served["EndpointStatus"] == "InService", served.get("FailureReason")
    runtime = image_aws.client("sagemaker-runtime")
    request = {"EndpointName": served["EndpointName"], "ContentType": "application/json", "Body": "[[3], [4]]"}
    answer = runtime.invoke_endpoint(Accept="application/json", **request)
    assert (answer["ContentType"], answer["Body"].read()) == ("application/json", b"[6.0, 8.0]")
    # The project's own server reads a list of formats, and answers 400 to a body that it cannot read.
    for wrong in ({"Accept": "text/csv, application/json;q=0.5"}, {"Accept": "text/csv", "Body": "[["}):
        with pytest.raises(ClientError) as error:
            runtime.invoke_endpoint(**request | wrong)
        assert error.value.response["OriginalStatusCode"] == 500
    until(
        lambda: (
            inside.sagemaker.describe_transform_job(TransformJobName=transform)["TransformJobStatus"] != "InProgress"
        )
    )
    assert inside.read(f"s3://{inside.bucket}/answers/x.json.out") == b"[2.0, 4.0]"
    assert any("Successfully installed inference" in line for line in inside.log("transform", transform))


def test_a_server_that_does_not_start_says_why(inside: Bench) -> None:
    broken = model(inside, "import no_such_module")
    described = when_started(inside, endpoint(inside, broken))
    assert described["EndpointStatus"] == "Failed"
    assert "No module named 'no_such_module'" in described["FailureReason"]


def test_without_the_image_the_log_says_what_differs(bench: Bench) -> None:
    request = bench.processing("print('ran')")
    job = bench.run_processing(request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    (stream,) = bench.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=f"{request['ProcessingJobName']}/"
    )["logStreams"]
    events = bench.logs.get_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    notice, ran = (event["message"] for event in events)
    assert ran == "ran"
    assert notice.startswith(f"local-aws: not {_NAME} itself but this machine's Python environment stands for it: ")
    assert f"local-aws images install {_NAME}" in notice
