"""Tuning steps of pipelines, from a bare definition."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.conftest import ROLE, Bench, unique
from tests.localaws.sagemaker.tuning.conftest import QUADRATIC, training_jobs, tuning


def pipeline(bench: Bench, script: str, *, jobs: int = 2) -> str:
    """The definition of a pipeline with one tuning step, and one that fails with the best training job's name."""
    request = tuning(bench, script, jobs=jobs, parallel=2)
    del request["HyperParameterTuningJobName"]
    best = {"Get": "Steps.Tune_It.TrainingJobSummaries[0].TrainingJobName"}
    count = {"Get": "Steps.Tune_It.TrainingJobStatusCounters.Completed"}
    message = {"Std:Join": {"On": " ", "Values": [best, count]}}
    steps = [
        {"Name": "Tune_It", "Type": "Tuning", "Arguments": request},
        {"Name": "Tell", "Type": "Fail", "Arguments": {"ErrorMessage": message}},
    ]
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


def test_later_steps_see_the_tuning_job_and_its_best(bench: Bench) -> None:
    execution = bench.run_pipeline(pipeline(bench, QUADRATIC))
    steps = bench.steps(execution["PipelineExecutionArn"])
    name = steps["Tune_It"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    assert len(name) <= 32
    best = training_jobs(bench, name, SortBy="FinalObjectiveMetricValue")[0]["TrainingJobName"]
    assert steps["Tell"]["FailureReason"] == f"{best} 2"


def test_a_failed_tuning_job_fails_the_step_with_its_reason(bench: Bench) -> None:
    execution = bench.run_pipeline(pipeline(bench, "raise SystemExit(1)"))
    step = bench.steps(execution["PipelineExecutionArn"])["Tune_It"]
    assert step["StepStatus"] == "Failed"
    assert step["FailureReason"].startswith("No training job succeeded after 2 attempts")


def test_a_stopped_execution_stops_its_tuning_job(bench: Bench) -> None:
    name = unique("pipeline")
    text = pipeline(bench, "import time; print('loss=1;', flush=True); time.sleep(60)")
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    arn = bench.start(name)
    while not bench.steps(arn).get("Tune_It", {}).get("Metadata"):
        time.sleep(0.02)
    tuning_name = bench.steps(arn)["Tune_It"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    while not training_jobs(bench, tuning_name):
        time.sleep(0.02)
    bench.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
    assert bench.wait_for_execution(arn)["PipelineExecutionStatus"] == "Stopped"
    described = bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning_name)
    assert described["HyperParameterTuningJobStatus"] == "Stopped"


def test_the_arguments_of_a_tuning_step_are_checked(bench: Bench) -> None:
    definition = json.loads(pipeline(bench, QUADRATIC))
    definition["Steps"][0]["Arguments"]["HyperParameterTuningJobConfig"]["Strategy"] = "Guess"
    with pytest.raises(ClientError, match=r"Step 'Tune_It'.*Bayesian, Random, Hyperband, Grid"):
        bench.sagemaker.create_pipeline(
            PipelineName=unique("pipeline"), PipelineDefinition=json.dumps(definition), RoleArn=ROLE
        )
