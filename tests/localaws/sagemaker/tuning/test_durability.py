"""Local AWS is killed, or stopped, while a tuning job runs: it goes on at the next start and loses nothing."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import bench_of
from tests.localaws.sagemaker.tuning.conftest import objective, training_jobs, tuning, values, wait

# The first two jobs end, the others wait for an object that comes after the restart.
SCRIPT = """
import boto3, os, sys, time
x = float(sys.argv[sys.argv.index('-x') + 1])
s3 = boto3.client('s3')
count = s3.list_objects_v2(Bucket={bucket!r}, Prefix='begun/').get('KeyCount', 0)
s3.put_object(Bucket={bucket!r}, Key=f'begun/{{x}}-{{time.time()}}', Body=b'')
while count >= 2 and not s3.list_objects_v2(Bucket={bucket!r}, Prefix='go').get('KeyCount'):
    time.sleep(0.05)
print(f'loss={{x * x}};')
"""


@pytest.mark.parametrize("way", ["kill -9", "stop"])
def test_a_tuning_job_survives_the_server(own_local_aws: Callable[[], LocalAws], way: str) -> None:
    before = bench_of(aws := own_local_aws())
    request = tuning(before, SCRIPT.format(bucket=before.bucket), jobs=5, parallel=1)
    name = request["HyperParameterTuningJobName"]
    before.sagemaker.create_hyper_parameter_tuning_job(**request)
    while len(before.keys("begun/")) < 3:
        time.sleep(0.02)
    ended = training_jobs(before, name, StatusEquals="Completed")
    (killed,) = training_jobs(before, name, StatusEquals="InProgress")
    assert len(ended) == 2
    if way == "stop":
        assert aws.command("stop").returncode == 0
    else:
        time.sleep(2.5)  # MiniStack saves its state every two seconds
        for pid in aws.pids().values():
            os.kill(pid, signal.SIGKILL)

    after = own_local_aws()
    sagemaker = after.client("sagemaker")
    after.client("s3").put_object(Bucket=before.bucket, Key="go", Body=b"")
    job = wait(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    counters = job["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["RetryableError"], counters["NonRetryableError"]) == (5, 1, 0)
    bench = type(before)(sagemaker, after.client("s3"), after.client("logs"), before.bucket)
    rows = training_jobs(bench, name, StatusEquals="Completed")
    assert {row["TrainingJobName"] for row in ended} < {row["TrainingJobName"] for row in rows}
    assert len(set(values(rows))) == 5
    assert values([killed])[0] in values(rows)  # tried again, under another name
    assert all(objective(row) == float(row["TunedHyperParameters"]["x"]) ** 2 for row in rows)
