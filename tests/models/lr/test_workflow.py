"""The whole workflow on this machine: `run-pipeline --local`, from raw data to a registered model and predictions."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.test import problems, records
from tests.conftest import LocalAws

RUN_PIPELINE = Path(sys.executable).with_name("run-pipeline")
BUCKET = "sagemaker-us-east-1-000000000000"


def command(aws: LocalAws, *arguments: str) -> list[str]:
    return ["env", f"LOCALAWS_STATE_DIR={aws.state_dir}", str(RUN_PIPELINE), "--local", *arguments]


def latest_package(aws: LocalAws) -> dict[str, Any]:
    sagemaker = aws.client("sagemaker")
    rows = sagemaker.list_model_packages(
        ModelPackageGroupName="LinearRegression", SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["ModelPackageSummaryList"]
    described: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=rows[0]["ModelPackageArn"])
    return described


@pytest.fixture(scope="module")
def built(local_aws: LocalAws) -> dict[str, Any]:
    """The package that the main job registers."""
    done = local_aws.run(command(local_aws))
    assert done.returncode == 0, done.stderr
    assert "r2 0.472329" in done.stdout
    package = latest_package(local_aws)
    assert package["ModelPackageArn"] in done.stdout
    return package


def test_the_main_job_registers_a_model_with_its_metrics(local_aws: LocalAws, built: dict[str, Any]) -> None:
    assert built["ModelApprovalStatus"] == "PendingManualApproval"
    uri = built["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    key = uri.removeprefix(f"s3://{BUCKET}/")
    s3 = local_aws.client("s3")
    metrics = json.load(s3.get_object(Bucket=BUCKET, Key=key)["Body"])["regression_metrics"]
    assert metrics["r2"]["value"] == pytest.approx(0.4723, abs=5e-5)
    picture = s3.get_object(Bucket=BUCKET, Key=key.replace("evaluation.json", "residuals.png"))["Body"].read()
    assert picture.startswith(b"\x89PNG")


def test_a_model_says_which_records_it_was_evaluated_on(local_aws: LocalAws, built: dict[str, Any]) -> None:
    properties = built["CustomerMetadataProperties"]
    where = properties["TestDataUrl"], properties["TargetColumn"]
    found = records.read(local_aws.client("s3"), *where, problems.Regression())
    assert len(found.lines) == len(found.targets) == 20


@pytest.mark.parametrize(
    ("content_type", "name", "body", "value"),
    [
        ("text/csv", "one.csv", b"0.3\n-0.05\n", float),
        (
            "application/jsonlines",
            "one.jsonl",
            b'{"x": [0.3]}\n{"x": [-0.05]}\n',
            lambda line: json.loads(line)["prediction"],
        ),
    ],
)
def test_the_approved_model_predicts_every_file(
    local_aws: LocalAws,
    built: dict[str, Any],
    content_type: str,
    name: str,
    body: bytes,
    value: Callable[[bytes], float],
) -> None:
    local_aws.client("sagemaker").update_model_package(
        ModelPackageArn=built["ModelPackageArn"], ModelApprovalStatus="Approved"
    )
    s3 = local_aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"mine/{name}/in/{name}", Body=body)
    s3.put_object(Bucket=BUCKET, Key=f"mine/{name}/in/deep/{name}", Body=body)
    urls = [
        f"{key}=s3://{BUCKET}/mine/{name}/{folder}"
        for key, folder in (("InputDataUrl", "in/"), ("OutputDataUrl", "out"))
    ]
    done = local_aws.run(
        command(
            local_aws,
            *("-n", "pipelines.lr.pipeline_batch"),
            *("--parameters", f"ContentType={content_type}", f"ModelPackageArn={built['ModelPackageArn']}", *urls),
        )
    )
    assert done.returncode == 0, done.stderr
    for folder in ("", "deep/"):
        answer = s3.get_object(Bucket=BUCKET, Key=f"mine/{name}/out/{folder}{name}.out")["Body"].read()
        first, second = [value(line) for line in answer.splitlines()]
        assert first == pytest.approx(434.0765649977469, abs=1e-6)
        assert second < first


def test_a_manifest_names_one_file_alone(local_aws: LocalAws, built: dict[str, Any]) -> None:
    """As the automation starts it for a file: by its URL alone, `day1` would be `day10` as well."""
    s3 = local_aws.client("s3")
    for name in ("day1", "day10"):
        s3.put_object(Bucket=BUCKET, Key=f"days/in/{name}", Body=b"0.3\n")
    s3.put_object(Bucket=BUCKET, Key="days/manifest", Body=json.dumps([{"prefix": f"s3://{BUCKET}/days/in/"}, "day1"]))
    parameters = {
        "ModelPackageArn": built["ModelPackageArn"],
        "InputDataUrl": f"s3://{BUCKET}/days/manifest",
        "InputDataType": "ManifestFile",
        "OutputDataUrl": f"s3://{BUCKET}/days/out/",
    }
    given = [f"{name}={value}" for name, value in parameters.items()]
    done = local_aws.run(command(local_aws, "-n", "pipelines.lr.pipeline_batch", "--parameters", *given))
    assert done.returncode == 0, done.stderr
    [found] = s3.list_objects_v2(Bucket=BUCKET, Prefix="days/out/")["Contents"]
    assert found["Key"] == "days/out/day1.out"


def test_a_model_that_is_not_good_enough_is_not_registered(local_aws: LocalAws, built: dict[str, Any]) -> None:
    done = local_aws.run(command(local_aws, "--parameters", "R2Threshold=0.9"))
    assert done.returncode == 1
    assert "R2 on the test set is below R2Threshold 0.9" in done.stdout + done.stderr
    assert latest_package(local_aws)["ModelPackageVersion"] == built["ModelPackageVersion"]


def test_a_script_that_refuses_its_data_is_quoted(local_aws: LocalAws, built: dict[str, Any]) -> None:
    local_aws.client("s3").put_object(Bucket=BUCKET, Key="bad/data.csv", Body=b"bmi,target\n0.1,1\nlots,2\n0.3,\n")
    done = local_aws.run(command(local_aws, "--parameters", f"InputDataUrl=s3://{BUCKET}/bad/"))
    assert done.returncode == 1
    assert "data.csv" in done.stderr
    assert "'lots'" in done.stderr
    assert "Traceback" not in done.stderr.partition("last lines")[0]


def test_an_empty_prefix_is_named(local_aws: LocalAws, built: dict[str, Any]) -> None:
    done = local_aws.run(command(local_aws, "--parameters", f"InputDataUrl=s3://{BUCKET}/nothing/here/"))
    assert done.returncode == 1
    assert f"s3://{BUCKET}/nothing/here/" in done.stderr


def test_two_main_jobs_at_once_both_register(local_aws: LocalAws, built: dict[str, Any]) -> None:
    before = latest_package(local_aws)["ModelPackageVersion"]
    both = [
        subprocess.Popen(command(local_aws), env=local_aws.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=90)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert latest_package(local_aws)["ModelPackageVersion"] == before + 2


SLOW = """
from pipelines import session, steps

SCRIPT = b'''
import boto3, time
s3, bucket = boto3.client("s3"), "sagemaker-us-east-1-000000000000"
if not s3.list_objects_v2(Bucket=bucket, Prefix="begun").get("KeyCount"):
    s3.put_object(Bucket=bucket, Key="begun", Body=b"")
    time.sleep(60)
'''


def get_pipeline(region, role=None, default_bucket=None):
    sagemaker_session = session.pipeline_session(region, default_bucket)
    settings = steps.job_settings(sagemaker_session, "slow", role=role, default_bucket=default_bucket)
    train = steps.training_step(settings, "Train", code={"train.py": SCRIPT}, script="train.py")
    return steps.Pipeline(name="Slow", steps=[train], sagemaker_session=sagemaker_session)
"""


def test_a_killed_sagemaker_goes_on_and_whoever_waits_sees_the_end(
    own_local_aws: Callable[[], LocalAws], tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    aws = own_local_aws()
    waiting = subprocess.Popen(
        command(aws, "-n", "slow"), cwd=tmp_path, env=aws.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    sagemaker = aws.client("sagemaker")
    deadline = time.monotonic() + 60
    while not begun(aws) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(aws.pids()["sagemaker"], signal.SIGKILL)
    shown, told = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, told
    assert "Train                Succeeded" in shown
    assert [row["TrainingJobStatus"] for row in sagemaker.list_training_jobs()["TrainingJobSummaries"]] == [
        "Failed",
        "Completed",
    ]


def begun(aws: LocalAws) -> bool:
    """Whether the slow script sleeps already."""
    try:
        return bool(aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="begun").get("KeyCount"))
    except ClientError:  # the bucket is not there yet
        return False
