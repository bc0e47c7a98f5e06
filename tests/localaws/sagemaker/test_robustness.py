"""Jobs that harm themselves, and must harm nobody else.

``LOCALAWS_TEST_LOG_BYTES=1000000000`` makes the large log as large as one likes.
"""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.sagemaker.jobs.final_metrics import final_metrics
from localaws.sagemaker.jobs.script import last_line
from tests.conftest import LocalAws, free_ports, until, wait_until_gone
from tests.localaws.sagemaker.conftest import (
    IMAGE,
    ROLE,
    Bench,
    bench_of,
    processing_input,
    processing_output,
    unique,
)
from tests.localaws.sagemaker.definitions import definition, fail, processing

MIB = 1024**2
LOG_BYTES = int(os.environ.get("LOCALAWS_TEST_LOG_BYTES", 48 * MIB))


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_large_log_does_not_fill_the_servers_memory(own_local_aws: Callable[[], LocalAws]) -> None:
    aws = own_local_aws()
    bench = bench_of(aws)
    bench.run_training(bench.training("pass"))
    server = aws.pids()["sagemaker"]
    script = f"""
import sys
line = "x" * 999 + "\\n"
for _ in range({LOG_BYTES // 1000}):
    sys.stdout.write(line)
print("loss=0.5;")
raise SystemExit("the last words")
"""
    metrics = {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}]}
    request = bench.training(script, AlgorithmSpecification=metrics, StoppingCondition={"MaxRuntimeInSeconds": 3600})
    before = most = resident_bytes(server)
    bench.sagemaker.create_training_job(**request)
    while True:
        most = max(most, resident_bytes(server))
        job = bench.sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])
        if job["TrainingJobStatus"] != "InProgress":
            break
        time.sleep(0.05)
    assert job["FailureReason"] == "AlgorithmError: the last words, exit code: 1"
    assert [row["Value"] for row in job["FinalMetricDataList"]] == [0.5]
    assert most - before < 120 * MIB


def test_a_log_without_a_line_end_is_read_in_parts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 3 * MIB + b" loss=2;" + b"y" * 100 * 1024)
    assert len(last_line(log)) == 64 * 1024
    assert [row["Value"] for row in final_metrics(log, [{"Name": "loss", "Regex": "loss=([0-9]+);"}])] == [2.0]


def test_a_job_that_forks_and_ignores_sigterm_leaves_nothing_running(bench: Bench) -> None:
    marker = unique("child")
    script = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(5):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "{marker}"], start_new_session=True)
time.sleep(300)
"""
    request = bench.training(script)
    name = request["TrainingJobName"]
    bench.sagemaker.create_training_job(**request)
    deadline = time.monotonic() + 60
    while len(pids := _pids_with(marker)) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    assert bench.wait("training", name)["TrainingJobStatus"] == "Stopped"
    wait_until_gone(pids)


def _pids_with(argument: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_200_small_jobs_8_at_a_time(bench: Bench) -> None:
    def run(number: int) -> str:
        name = unique(f"small-{number}")
        bench.sagemaker.create_processing_job(**_small(name))
        status: str = bench.wait("processing", name)["ProcessingJobStatus"]
        return status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(200))) == ["Completed"] * 200


def _small(name: str) -> dict[str, Any]:
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
        },
    }


@pytest.fixture
def quiet_folder() -> Iterator[Path]:
    """A folder whose neighbours stay: a container has a layer over each folder beside a mounted one."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def on_a_small_disk(local_aws: LocalAws, bench: Bench, quiet_folder: Path) -> Iterator[Bench]:
    """A local SageMaker of the test's own whose state is on a file system of 16 MiB."""
    port = free_ports().gateway
    state_dir = quiet_folder / "state"
    state_dir.mkdir()
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'mount -t tmpfs -o size=16m none "$1"; shift; exec "$@"'
    unshare = ["unshare", *user, "--mount", "/bin/sh", "-c", script, "small", str(state_dir)]
    options = [
        "--port",
        str(port),
        "--state-dir",
        str(state_dir),
        "--endpoint-url",
        f"http://127.0.0.1:{local_aws.port}",
    ]
    server = subprocess.Popen([*unshare, sys.executable, "-m", "localaws.sagemaker", *options], env=local_aws.env)
    try:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        client = session.client("sagemaker", endpoint_url=f"http://127.0.0.1:{port}")
        _wait_until_it_answers(client)
        yield replace(bench, sagemaker=client)
    finally:
        server.terminate()
        server.wait(60)


def _wait_until_it_answers(client: Any) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            client.list_training_jobs()
        except client.exceptions.ClientError:
            raise
        except Exception:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_a_full_disk_fails_the_job_that_filled_it(on_a_small_disk: Bench) -> None:
    bench = on_a_small_disk
    fill = "open('/opt/ml/processing/out/large', 'wb').write(bytes(64 * 1024**2))"
    output = processing_output("out", f"s3://{bench.bucket}/out", "/opt/ml/processing/out")
    for _ in range(2):
        job = bench.run_processing(bench.processing(fill, ProcessingOutputConfig={"Outputs": [output]}))
        assert job["ProcessingJobStatus"] == "Failed"
        assert "No space left on device" in job["FailureReason"]
        assert bench.run_processing(bench.processing("print('fine')"))["ProcessingJobStatus"] == "Completed"


# Fills the disk to the last page, says so, and frees it when it is told to.
FILL = """
import os, time, boto3
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
with open("/opt/ml/processing/out/large", "wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)) == 4096:
            pass
    except OSError:
        pass
s3.put_object(Bucket=bucket, Key="full")
while not s3.list_objects_v2(Bucket=bucket, Prefix="free")["KeyCount"]:
    time.sleep(0.1)
os.truncate("/opt/ml/processing/out/large", 0)
"""


def test_a_full_disk_is_said_with_its_folder(on_a_small_disk: Bench) -> None:
    bench = on_a_small_disk
    output = processing_output("out", f"s3://{bench.bucket}/out", "/opt/ml/processing/out")
    request = bench.processing(FILL, ProcessingOutputConfig={"Outputs": [output]}, Environment={"BUCKET": bench.bucket})
    bench.sagemaker.create_processing_job(**request)
    until(lambda: bench.keys("full"))
    large = definition(fail("Only", "x" * 500_000))
    with pytest.raises(ClientError) as refused:
        bench.sagemaker.create_pipeline(PipelineName=unique("large"), PipelineDefinition=large, RoleArn=ROLE)
    bench.put("free", "")
    error, metadata = refused.value.response["Error"], refused.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == ("InsufficientStorage", 507, 0)
    assert re.match(r"No space left on device: .* state folder, /\S+/state, has [\d,]+ bytes left", error["Message"])
    assert bench.wait("processing", request["ProcessingJobName"])["ProcessingJobStatus"] == "Completed"
    bench.sagemaker.create_pipeline(PipelineName=unique("large"), PipelineDefinition=large, RoleArn=ROLE)


def test_data_for_which_there_is_no_room_fail_the_step_at_once(on_a_small_disk: Bench) -> None:
    bench = on_a_small_disk
    bench.put("data/large", bytes(20 * MIB))
    source = processing_input("data", f"s3://{bench.bucket}/data", "/opt/ml/processing/input/data")
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 600, "MaxAttempts": 5}
    step = processing(bench, "Read", "pass", Arguments={"ProcessingInputs": [source]}, RetryPolicies=[policy])
    execution = bench.run_pipeline(definition(step))
    failed = bench.steps(execution["PipelineExecutionArn"])["Read"]
    assert (failed["StepStatus"], failed["AttemptCount"]) == ("Failed", 1)
    assert "ClientError: No space left on device: the disk of local AWS's state folder" in failed["FailureReason"]


def test_a_clock_that_is_set_back(own_local_aws: Callable[[], LocalAws]) -> None:
    """What is stored was made tomorrow, as if the clock had been a day ahead until the servers were started again."""
    aws = own_local_aws()
    bench = bench_of(aws)
    first = bench.run_processing(_small(unique("first")))
    time.sleep(2.5)  # MiniStack saves its state every two seconds
    assert aws.command("stop").returncode == 0
    with sqlite3.connect(aws.state_dir / "sagemaker" / "sagemaker.sqlite") as store:
        store.execute("UPDATE resource SET created = created + 86400, modified = modified + 86400")
    again = bench_of(own_local_aws())
    second = again.run_processing(_small(unique("second")))
    assert second["ProcessingJobStatus"] == "Completed"
    assert second["ProcessingEndTime"] >= second["ProcessingStartTime"]
    names = {first["ProcessingJobName"], second["ProcessingJobName"]}
    pages = again.sagemaker.get_paginator("list_processing_jobs").paginate(PaginationConfig={"PageSize": 1})
    assert {row["ProcessingJobName"] for page in pages for row in page["ProcessingJobSummaries"]} == names
    again.sagemaker.delete_processing_job(ProcessingJobName=first["ProcessingJobName"])


def test_what_has_no_effect_here_is_kept(bench: Bench) -> None:
    vpc = {"SecurityGroupIds": ["sg-1234"], "Subnets": ["subnet-1234"]}
    key = "arn:aws:kms:us-east-1:000000000000:key/1"
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30, "VolumeKmsKeyId": key}
    request = bench.training("pass", VpcConfig=vpc, ResourceConfig=resources)
    request["OutputDataConfig"]["KmsKeyId"] = key
    job = bench.run_training(request)
    assert (job["VpcConfig"], job["ResourceConfig"]) == (vpc, resources)
    assert job["OutputDataConfig"]["KmsKeyId"] == key
