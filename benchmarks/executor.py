"""The cost of a step: a pipeline of 100 processing steps, 10 wide, whose bodies are `true`.

Ten chains of ten steps, ten at a time; the wall time of an execution divided by 100. Then again with 1,000 executions
in the history. Target: at most 60 ms a step, and no slower with the history.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from tests.conftest import local_aws_command, start_local_aws

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/Execution"
STEPS, WIDE, HISTORY = 100, 10, 1_000
_BOUND_SECONDS = 300


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--runs", type=int, default=5, help="counted executions (default: %(default)s)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        try:
            measure(start_local_aws(state_dir).client("sagemaker"), runs)
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


def measure(sagemaker: Any, runs: int) -> None:
    """Measure with a short history and with a long one."""
    sagemaker.create_pipeline(PipelineName="Wide", PipelineDefinition=chains(), RoleArn=ROLE)
    sagemaker.create_pipeline(PipelineName="Short", PipelineDefinition=one_step(), RoleArn=ROLE)
    execute(sagemaker, "Wide")
    fresh = [execute(sagemaker, "Wide") for _ in range(runs)]
    for _ in range(HISTORY):
        execute(sagemaker, "Short", wait=False)
    while (
        sagemaker.list_pipeline_executions(PipelineName="Short", MaxResults=1)["PipelineExecutionSummaries"][0][
            "PipelineExecutionStatus"
        ]
        == "Executing"
    ):
        time.sleep(0.1)
    later = [execute(sagemaker, "Wide") for _ in range(runs)]
    print(description())
    print(f"\nA pipeline of {STEPS} processing steps, {WIDE} wide, bodies of `true`; ms a step, {runs} executions.\n")
    print("| history | min | median | max |\n|---|---:|---:|---:|")
    for name, values in (("none", fresh), (f"{HISTORY:,} executions", later)):
        figures = [1000 * value / STEPS for value in (min(values), statistics.median(values), max(values))]
        print(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")


def chains() -> str:
    """Return the definition: `WIDE` chains of steps, each after the one before it."""
    steps = [
        {
            "Name": f"S{number}",
            "Type": "Processing",
            "DependsOn": [f"S{number - WIDE}"] if number >= WIDE else [],
            "Arguments": {
                "RoleArn": ROLE,
                "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
                },
            },
        }
        for number in range(STEPS)
    ]
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


def one_step() -> str:
    """Return a definition that is executed in no time."""
    condition = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    step = {
        "Name": "Check",
        "Type": "Condition",
        "Arguments": {"Conditions": [condition], "IfSteps": [], "ElseSteps": []},
    }
    return json.dumps({"Version": "2020-12-01", "Steps": [step]})


def execute(sagemaker: Any, name: str, *, wait: bool = True) -> float:
    """Return the seconds that an execution took."""
    began = time.perf_counter()
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    deadline = time.monotonic() + _BOUND_SECONDS
    while wait and time.monotonic() < deadline:
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        if status != "Executing":
            if status != "Succeeded":
                raise SystemExit(f"{arn} ended as {status}")
            break
        time.sleep(0.01)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
