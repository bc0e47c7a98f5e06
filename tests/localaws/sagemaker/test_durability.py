"""Local AWS is killed at the worst moment: all is there afterwards, and executions go on with what was running."""

import os
import signal
import time
from collections.abc import Callable

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, bench_of, unique
from tests.localaws.sagemaker.definitions import callback_step, definition, next_message, processing
from tests.localaws.saved import wait_until_saved

FIRST_TIME_SLOW = """
import os, time, boto3
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
if not s3.list_objects_v2(Bucket=bucket, Prefix="begun").get("KeyCount"):
    s3.put_object(Bucket=bucket, Key="begun", Body=b"")
    time.sleep(120)
"""


def test_kill_9_during_a_training_step(own_local_aws: Callable[[], LocalAws]) -> None:
    before = bench_of(aws := own_local_aws())
    first = processing(before, "First", "print('first')")
    arguments = before.training(FIRST_TIME_SLOW, Environment={"BUCKET": before.bucket})
    del arguments["TrainingJobName"]
    train = {"Name": "Train", "Type": "Training", "Arguments": arguments, "DependsOn": ["First"]}
    name, model = unique("pipeline"), unique("model")
    before.sagemaker.create_model(ModelName=model, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
    text = definition(first, train)
    before.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    arn = before.start(name)
    while not before.keys("begun"):
        time.sleep(0.02)
    steps = before.steps(arn)
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    wait_until_saved(aws)
    kill_9(aws)

    after = Bench(own_local_aws().client("sagemaker"), before.s3, before.logs, before.bucket)
    execution = after.wait_for_execution(arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    again = after.steps(arn)
    assert again["First"] == steps["First"]  # a finished step is not run again
    assert again["Train"]["AttemptCount"] == 2
    assert again["Train"]["Metadata"] != steps["Train"]["Metadata"]
    interrupted = after.sagemaker.describe_training_job(TrainingJobName=job)
    assert interrupted["TrainingJobStatus"] == "Failed"
    assert "was stopped while this job was running" in interrupted["FailureReason"]
    assert after.sagemaker.describe_model(ModelName=model)["ModelName"] == model
    assert after.sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == text


def test_an_execution_that_was_being_stopped_is_stopped(own_local_aws: Callable[[], LocalAws]) -> None:
    before = bench_of(aws := own_local_aws())
    ignores = "import signal, time; signal.signal(15, lambda *_: None); print('on', flush=True); time.sleep(120)"
    text = definition(processing(before, "Stubborn", ignores))
    before.sagemaker.create_pipeline(PipelineName="stubborn", PipelineDefinition=text, RoleArn=ROLE)
    arn = before.start("stubborn")
    while not before.steps(arn).get("Stubborn", {}).get("Metadata"):
        time.sleep(0.02)
    time.sleep(0.5)
    before.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert (
        before.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Stopping"
    )
    kill_9(aws)
    after = Bench(own_local_aws().client("sagemaker"), before.s3, before.logs, before.bucket)
    assert after.wait_for_execution(arn)["PipelineExecutionStatus"] == "Stopped"
    assert after.steps(arn)["Stubborn"]["StepStatus"] == "Stopped"


def test_a_callback_waits_for_the_same_token_after_kill_9(own_local_aws: Callable[[], LocalAws]) -> None:
    before = bench_of(aws := own_local_aws())
    queue = aws.client("sqs").create_queue(QueueName="questions")["QueueUrl"]
    before.sagemaker.create_pipeline(
        PipelineName="ask", PipelineDefinition=definition(callback_step(queue)), RoleArn=ROLE
    )
    arn = before.start("ask")
    while not before.steps(arn).get("Ask", {}).get("Metadata"):
        time.sleep(0.02)
    token = before.steps(arn)["Ask"]["Metadata"]["Callback"]["CallbackToken"]
    wait_until_saved(aws)
    kill_9(aws)
    after = own_local_aws()
    outputs = [{"Name": "verdict", "Value": "yes"}, {"Name": "score", "Value": "7"}]
    bench = Bench(after.client("sagemaker"), before.s3, before.logs, before.bucket)
    assert next_message(after.client("sqs", endpoint_url=f"http://127.0.0.1:{after.port}"), queue_at(queue, after))
    bench.sagemaker.send_pipeline_execution_step_success(CallbackToken=token, OutputParameters=outputs)
    assert bench.wait_for_execution(arn)["PipelineExecutionStatus"] == "Succeeded"


def kill_9(aws: LocalAws) -> None:
    for pid in aws.pids().values():
        os.kill(pid, signal.SIGKILL)


def queue_at(queue_url: str, aws: LocalAws) -> str:
    """The queue's URL, at the port of another run."""
    return f"http://127.0.0.1:{aws.port}/{queue_url.split('/', 3)[3]}"
