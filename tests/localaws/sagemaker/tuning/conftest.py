"""What the tests of tuning jobs share: requests to begin from, and waiting for the end."""

import time
from collections.abc import Sequence
from typing import Any

from tests.localaws.sagemaker.conftest import ROLE, Bench, unique
from tests.localaws.sagemaker.test_toolkit import toolkit_training

Document = dict[str, Any]

QUADRATIC = "import sys\nx = float(sys.argv[sys.argv.index('-x') + 1])\nprint(f'loss={(x - 1) ** 2};')\n"
_BOUND_SECONDS = 60


def continuous(name: str, low: float, high: float, scaling: str = "Linear") -> Document:
    """A ContinuousParameterRange."""
    return {"Name": name, "MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}


def definition(bench: Bench, script: str, **static: str) -> Document:
    """A TrainingJobDefinition that runs a script whose log says ``loss=...;``."""
    training = toolkit_training(bench, script, **static)
    return {
        "StaticHyperParameters": training["HyperParameters"],
        "AlgorithmSpecification": {
            "TrainingImage": training["AlgorithmSpecification"]["TrainingImage"],
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([-0-9.e]+);"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": training["OutputDataConfig"],
        "ResourceConfig": training["ResourceConfig"],
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def tuning(
    bench: Bench, script: str = QUADRATIC, *, strategy: str = "Random", jobs: int = 6, parallel: int = 3, **config: Any
) -> Document:
    """A request for a tuning job of one parameter ``x`` between -5 and 5 that minimizes ``loss``."""
    return {
        "HyperParameterTuningJobName": unique("tune"),
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": {"ContinuousParameterRanges": [continuous("x", -5, 5)]},
            "RandomSeed": 7,
            **config,
        },
        "TrainingJobDefinition": definition(bench, script),
    }


def wait(sagemaker: Any, name: str, statuses: Sequence[str] = ("Completed", "Failed", "Stopped")) -> Document:
    """Wait until a tuning job has one of these statuses; what Describe says then."""
    deadline = time.monotonic() + _BOUND_SECONDS
    while time.monotonic() < deadline:
        job: Document = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if job["HyperParameterTuningJobStatus"] in statuses:
            return job
        time.sleep(0.02)
    raise AssertionError(f"{name} is {job}")


def run(bench: Bench, request: Document) -> Document:
    """Create a tuning job and wait for its end; what Describe says then."""
    bench.sagemaker.create_hyper_parameter_tuning_job(**request)
    return wait(bench.sagemaker, request["HyperParameterTuningJobName"])


def training_jobs(bench: Bench, name: str, **query: Any) -> list[Document]:
    """The summaries of a tuning job's training jobs."""
    pages = bench.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, **query
    )
    return [row for page in pages for row in page["TrainingJobSummaries"]]


def values(rows: Sequence[Document], name: str = "x") -> list[str]:
    """The tuned values of training jobs."""
    return [row["TunedHyperParameters"][name] for row in rows]


def objective(row: Document) -> float:
    """A training job's final objective value."""
    value: float = row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return value
