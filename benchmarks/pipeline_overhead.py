"""The overhead of a pipeline: the linear regression's execution compared with its scripts run one after the other.

Three figures, medians of interleaved runs on this machine:

- bare: preprocess.py, train.py (with its model packed here) and evaluate.py as plain processes, one after the other;
- execution: the same through the pipeline, from StartPipelineExecution to Succeeded, jobs, S3, logs and all;
- command: `run-pipeline --local` as a user runs it; cold starts local AWS from nothing, warm finds it running.

Targets: execution at most 1.3 times bare; cold at most 20 s, warm at most 10 s.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from localaws.settings import Ports
from pipelines import code
from pipelines.lr.pipeline import ROAD
from tests.conftest import LocalAws, local_aws_command

MODULE = "pipelines.lr.pipeline"
PIPELINE = "LinearRegression"
UNCACHED = "Uncached"
BUCKET = "sagemaker-us-east-1-000000000000"
PORT = 4576
_POLL_SECONDS = 0.005
_BOUND_SECONDS = 120


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--runs", type=int, default=7, help="counted runs of each (default: %(default)s)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        try:
            measure(state_dir, Path(folder) / "bare", runs)
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


def measure(state_dir: Path, folder: Path, runs: int) -> None:
    """Measure all figures with one local AWS."""
    cold = []
    for _ in range(3):
        local_aws_command("reset", "--yes", state_dir=state_dir)
        cold.append(seconds(lambda: run_command(state_dir)))
    aws = LocalAws(Ports(PORT, PORT + 1, PORT + 2), state_dir, {})
    sagemaker = aws.client("sagemaker")
    csv = sample_data(aws)
    turn_caching_off(sagemaker)
    bare, execution, warm = [], [], []
    for number in range(runs + 1):
        options = new_data(aws, csv, number)
        figures = (
            seconds(lambda: run_bare(folder, csv)),
            seconds(lambda: run_execution(sagemaker)),
            seconds(partial(run_command, state_dir, options)),
        )
        if number:  # the first round warms caches
            for kept, figure in zip((bare, execution, warm), figures, strict=True):
                kept.append(figure)
    print(description())
    print(f"\n{runs} counted runs of each, in turn; seconds.\n")
    print("| what | min | median | max |\n|---|---|---|---|")
    rows = (
        ("scripts, bare", bare),
        ("pipeline execution", execution),
        ("run-pipeline --local, warm", warm),
        ("run-pipeline --local, cold (3 runs)", cold),
    )
    for name, values in rows:
        print(f"| {name} | {min(values):.2f} | {statistics.median(values):.2f} | {max(values):.2f} |")
    ratio = statistics.median([pair[1] / pair[0] for pair in zip(bare, execution, strict=True)])
    print(f"\nExecution over bare, run by run: {ratio:.2f} (target: at most 1.3)")


def seconds(work: Callable[[], None]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def sample_data(aws: LocalAws) -> bytes:
    """Return the data that `run-pipeline --local` has uploaded."""
    body: bytes = aws.client("s3").get_object(Bucket=BUCKET, Key=f"{PIPELINE}/data/diabetes.csv")["Body"].read()
    return body


def run_bare(folder: Path, csv: bytes) -> None:
    """Do the scripts' work without SageMaker."""
    shutil.rmtree(folder, ignore_errors=True)
    source, ml, scripts = folder / "data", folder / "ml", folder / "code"
    code.write(scripts, ROAD.preprocessing_code() | ROAD.training_code() | ROAD.evaluation_code())
    source.mkdir(parents=True)
    (source / "diabetes.csv").write_bytes(csv)
    script(scripts / "preprocess.py", "--input-dir", source, "--output-dir", folder)
    (ml / "input/data").mkdir(parents=True)
    (folder / "train").rename(ml / "input/data/train")
    script(scripts / "train.py", "--prefix", ml)
    packed = folder / "packed"
    packed.mkdir()
    with tarfile.open(packed / "model.tar.gz", "w:gz", compresslevel=6) as tar:
        for path in sorted((ml / "model").iterdir()):
            tar.add(path, arcname=path.name)
    given = ("--model-dir", packed, "--test-dir", folder / "test", "--output-dir", folder / "evaluation")
    script(scripts / "evaluate.py", *given)


def script(path: Path, *arguments: object) -> None:
    """Run one of the scripts."""
    command = [sys.executable, str(path), *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run_execution(sagemaker: Any) -> None:
    """Run one execution, from its start to its end."""
    arn = sagemaker.start_pipeline_execution(PipelineName=UNCACHED)["PipelineExecutionArn"]
    deadline = time.monotonic() + _BOUND_SECONDS
    while time.monotonic() < deadline:
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if execution["PipelineExecutionStatus"] == "Succeeded":
            return
        if execution["PipelineExecutionStatus"] != "Executing":
            raise SystemExit(f"the execution ended as {json.dumps(execution, default=str)}")
        time.sleep(_POLL_SECONDS)
    raise SystemExit(f"{arn} did not end within {_BOUND_SECONDS} s")


def turn_caching_off(sagemaker: Any) -> None:
    """Create a copy of the pipeline whose steps always run."""
    described = sagemaker.describe_pipeline(PipelineName=PIPELINE)
    definition = json.loads(described["PipelineDefinition"])
    for step in definition["Steps"]:
        step.pop("CacheConfig", None)
    sagemaker.create_pipeline(
        PipelineName=UNCACHED, PipelineDefinition=json.dumps(definition), RoleArn=described["RoleArn"]
    )


def new_data(aws: LocalAws, csv: bytes, number: int) -> list[str]:
    """Upload the data to another location, so that no step is found in the cache; return the options that name it."""
    key = f"{PIPELINE}/data-{number}/diabetes.csv"
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=csv)
    return ["--parameters", f"InputDataUrl=s3://{BUCKET}/{key}"]


def run_command(state_dir: Path, options: Sequence[str] = ()) -> None:
    """Run `run-pipeline --local` as a user does."""
    environment = {**os.environ, "LOCALAWS_STATE_DIR": str(state_dir), "LOCALAWS_PORT": str(PORT)}
    command = [sys.executable, "-m", "pipelines.run_pipeline", "--local", "-n", MODULE, *options]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
