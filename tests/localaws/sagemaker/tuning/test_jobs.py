"""Tuning jobs run for real, with boto3."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import Bench, EventQueue
from tests.localaws.sagemaker.tuning.conftest import (
    QUADRATIC,
    continuous,
    definition,
    objective,
    run,
    training_jobs,
    tuning,
    values,
    wait,
)


def idle_seconds(job: dict[str, Any], rows: list[dict[str, Any]]) -> float:
    """Return for how long none of a tuning job's training jobs was there."""
    idle, ended = 0.0, job["CreationTime"]
    for row in sorted(rows, key=lambda row: row["CreationTime"]):
        idle += max(0.0, (row["CreationTime"] - ended).total_seconds())
        ended = max(ended, row["TrainingEndTime"])
    return idle + (job["HyperParameterTuningEndTime"] - ended).total_seconds()


def test_a_quadratic_is_tuned(bench: Bench) -> None:
    request = tuning(bench) | {"Tags": [{"Key": "team", "Value": "a"}]}
    name = request["HyperParameterTuningJobName"]
    job = run(bench, request)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 6,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}
    rows = training_jobs(bench, name, SortBy="FinalObjectiveMetricValue", PaginationConfig={"PageSize": 4})
    found = [objective(row) for row in rows]
    assert found == sorted(found)
    assert len(set(values(rows))) == 6
    for row in rows:
        assert objective(row) == pytest.approx((float(row["TunedHyperParameters"]["x"]) - 1) ** 2)
    assert job["BestTrainingJob"]["TrainingJobName"] == rows[0]["TrainingJobName"]
    took = (job["HyperParameterTuningEndTime"] - job["CreationTime"]).total_seconds()
    assert job["ConsumedResources"]["RuntimeInSeconds"] == pytest.approx(took, abs=1)
    assert idle_seconds(job, rows) < took / 2
    training = bench.sagemaker.describe_training_job(TrainingJobName=rows[0]["TrainingJobName"])
    assert training["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert training["HyperParameters"]["x"] == rows[0]["TunedHyperParameters"]["x"]
    assert training["HyperParameters"]["_tuning_objective_metric"] == "loss"
    assert job["TrainingJobDefinition"]["StaticHyperParameters"]["_tuning_objective_metric"] == "loss"
    tags = bench.sagemaker.list_tags(ResourceArn=training["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]
    (listed,) = bench.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert (listed["Strategy"], listed["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Random", 6)
    assert [row["TrainingJobStatus"] for row in training_jobs(bench, name, StatusEquals="Completed")] == [
        "Completed"
    ] * 6
    assert training_jobs(bench, name, StatusEquals="Failed") == []


def test_a_seed_reproduces_a_tuning_job(bench: Bench) -> None:
    seen = []
    for seed in (1, 1, 2):
        request = tuning(bench, jobs=3, RandomSeed=seed)
        run(bench, request)
        seen.append(sorted(values(training_jobs(bench, request["HyperParameterTuningJobName"]))))
    assert seen[0] == seen[1] != seen[2]


CATEGORIES = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2", "9"]}]}


def test_a_grid_tries_every_value(bench: Bench) -> None:
    request = tuning(bench, strategy="Grid", parallel=3, ParameterRanges=CATEGORIES)
    del request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    job = run(bench, request)
    assert sorted(values(training_jobs(bench, request["HyperParameterTuningJobName"]))) == ["1", "2", "9"]
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "1"}


# Prints a value in every turn: 100 for jobs that are bad from the beginning; good ones end after 5 turns by themselves.
EPOCHS = """
import sys, time
bad = float(sys.argv[sys.argv.index('-x') + 1]) > 5
for epoch in range(600 if bad else 5):
    print(f'loss={100 if bad else 1};', flush=True)
    time.sleep(0.1)
open('/opt/ml/model/ended', 'w').close()
"""


def test_the_median_rule_stops_a_running_job(bench: Bench) -> None:
    request = tuning(
        bench,
        EPOCHS,
        strategy="Grid",
        parallel=4,
        TrainingJobEarlyStoppingType="Auto",
        ParameterRanges={"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2", "3", "9"]}]},
    )
    del request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    job = run(bench, request)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert (job["TrainingJobStatusCounters"]["Completed"], job["TrainingJobStatusCounters"]["Stopped"]) == (3, 1)
    (stopped,) = training_jobs(bench, request["HyperParameterTuningJobName"], StatusEquals="Stopped")
    assert (stopped["TunedHyperParameters"]["x"], objective(stopped)) == ("9", 100)
    assert len(bench.log("training", stopped["TrainingJobName"])) < 300  # of 600


HALVING = """
import sys, time
x = float(sys.argv[sys.argv.index('-x') + 1])
for epoch in range(600):
    print(f'loss={abs(x) + 1 / (epoch + 1)};', flush=True)
    time.sleep(0.05)
"""


def test_hyperband_stops_jobs_at_its_rungs(bench: Bench) -> None:
    band = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    job = run(bench, tuning(bench, HALVING, strategy="Hyperband", jobs=9, parallel=3, StrategyConfig=band))
    assert job["TrainingJobStatusCounters"]["Stopped"] == 9  # by a rung, or by MaxResource
    rows = training_jobs(bench, job["HyperParameterTuningJobName"])
    epochs = [round(1 / (objective(row) - abs(float(row["TunedHyperParameters"]["x"])))) for row in rows]
    assert max(epochs) >= 9 > min(epochs)


def test_a_warm_start_learns_from_its_parent(bench: Bench) -> None:
    parent = run(bench, tuning(bench, strategy="Random", jobs=8, parallel=4))
    name = parent["HyperParameterTuningJobName"]
    child = tuning(bench, strategy="Bayesian", jobs=2, parallel=1)
    child["TrainingJobDefinition"] = parent["TrainingJobDefinition"]
    child["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    job = run(bench, child)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    cold = run(bench, tuning(bench, strategy="Bayesian", jobs=1, parallel=1))
    names = [each["HyperParameterTuningJobName"] for each in (job, cold)]
    warm_first, cold_first = (values(training_jobs(bench, each, SortBy="CreationTime"))[0] for each in names)
    assert warm_first != cold_first  # the seed is the same: the difference is what was learned
    overall = job["OverallBestTrainingJob"]
    both = [parent["BestTrainingJob"], job["BestTrainingJob"]]
    assert objective(overall) == min(map(objective, both))
    if overall["TrainingJobName"] == parent["BestTrainingJob"]["TrainingJobName"]:
        assert overall["TuningJobName"] == name


def test_a_stopped_tuning_job_stops_its_training_jobs(bench: Bench) -> None:
    request = tuning(bench, "import time; print('loss=1;', flush=True); time.sleep(60)", jobs=6, parallel=2)
    name = {"HyperParameterTuningJobName": request["HyperParameterTuningJobName"]}
    bench.sagemaker.create_hyper_parameter_tuning_job(**request)
    with pytest.raises(ClientError, match=r"ValidationException.*stop it first"):
        bench.sagemaker.delete_hyper_parameter_tuning_job(**name)
    while len(training_jobs(bench, name["HyperParameterTuningJobName"])) < 2:
        time.sleep(0.02)
    bench.sagemaker.stop_hyper_parameter_tuning_job(**name)
    job = wait(bench.sagemaker, name["HyperParameterTuningJobName"])
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert job["TrainingJobStatusCounters"]["InProgress"] == 0
    with pytest.raises(ClientError, match="is in status Stopped"):
        bench.sagemaker.stop_hyper_parameter_tuning_job(**name)
    trained = training_jobs(bench, name["HyperParameterTuningJobName"])[0]["TrainingJobName"]
    bench.sagemaker.delete_hyper_parameter_tuning_job(**name)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        bench.sagemaker.describe_hyper_parameter_tuning_job(**name)
    assert bench.sagemaker.describe_training_job(TrainingJobName=trained)["TrainingJobStatus"] == "Stopped"


def test_failures_are_counted_and_do_not_end_the_tuning(bench: Bench) -> None:
    script = "import sys; x = sys.argv[-1]; print('loss=1;')\nif x == '2': raise ValueError('two')"
    request = tuning(bench, script, strategy="Grid", ParameterRanges=CATEGORIES, jobs=3)
    job = run(bench, request)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 1
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}
    (failed,) = training_jobs(bench, request["HyperParameterTuningJobName"], StatusEquals="Failed")
    assert "ValueError: two" in failed["FailureReason"]
    by_metric = {"SortBy": "FinalObjectiveMetricValue"}
    assert len(training_jobs(bench, request["HyperParameterTuningJobName"], **by_metric)) == 2


def test_a_tuning_job_of_failures_gives_up(bench: Bench) -> None:
    job = run(bench, tuning(bench, "raise SystemExit(1)", jobs=40, parallel=3))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] <= 8


def test_a_target_ends_the_tuning(bench: Bench) -> None:
    criteria = {"TargetObjectiveMetricValue": 50.0}
    job = run(bench, tuning(bench, jobs=30, parallel=1, TuningJobCompletionCriteria=criteria))
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(job["TrainingJobStatusCounters"].values()) < 10
    assert objective(job["BestTrainingJob"]) <= 50


def test_definitions_with_ranges_of_their_own_take_turns(bench: Bench) -> None:
    request = tuning(bench, jobs=4)
    for member in ("ParameterRanges", "HyperParameterTuningJobObjective"):
        del request["HyperParameterTuningJobConfig"][member]
    del request["TrainingJobDefinition"]
    request["TrainingJobDefinitions"] = [
        definition(bench, QUADRATIC)
        | {
            "DefinitionName": name,
            "TuningObjective": {"Type": "Minimize", "MetricName": "loss"},
            "HyperParameterRanges": {"ContinuousParameterRanges": [continuous("x", low, low + 1)]},
        }
        for name, low in (("near", 1), ("far", 3))
    ]
    job = run(bench, request)
    rows = training_jobs(bench, request["HyperParameterTuningJobName"])
    assert sorted(row["TrainingJobDefinitionName"] for row in rows) == ["far", "far", "near", "near"]
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "near"


def test_a_tuning_job_announces_itself_on_the_event_bus(local_aws: LocalAws, bench: Bench) -> None:
    queue = EventQueue(local_aws, "SageMaker HyperParameter Tuning Job State Change")
    name = run(bench, tuning(bench, jobs=1, parallel=1))["HyperParameterTuningJobName"]
    about = ("HyperParameterTuningJobName", name)
    assert queue.statuses("HyperParameterTuningJobStatus", about, last="Completed") == ["InProgress", "Completed"]


def _ranges(kind: str, **row: Any) -> dict[str, Any]:
    return {"ParameterRanges": {f"{kind}ParameterRanges": [{"Name": "x", **row}]}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (_ranges("Continuous", MinValue="2", MaxValue="2"), "MinValue 2 must be less than MaxValue 2"),
        (_ranges("Integer", MinValue="1.5", MaxValue="2"), "must each be an integer"),
        (_ranges("Continuous", MinValue="0", MaxValue="1", ScalingType="Logarithmic"), "needs a MinValue above 0"),
        (_ranges("Continuous", MinValue="0", MaxValue="1", ScalingType="ReverseLogarithmic"), "within 0 <= x < 1"),
        (_ranges("Integer", MinValue="1", MaxValue="2", ScalingType="ReverseLogarithmic"), "continuous ranges only"),
        (_ranges("Categorical", Values=["a", "a"]), "must be unique"),
        ({"ParameterRanges": {}}, "No hyperparameter is tuned"),
        (
            {"ParameterRanges": {"ContinuousParameterRanges": [continuous("sagemaker_program", 0, 1)]}},
            r"\[sagemaker_program\] are both static and tuned",
        ),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "rmse"}},
            r"'rmse' is not among the MetricDefinitions of AlgorithmSpecification: \[loss\]",
        ),
        (
            {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 3}},
            "MaxParallelTrainingJobs 3 must not be more than MaxNumberOfTrainingJobs 2",
        ),
        ({"ResourceLimits": {"MaxParallelTrainingJobs": 3}}, "MaxNumberOfTrainingJobs is missing"),
        (
            {"ResourceLimits": {"MaxNumberOfTrainingJobs": 10_001, "MaxParallelTrainingJobs": 3}},
            "ResourceLimitExceeded.*10001 is more than the limit of 10000",
        ),
        ({"Strategy": "Grid"}, "Grid only takes CategoricalParameterRanges"),
        ({"Strategy": "Grid", "ParameterRanges": CATEGORIES}, "must be the number of combinations .* 3,"),
        ({"Strategy": "Hyperband"}, "MaxResource of HyperbandStrategyConfig is missing"),
        (
            {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"},
            "TrainingJobEarlyStoppingType must be Off",
        ),
        ({"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}}, "is for the strategy Hyperband"),
        (
            {"ParameterRanges": {"AutoParameters": [{"Name": "x", "ValueHint": "1"}]}},
            "UnsupportedOperation.*AutoParameters",
        ),
    ],
)
def test_what_aws_refuses_is_refused(bench: Bench, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        bench.sagemaker.create_hyper_parameter_tuning_job(**tuning(bench, **config))


def test_what_a_training_job_could_not_do_is_refused_at_once(bench: Bench) -> None:
    request = tuning(bench)
    del request["TrainingJobDefinition"]["StaticHyperParameters"]["sagemaker_submit_directory"]
    with pytest.raises(ClientError, match="needs sagemaker_submit_directory among the HyperParameters"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**request)
    request = tuning(bench)
    request["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingInputMode"] = "Pipe"
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*TrainingInputMode = 'Pipe'"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**request)


def test_names_are_unique_and_short(bench: Bench) -> None:
    request = tuning(bench, jobs=1, parallel=1)
    run(bench, request)
    with pytest.raises(ClientError, match=r"ResourceInUse.*already exists"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**request)
    with pytest.raises(ClientError, match="less than or equal to 32"):
        bench.sagemaker.create_hyper_parameter_tuning_job(**(request | {"HyperParameterTuningJobName": "x" * 33}))


def test_a_parent_must_be_there_and_want_the_same(bench: Bench) -> None:
    parent = run(bench, tuning(bench, jobs=1, parallel=1))["HyperParameterTuningJobName"]
    for name, kind, objective_type, message in (
        ("gone", "TransferLearning", "Minimize", "'gone' does not exist"),
        (parent, "TransferLearning", "Maximize", "they must be the same"),
        (parent, "IdenticalDataAndAlgorithm", "Minimize", "number of static and tuned hyperparameters"),
    ):
        request = tuning(
            bench,
            HyperParameterTuningJobObjective={"Type": objective_type, "MetricName": "loss"},
            ParameterRanges={"ContinuousParameterRanges": [continuous("x", 0, 1), continuous("y", 0, 1)]},
        )
        request["WarmStartConfig"] = {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
            "WarmStartType": kind,
        }
        with pytest.raises(ClientError, match=message):
            bench.sagemaker.create_hyper_parameter_tuning_job(**request)
