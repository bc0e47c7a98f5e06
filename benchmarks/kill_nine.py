"""Kills local AWS with kill -9 at random moments of a pipeline, restarts it, and checks whether anything was lost.

Each round starts an execution with a processing, a tuning, a training, a callback and a transform step, kills the
supervisor and both servers at a random moment, starts them again, and waits for the end. It must be Succeeded; a step
that had finished before the kill must have kept its job and its times: it was not run again. `--rounds 20` takes a few
minutes; run more rounds before a release.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.machine import description
from tests.conftest import LocalAws, local_aws_command, start_local_aws
from tests.localaws.sagemaker.conftest import Bench, bench_of
from tests.localaws.sagemaker.definitions import definition, processing
from tests.localaws.sagemaker.resources import make_model
from tests.localaws.sagemaker.tuning.conftest import tuning

ROLE = "arn:aws:iam::000000000000:role/Execution"
PIPELINE, QUEUE = "kill-nine", "kill-nine"
_LONGEST_SECONDS = 2.2
_BOUND_SECONDS = 90


def main() -> int:
    """Run the rounds; return 1 if something was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="kills (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the moments (default: %(default)s)")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    print(description())
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        try:
            return run_rounds(state_dir, [moments.uniform(0, _LONGEST_SECONDS) for _ in range(options.rounds)])
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


def run_rounds(state_dir: Path, moments: list[float]) -> int:
    """Kill once at each moment; return the exit code."""
    aws = start_local_aws(state_dir)
    bench = bench_of(aws)
    make_pipeline(aws, bench)
    time.sleep(2)  # MiniStack saves its state about a second after a change
    lost = 0
    for number, moment in enumerate(moments, start=1):
        before = kill_during_an_execution(aws, bench, moment)
        aws = start_local_aws(state_dir)
        bench = Bench(aws.client("sagemaker"), aws.client("s3"), aws.client("logs"), bench.bucket)
        trouble = look(aws, bench, before)
        lost += bool(trouble)
        verdict = "; ".join(trouble) or "nothing lost"
        print(f"{number:3d}  killed after {moment:.2f} s, {len(before.finished)} steps finished: {verdict}", flush=True)
    print(f"{len(moments)} kills, {lost} with a loss")
    return 1 if lost else 0


@dataclass(frozen=True)
class Before:
    """The state just before the kill."""

    execution_arn: str
    finished: dict[str, dict[str, Any]]


def kill_during_an_execution(aws: LocalAws, bench: Bench, moment: float) -> Before:
    """Start an execution and kill everything this many seconds later."""
    arn = bench.start(PIPELINE)
    answering = Answers(aws, bench)
    time.sleep(moment)
    finished = {name: step for name, step in bench.steps(arn).items() if step["StepStatus"] == "Succeeded"}
    answering.stop()
    for pid in aws.pids().values():
        os.kill(pid, signal.SIGKILL)
    return Before(arn, finished)


def look(aws: LocalAws, bench: Bench, before: Before) -> list[str]:
    """Wait for the end of the execution; return what is wrong with it."""
    answering = Answers(aws, bench)
    deadline = time.monotonic() + _BOUND_SECONDS
    status = "Executing"
    while status in ("Executing", "Stopping") and time.monotonic() < deadline:
        described = bench.sagemaker.describe_pipeline_execution(PipelineExecutionArn=before.execution_arn)
        status = described["PipelineExecutionStatus"]
        time.sleep(0.05)
    answering.stop()
    after = bench.steps(before.execution_arn)
    again = [name for name, step in before.finished.items() if after.get(name) != step]
    trouble = [f"ended as {status}: {described.get('FailureReason', '')}"] if status != "Succeeded" else []
    return trouble + [f"{name} was run again" for name in again]


class Answers:
    """Answers all callbacks, as a person would: from the execution's steps.

    Parameters
    ----------
    aws : LocalAws
    bench : Bench
    """

    def __init__(self, aws: LocalAws, bench: Bench) -> None:
        self._bench, self._sagemaker = bench, aws.client("sagemaker")
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._ends.set()
        self._thread.join()

    def _answer(self) -> None:
        while not self._ends.wait(0.1):
            try:
                self._answer_waiting()
            except (ClientError, BotoCoreError):
                continue  # answered already, or the server is down

    def _answer_waiting(self) -> None:
        listed = self._sagemaker.list_pipeline_executions(PipelineName=PIPELINE, MaxResults=1)
        for execution in listed["PipelineExecutionSummaries"]:
            step = self._bench.steps(execution["PipelineExecutionArn"]).get("Ask", {})
            token = step.get("Metadata", {}).get("Callback", {}).get("CallbackToken")
            if token and step["StepStatus"] == "Executing":
                self._sagemaker.send_pipeline_execution_step_success(CallbackToken=token, OutputParameters=[])


def make_pipeline(aws: LocalAws, bench: Bench) -> None:
    """Create the pipeline of all rounds."""
    queue = aws.client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    bench.put("records/a.csv", "1\n2\n")
    prepare = processing(bench, "Prepare", "import time; time.sleep(0.3)")
    training = bench.training("import time; time.sleep(0.3); open('/opt/ml/model/m', 'w').write('m')")
    del training["TrainingJobName"]
    train = {"Name": "Train", "Type": "Training", "Arguments": training, "DependsOn": ["Tune"]}
    ask = {"Name": "Ask", "Type": "Callback", "SqsQueueUrl": queue, "Arguments": {}, "DependsOn": ["Train"]}
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bench.bucket}/records/"}}
    arguments = {
        "ModelName": make_model(bench),
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"s3://{bench.bucket}/predictions", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    }
    transform = {"Name": "Predict", "Type": "Transform", "Arguments": arguments, "DependsOn": ["Ask"]}
    text = definition(prepare, tuning_step(bench), train, ask, transform)
    bench.sagemaker.create_pipeline(PipelineName=PIPELINE, PipelineDefinition=text, RoleArn=ROLE)


def tuning_step(bench: Bench) -> dict[str, Any]:
    """Return a tuning step with four small training jobs, two at a time."""
    arguments = tuning(bench, jobs=4, parallel=2)
    del arguments["HyperParameterTuningJobName"]
    return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments, "DependsOn": ["Prepare"]}


if __name__ == "__main__":
    sys.exit(main())
