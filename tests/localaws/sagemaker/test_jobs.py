"""Processing, training and transform jobs, run for real."""

import io
import json
import tarfile
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws, until
from tests.localaws.sagemaker.conftest import (
    Bench,
    EventQueue,
    channel,
    processing_input,
    processing_output,
    unique,
)
from tests.localaws.sagemaker.resources import make_model, refusal


def test_a_processing_job_takes_inputs_to_outputs(bench: Bench) -> None:
    bench.put("data/a.txt", "1")
    bench.put("data/deep/b.txt", "2")
    script = """
import json, os, pathlib
source = pathlib.Path("/opt/ml/processing/input/data")
total = sum(int(path.read_text()) for path in source.rglob("*.txt"))
target = pathlib.Path("/opt/ml/processing/output/sum/deep/sum.txt")
target.parent.mkdir(parents=True)
target.write_text(str(total * int(os.environ["FACTOR"])))
config = json.load(open("/opt/ml/config/processingjobconfig.json"))
assert config["ProcessingJobName"] == os.environ["PROCESSING_JOB_NAME"]
assert json.load(open("/opt/ml/config/resourceconfig.json"))["hosts"] == ["algo-1"]
pathlib.Path("/opt/ml/output/message").write_text("all summed")
print("sum:", total)
"""
    output = f"s3://{bench.bucket}/result"
    request = bench.processing(
        script,
        ProcessingInputs=[processing_input("data", f"s3://{bench.bucket}/data", "/opt/ml/processing/input/data")],
        ProcessingOutputConfig={"Outputs": [processing_output("sum", output, "/opt/ml/processing/output/sum")]},
        Environment={"FACTOR": "10"},
    )
    job = bench.run_processing(request)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ExitMessage"] == "all summed"
    assert bench.read(f"{output}/deep/sum.txt") == b"30"
    assert bench.log("processing", job["ProcessingJobName"]) == ["sum: 3"]
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]


def test_a_script_that_raises_says_so_in_the_reason(bench: Bench) -> None:
    job = bench.run_processing(bench.processing("raise ValueError('no such column')"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: ValueError: no such column, exit code: 1"
    assert bench.log("processing", job["ProcessingJobName"])[-1] == "ValueError: no such column"


def test_a_failed_processing_job_uploads_nothing(bench: Bench) -> None:
    script = "open('/opt/ml/processing/out/half', 'w').write('x'); raise SystemExit(3)"
    output = processing_output("out", f"s3://{bench.bucket}/half", "/opt/ml/processing/out")
    job = bench.run_processing(bench.processing(script, ProcessingOutputConfig={"Outputs": [output]}))
    assert job["FailureReason"].endswith("exit code: 3")
    assert bench.keys("half") == []


def test_an_empty_input_prefix_fails_with_its_name(bench: Bench) -> None:
    uri = f"s3://{bench.bucket}/nothing/here"
    source = processing_input("data", uri, "/opt/ml/processing/input/data")
    job = bench.run_processing(bench.processing("pass", ProcessingInputs=[source]))
    assert job["ProcessingJobStatus"] == "Failed"
    assert f'No S3 objects found under S3 URL "{uri}"' in job["FailureReason"]


@pytest.mark.parametrize(
    "value",
    [
        "it's",
        'say "so"',
        "$(touch /opt/ml/model/escaped)",
        "`touch /opt/ml/model/escaped`",
        "two\nlines",
        "a;b|c&d",
        "é ☃",
        " ",
    ],
)
def test_hyperparameters_arrive_exactly_and_nothing_is_executed(bench: Bench, value: str) -> None:
    script = """
import json, shutil
shutil.copy("/opt/ml/input/config/hyperparameters.json", "/opt/ml/model/seen.json")
"""
    job = bench.run_training(bench.training(script, HyperParameters={"value": value}))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    with tarfile.open(fileobj=io.BytesIO(bench.read(job["ModelArtifacts"]["S3ModelArtifacts"]))) as model:
        seen = model.extractfile("seen.json")
        assert seen is not None
        assert json.load(seen) == {"value": value}
        assert model.getnames() == ["seen.json"]
    assert job["HyperParameters"] == {"value": value}


def test_a_training_job_keeps_metrics_history_and_outputs(local_aws: LocalAws, bench: Bench) -> None:
    bench.put("train/data.csv", "x\n1\n")
    script = """
import json
config = json.load(open("/opt/ml/input/config/inputdataconfig.json"))
assert config["train"]["ContentType"] == "text/csv", config
assert open("/opt/ml/input/data/train/data.csv").read() == "x\\n1\\n"
for loss in (3.5, 2.5, 1.25):
    print(f"loss={loss};")
open("/opt/ml/model/weights", "w").write("w")
open("/opt/ml/output/data/plot", "w").write("p")
"""
    request = bench.training(
        script,
        AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}]},
        InputDataConfig=[channel("train", f"s3://{bench.bucket}/train/") | {"ContentType": "text/csv"}],
    )
    job = bench.run_training(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [(row["MetricName"], row["Value"]) for row in job["FinalMetricDataList"]] == [("loss", 1.25)]
    history = [row["Status"] for row in job["SecondaryStatusTransitions"]]
    assert history == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in row for row in job["SecondaryStatusTransitions"])
    assert bench.keys(f"models/{job['TrainingJobName']}") == [
        f"models/{job['TrainingJobName']}/output/{name}.tar.gz" for name in ("model", "output")
    ]
    waited_for = {"Name": "TrainingJobName", "Value": job["TrainingJobName"]}
    until(
        lambda: local_aws.client("cloudwatch").list_metrics(
            Namespace="/aws/sagemaker/TrainingJobs", MetricName="loss", Dimensions=[waited_for]
        )["Metrics"]
    )


def test_a_training_script_may_write_its_own_reason(bench: Bench) -> None:
    script = "open('/opt/ml/output/failure', 'w').write('the data have no label'); raise SystemExit(1)"
    job = bench.run_training(bench.training(script))
    assert job["FailureReason"] == "AlgorithmError: the data have no label, exit code: 1"
    assert job["SecondaryStatus"] == "Failed"
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job failed"


def test_a_place_that_is_not_in_s3_is_refused_at_once(bench: Bench) -> None:
    request = bench.training("", OutputDataConfig={"S3OutputPath": "https://s3.amazonaws.com/bucket"})
    code, message = refusal(bench.sagemaker.create_training_job, **request)
    assert (code, "'https://s3.amazonaws.com/bucket' is not an S3 URI" in message) == ("ValidationException", True)


def test_a_running_job_is_stopped_and_what_it_saved_is_kept(bench: Bench) -> None:
    script = "open('/opt/ml/model/half', 'w').write('x'); print('ready', flush=True); import time; time.sleep(60)"
    request = bench.training(script)
    name = request["TrainingJobName"]
    bench.sagemaker.create_training_job(**request)
    while bench.sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    time.sleep(0.3)
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    job = bench.wait("training", name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert bench.keys(f"models/{name}/")
    with pytest.raises(ClientError, match="is in status Stopped"):
        bench.sagemaker.stop_training_job(TrainingJobName=name)


def test_the_time_limit_is_said(bench: Bench) -> None:
    request = bench.training("import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = bench.run_training(request)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_boto3_waiters_work(bench: Bench) -> None:
    request = bench.training("pass")
    bench.sagemaker.create_training_job(**request)
    waiter = bench.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=request["TrainingJobName"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_jobs_run_at_the_same_time(bench: Bench) -> None:
    together = """
import os, pathlib, time, boto3
bucket, mine = os.environ["BUCKET"], os.environ["MINE"]
s3 = boto3.client("s3")
s3.put_object(Bucket=bucket, Key=f"here/{mine}", Body=b"")
deadline = time.monotonic() + 30
while s3.list_objects_v2(Bucket=bucket, Prefix="here/").get("KeyCount", 0) < 2:
    assert time.monotonic() < deadline, "the other one never came"
    time.sleep(0.05)
"""
    requests = [
        bench.processing(together, Environment={"BUCKET": bench.bucket, "MINE": mine}) for mine in ("one", "two")
    ]
    for request in requests:
        bench.sagemaker.create_processing_job(**request)
    jobs = [bench.wait("processing", request["ProcessingJobName"]) for request in requests]
    assert [job["ProcessingJobStatus"] for job in jobs] == ["Completed", "Completed"]


AUGMENTED = {
    "ChannelName": "train",
    "DataSource": {
        "S3DataSource": {
            "S3DataType": "AugmentedManifestFile",
            "S3Uri": "s3://bucket/manifest.jsonl",
            "AttributeNames": ["image", "label"],
        }
    },
}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (
            "ResourceConfig",
            {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1, "KeepAlivePeriodInSeconds": 60},
        ),
        ("InputDataConfig", [AUGMENTED]),
        (
            "ModelPackageConfig",
            {"ModelPackageGroupArn": "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/g"},
        ),
    ],
)
def test_what_would_not_happen_is_refused_by_name(bench: Bench, member: str, value: Any) -> None:
    with pytest.raises(ClientError, match=f"UnsupportedOperation.*{member}"):
        bench.sagemaker.create_training_job(**(bench.training("pass") | {member: value}))


def test_a_retry_strategy_is_kept_and_a_failure_of_the_script_is_none_of_ours(bench: Bench) -> None:
    """Each job of SDK v3's `@remote` and `@step` has one."""
    strategy = {"MaximumRetryAttempts": 2}
    job = bench.run_training(bench.training("raise SystemExit(3)", RetryStrategy=strategy))
    assert (job["TrainingJobStatus"], job["RetryStrategy"]) == ("Failed", strategy)
    assert "exit code: 3" in job["FailureReason"]
    began = [row["Status"] for row in job["SecondaryStatusTransitions"]]
    assert began.count("Starting") == 1


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_an_output_whose_name_is_not_utf8_is_named(bench: Bench, mode: str) -> None:
    output = processing_output("out", f"s3://{bench.bucket}/out", "/opt/ml/processing/out")
    output["S3Output"]["S3UploadMode"] = mode
    script = r"open(b'/opt/ml/processing/out/\xff', 'w').write('x')"
    job = bench.run_processing(bench.processing(script, ProcessingOutputConfig={"Outputs": [output]}))
    assert job["FailureReason"].startswith(r"ClientError: Failed to upload \xff: a key of S3 is UTF-8")


def test_more_bytes_at_once_than_a_transform_job_may_send_are_refused(bench: Bench) -> None:
    with pytest.raises(ClientError, match=r"\(2\) \* MaxPayloadInMB \(60\) must not exceed 100 MB"):
        transform(bench, "any", MaxConcurrentTransforms=2, MaxPayloadInMB=60)


@pytest.mark.parametrize("path", ["/etc", "/opt/ml/processing/../../../etc", "relative"])
def test_a_processing_path_stays_where_it_may_be(bench: Bench, path: str) -> None:
    source = processing_input("data", f"s3://{bench.bucket}/data", path)
    with pytest.raises(ClientError, match="must be a path under /opt/ml/processing"):
        bench.sagemaker.create_processing_job(**bench.processing("pass", ProcessingInputs=[source]))


def test_a_job_announces_itself_on_the_event_bus(local_aws: LocalAws, bench: Bench) -> None:
    queue = EventQueue(local_aws, "SageMaker Training Job State Change")
    name = bench.run_training(bench.training("pass"))["TrainingJobName"]
    seen = queue.statuses("TrainingJobStatus", ("TrainingJobName", name), last="Completed")
    assert seen == ["InProgress", "Completed"]


def key_of(bench: Bench, key: str) -> str | None:
    """The KMS key that an object was written with."""
    key_id: str | None = bench.s3.head_object(Bucket=bench.bucket, Key=key).get("SSEKMSKeyId")
    return key_id


@pytest.fixture
def kms_key(local_aws: LocalAws) -> str:
    arn: str = local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_what_a_processing_job_writes_has_the_key_that_it_names(bench: Bench, kms_key: str, mode: str) -> None:
    output = processing_output("out", f"s3://{bench.bucket}/out", "/opt/ml/processing/out")
    output["S3Output"]["S3UploadMode"] = mode
    script = "open('/opt/ml/processing/out/x', 'w').write('x')"
    for key in (kms_key, None):
        config = {"Outputs": [output]} | ({"KmsKeyId": key} if key else {})
        job = bench.run_processing(bench.processing(script, ProcessingOutputConfig=config))
        assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
        assert key_of(bench, "out/x") == key


@pytest.mark.parametrize(("compression", "name"), [("GZIP", "model.tar.gz"), ("NONE", "model/weights")])
def test_a_model_has_the_key_that_its_job_names(bench: Bench, kms_key: str, compression: str, name: str) -> None:
    # More than goes up in one request.
    request = bench.training("open('/opt/ml/model/weights', 'wb').write(__import__('os').urandom(9 << 20))")
    request["OutputDataConfig"] |= {"KmsKeyId": kms_key, "CompressionType": compression}
    job = bench.run_training(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert key_of(bench, f"models/{job['TrainingJobName']}/output/{name}") == kms_key


def transform(bench: Bench, model: str, **members: Any) -> dict[str, Any]:
    name = unique("transform")
    source = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bench.bucket}/records/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    bench.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput=source,
        TransformOutput={
            "S3OutputPath": f"s3://{bench.bucket}/predictions",
            "AssembleWith": "Line",
            **members.pop("TransformOutput", {}),
        },
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        **members,
    )
    return bench.wait("transform", name)


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_a_transform_job_takes_every_file_through_the_model(bench: Bench, strategy: str) -> None:
    bench.put("records/a.csv", "1\n2\n3")
    bench.put("records/deep/b.csv", "4\n")
    job = transform(bench, make_model(bench), BatchStrategy=strategy, MaxConcurrentTransforms=2)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.read(f"s3://{bench.bucket}/predictions/a.csv.out") == b"2.5\n5.0\n7.5\n"
    assert bench.read(f"s3://{bench.bucket}/predictions/deep/b.csv.out") == b"10.0\n"


def test_predictions_have_the_key_that_the_job_names(bench: Bench, kms_key: str) -> None:
    bench.put("records/a.csv", "1\n")
    job = transform(bench, make_model(bench), TransformOutput={"KmsKeyId": kms_key})
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert key_of(bench, "predictions/a.csv.out") == kms_key


def test_a_model_that_refuses_a_record_fails_the_transform_with_its_words(bench: Bench) -> None:
    bench.put("records/a.csv", "one\n")
    job = transform(bench, make_model(bench))
    assert job["TransformJobStatus"] == "Failed"
    assert "records/a.csv: the model answered 400" in job["FailureReason"]
    assert "could not convert string to float" in job["FailureReason"]


def test_a_model_that_cannot_be_loaded_fails_the_transform_with_its_reason(bench: Bench) -> None:
    bench.put("records/a.csv", "1\n")
    job = transform(bench, make_model(bench, "raise RuntimeError('no such layer')"))
    assert job["TransformJobStatus"] == "Failed"
    assert "no such layer" in job["FailureReason"]


def test_describe_has_the_members_that_aws_always_sends(bench: Bench) -> None:
    """SDK v2's `attach` reads the key that a job does not name."""
    trained = bench.run_training(bench.training("pass"))
    assert trained["OutputDataConfig"] == {"S3OutputPath": f"s3://{bench.bucket}/models", "KmsKeyId": ""}
    bench.put("records/a.csv", "1\n")
    job = transform(bench, make_model(bench))
    assert (job["TransformOutput"]["KmsKeyId"], job["TransformInput"]["CompressionType"]) == ("", "None")
    assert job["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}


def test_a_transform_needs_a_model_that_is_there(bench: Bench) -> None:
    with pytest.raises(ClientError, match=r'Could not find model "arn:aws:.*:model/gone"'):
        transform(bench, "gone")
