"""Checkpoints, outputs that go to S3 while a job runs, and spot capacity that is taken away."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import until
from tests.localaws.sagemaker.conftest import Bench, processing_output

# Counts its epochs on from its checkpoint; ends at the tenth, or at SIGTERM.
EPOCHS = """
import pathlib, signal, sys, time
folder = pathlib.Path("/opt/ml/checkpoints")
epoch = max((int(path.name) for path in folder.iterdir()), default=0)
print("from", epoch, flush=True)
def end(*_):
    (folder / "100").write_text("at the very end")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
while epoch < LAST:
    epoch += 1
    (folder / str(epoch)).write_text("weights")
    time.sleep(0.02)
"""


def checkpoints(bench: Bench) -> dict[str, Any]:
    return {"S3Uri": f"s3://{bench.bucket}/checkpoints"}


def test_checkpoints_are_restored_and_uploaded(bench: Bench) -> None:
    bench.put("checkpoints/3", "weights")
    bench.put("checkpoints-of-another-job/9", "weights")
    request = bench.training(EPOCHS.replace("LAST", "5"), CheckpointConfig=checkpoints(bench))
    job = bench.run_training(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.log("training", job["TrainingJobName"]) == ["from 3"]
    assert bench.keys("checkpoints/") == ["checkpoints/3", "checkpoints/4", "checkpoints/5"]


def test_checkpoints_are_there_while_the_job_runs_and_after_a_stop(bench: Bench) -> None:
    request = bench.training(
        EPOCHS.replace("LAST", "2") + "time.sleep(120)",
        CheckpointConfig=checkpoints(bench) | {"LocalPath": "/opt/ml/checkpoints"},
    )
    bench.sagemaker.create_training_job(**request)
    until(lambda: bench.keys("checkpoints/") == ["checkpoints/1", "checkpoints/2"])
    assert (
        bench.sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])["TrainingJobStatus"]
        == "InProgress"
    )
    bench.sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])
    bench.wait("training", request["TrainingJobName"])
    assert bench.read(f"s3://{bench.bucket}/checkpoints/100") == b"at the very end"


def test_checkpoints_of_a_job_that_fails_are_kept(bench: Bench) -> None:
    script = "open('/opt/ml/other/1', 'w').write('x'); raise SystemExit(3)"
    config = checkpoints(bench) | {"LocalPath": "/opt/ml/other"}
    job = bench.run_training(bench.training(script, CheckpointConfig=config))
    assert job["TrainingJobStatus"] == "Failed"
    assert bench.keys("checkpoints/") == ["checkpoints/1"]


@pytest.mark.parametrize("path", ["/data/checkpoints", "/opt/ml", "/opt/ml/../x"])
def test_checkpoints_elsewhere_are_refused(bench: Bench, path: str) -> None:
    request = bench.training("pass", CheckpointConfig=checkpoints(bench) | {"LocalPath": path})
    with pytest.raises(ClientError, match="only paths under /opt/ml"):
        bench.sagemaker.create_training_job(**request)


def test_a_continuous_output_is_there_while_the_job_runs(bench: Bench) -> None:
    script = """
import os, pathlib, time, boto3
out = pathlib.Path("/opt/ml/processing/out")
(out / "deep").mkdir()
(out / "deep" / "first").write_text("1")
s3 = boto3.client("s3")
deadline = time.monotonic() + 30
while not s3.list_objects_v2(Bucket=os.environ["BUCKET"], Prefix="live/").get("KeyCount"):
    assert time.monotonic() < deadline, "never uploaded"
    time.sleep(0.05)
(out / "deep" / "first").write_text("1, changed")
(out / "last").write_text("2")
"""
    output = processing_output("out", f"s3://{bench.bucket}/live", "/opt/ml/processing/out")
    output["S3Output"]["S3UploadMode"] = "Continuous"
    request = bench.processing(
        script, ProcessingOutputConfig={"Outputs": [output]}, Environment={"BUCKET": bench.bucket}
    )
    job = bench.run_processing(request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.keys("live/") == ["live/deep/first", "live/last"]
    assert bench.read(f"s3://{bench.bucket}/live/deep/first") == b"1, changed"


SPOT = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}


def spot(bench: Bench, script: str, after: str = "0.7") -> dict[str, Any]:
    return bench.training(
        script,
        EnableManagedSpotTraining=True,
        StoppingCondition=SPOT,
        CheckpointConfig=checkpoints(bench),
        Environment={"LOCALAWS_SPOT_INTERRUPT_AFTER_SECONDS": after},
    )


def test_an_interrupted_job_goes_on_from_its_checkpoint(bench: Bench) -> None:
    script = EPOCHS.replace("LAST", "100") + "open('/opt/ml/model/weights', 'w').write('w')"
    script = script.replace("0.02", "0.05")
    job = bench.run_training(spot(bench, script))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    history = [row["Status"] for row in job["SecondaryStatusTransitions"]]
    assert history == [
        *("Starting", "Downloading", "Training", "Interrupted", "Restarting"),
        *("Downloading", "Training", "Uploading", "Completed"),
    ]
    assert all("EndTime" in row for row in job["SecondaryStatusTransitions"])
    assert bench.log("training", job["TrainingJobName"]) == ["from 0", "from 100"]
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_what_is_no_checkpoint_is_lost_at_an_interruption(bench: Bench) -> None:
    script = """
import pathlib, time
kept = pathlib.Path("/opt/ml/model/kept")
assert not kept.exists()
kept.write_text("x")
pathlib.Path("/opt/ml/checkpoints/seen").touch()
if pathlib.Path("/opt/ml/checkpoints/again").exists():
    raise SystemExit(0)
pathlib.Path("/opt/ml/checkpoints/again").touch()
time.sleep(60)
"""
    job = bench.run_training(spot(bench, script, "1"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 60}}, "must be present"),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
            },
            "greater than or equal to MaxRuntimeInSeconds",
        ),
        ({"StoppingCondition": SPOT}, "can only be specified with EnableManagedSpotTraining"),
        ({"Environment": {"LOCALAWS_SPOT_INTERRUPT_AFTER_SECONDS": "1"}}, "which EnableManagedSpotTraining allows"),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": SPOT,
                "Environment": {"LOCALAWS_SPOT_INTERRUPT_AFTER_SECONDS": "soon"},
            },
            "has value 'soon'",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(bench: Bench, members: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{reason}"):
        bench.sagemaker.create_training_job(**(bench.training("pass") | members))
