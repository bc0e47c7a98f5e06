"""HyperparameterTuner: fit, analytics, attach, the best job's deployment."""

import pytest
from conftest import estimator, unique
from sagemaker.analytics import HyperparameterTuningJobAnalytics
from sagemaker.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
    WarmStartConfig,
    WarmStartTypes,
)

METRIC = {"metric_definitions": [{"Name": "r2", "Regex": "r2=(.*?);"}]}


def tuner(session, ranges, **options):
    """A tuner of the estimator. Without a name of its own it would be the only one of its minute."""
    settings = {"max_jobs": 2, "max_parallel_jobs": 2, "base_tuning_job_name": unique("tune")[:20], **METRIC, **options}
    return HyperparameterTuner(estimator(session, hyperparameters={}), "r2", ranges, **settings)


def test_a_tuner_from_fit_to_attach(session, data):
    tuned = tuner(session, {"alpha": ContinuousParameter(0.0, 1.0), "depth": IntegerParameter(1, 3)}, random_seed=1)
    tuned.fit({"train": data})
    best = tuned.best_training_job()
    frame = HyperparameterTuningJobAnalytics(tuned.latest_tuning_job.name, session).dataframe()
    assert len(frame) == len(tuned.analytics().dataframe()) == 2
    assert best in frame.TrainingJobName.tolist()
    attached = HyperparameterTuner.attach(tuned.latest_tuning_job.name, sagemaker_session=session)
    assert attached.best_training_job() == best
    assert attached.best_estimator().model_data.endswith(f"{best}/output/model.tar.gz")
    assert attached.describe()["HyperParameterTuningJobStatus"] == "Completed"

    parents = WarmStartConfig(WarmStartTypes.IDENTICAL_DATA_AND_ALGORITHM, {tuned.latest_tuning_job.name})
    ranges = {"alpha": ContinuousParameter(0.0, 1.0), "depth": IntegerParameter(1, 3)}
    warm = tuner(session, ranges, warm_start_config=parents)
    warm.fit({"train": data})
    assert warm.describe()["WarmStartConfig"]["WarmStartType"] == "IdenticalDataAndAlgorithm"


def test_a_grid(session, data):
    ranges = {"alpha": CategoricalParameter([0.0, 1.0])}
    tuned = tuner(session, ranges, strategy="Grid", objective_type="Maximize")
    tuned.fit({"train": data})
    assert len(tuned.analytics().dataframe()) == 2


def test_several_estimators_in_one_tuning(session, data):
    names = ("one", "two")
    tuned = HyperparameterTuner.create(
        estimator_dict={name: estimator(session, hyperparameters={}) for name in names},
        objective_metric_name_dict=dict.fromkeys(names, "r2"),
        hyperparameter_ranges_dict={name: {"alpha": ContinuousParameter(0.0, 1.0)} for name in names},
        metric_definitions_dict=dict.fromkeys(names, METRIC["metric_definitions"]),
        max_jobs=2,
        max_parallel_jobs=2,
        base_tuning_job_name=unique("several")[:20],
    )
    tuned.fit({name: {"train": data} for name in names}, include_cls_metadata={})
    assert tuned.describe()["TrainingJobStatusCounters"]["Completed"] == 2


def test_stopping(session, data):
    tuned = tuner(session, {"alpha": ContinuousParameter(0.0, 1.0)}, max_jobs=50, max_parallel_jobs=1)
    tuned.fit({"train": data}, wait=False)
    tuned.stop_tuning_job()
    tuned.wait()
    assert tuned.describe()["HyperParameterTuningJobStatus"] == "Stopped"


def test_autotune_is_refused_by_name(session, data):
    with pytest.raises(Exception, match=r"Autotune.*not supported"):
        tuner(session, {"alpha": ContinuousParameter(0.0, 1.0)}, autotune=True).fit({"train": data})
