"""Local AWS is killed at the worst moment: all is there afterwards, and what was running is said to have failed."""

import json
import os
import signal
import time
from collections.abc import Callable

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, bench_of, unique


def test_kill_9_during_a_training_step(own_local_aws: Callable[[], LocalAws]) -> None:
    before = bench_of(aws := own_local_aws())
    arguments = before.training("print('training', flush=True); import time; time.sleep(120)")
    training_name = arguments.pop("TrainingJobName")
    assert training_name
    step = {"Name": "Train", "Type": "Training", "Arguments": arguments}
    name, model = unique("pipeline"), unique("model")
    before.sagemaker.create_model(ModelName=model, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
    text = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    before.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    arn = before.start(name)
    while not before.steps(arn).get("Train", {}).get("Metadata"):
        time.sleep(0.02)
    job = before.steps(arn)["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    time.sleep(2.5)  # MiniStack saves its state every two seconds
    for pid in aws.pids().values():
        os.kill(pid, signal.SIGKILL)

    after = own_local_aws()
    sagemaker = after.client("sagemaker")
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "was stopped while this execution was running" in execution["FailureReason"]
    (row,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    assert row["StepStatus"] == "Failed"
    assert "EndTime" in row
    training = sagemaker.describe_training_job(TrainingJobName=job)
    assert training["TrainingJobStatus"] == "Failed"
    assert "was stopped while this job was running" in training["FailureReason"]
    assert sagemaker.describe_model(ModelName=model)["ModelName"] == model
    assert sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == text
    code = after.client("s3").list_objects_v2(Bucket=before.bucket, Prefix="code/")["Contents"]
    assert len(code) == 1
    assert not any((after.state_dir / "sagemaker" / "jobs").glob("*"))
