"""Experiments' Run, and the queries of lineage."""

import json

import pytest
from conftest import estimator, unique
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.experiments import Experiment, Run, list_runs, load_run
from sagemaker.experiments.trial_component import _TrialComponent
from sagemaker.lineage.artifact import Artifact
from sagemaker.lineage.context import Context
from sagemaker.lineage.query import LineageEntityEnum, LineageFilter, LineageQuery, LineageQueryDirectionEnum
from sagemaker.lineage.visualizer import LineageTableVisualizer


def test_a_run_with_parameters_metrics_and_files(session, tmp_path):
    experiment = unique("experiment")
    (tmp_path / "notes.txt").write_text("notes")
    with Run(experiment_name=experiment, run_name="one", sagemaker_session=session) as run:
        run.log_parameter("alpha", 0.5)
        run.log_parameters({"layers": 3, "kind": "ridge"})
        for step, loss in enumerate((0.5, 0.25)):
            run.log_metric("loss", loss, step=step)
        run.log_file(str(tmp_path / "notes.txt"), name="notes", is_output=True)
        run.log_artifact("data", f"s3://{session.default_bucket()}/data", is_output=False)
    with load_run(experiment_name=experiment, run_name="one", sagemaker_session=session) as loaded:
        loaded.log_parameter("later", "yes")
    (listed,) = list_runs(experiment_name=experiment, sagemaker_session=session)
    component = _TrialComponent.load(listed._trial_component.trial_component_name, sagemaker_session=session)
    assert component.parameters == {"alpha": 0.5, "layers": 3.0, "kind": "ridge", "later": "yes"}
    (metric,) = [each for each in component.metrics if each.metric_name == "loss"]
    assert (metric.count, metric.last, metric.min) == (2, 0.25, 0.25)
    assert "notes" in component.output_artifacts
    assert "data" in component.input_artifacts
    assert component.status.primary_status == "Completed"

    frame = ExperimentAnalytics(experiment_name=experiment, sagemaker_session=session).dataframe()
    assert frame["alpha"].tolist() == [0.5]
    Experiment.load(experiment, sagemaker_session=session)._delete_all(action="--force")


def test_a_job_in_a_run_joins_its_experiment(session, data):
    experiment = unique("experiment")
    with Run(experiment_name=experiment, sagemaker_session=session) as run:
        fitted = estimator(session)
        fitted.fit({"train": data}, logs=False)
        name = run.experiment_config["TrialName"]
    config = fitted.latest_training_job.describe()["ExperimentConfig"]
    assert (config["ExperimentName"], config["TrialName"]) == (experiment, name)


def test_a_run_that_fails_is_failed(session):
    experiment = unique("experiment")
    with pytest.raises(ZeroDivisionError), Run(experiment_name=experiment, run_name="bad", sagemaker_session=session):
        raise ZeroDivisionError("of the run")
    (listed,) = list_runs(experiment_name=experiment, sagemaker_session=session)
    status = session.sagemaker_client.describe_trial_component(
        TrialComponentName=listed._trial_component.trial_component_name
    )["Status"]
    assert status["PrimaryStatus"] == "Failed", json.dumps(status, default=str)


def test_what_a_model_came_from(session, trained):
    (model,) = Artifact.list(source_uri=trained.model_data, sagemaker_session=session)
    start = LineageFilter(entities=[LineageEntityEnum.ARTIFACT])
    found = LineageQuery(session).query(
        start_arns=[model.artifact_arn], direction=LineageQueryDirectionEnum.ASCENDANTS, query_filter=start
    )
    assert any("data" in str(vertex.to_lineage_object().source.source_uri) for vertex in found.vertices)
    frame = LineageTableVisualizer(session).show(
        trial_component_name=f"{trained.latest_training_job.name}-aws-training-job"
    )
    assert "Input" in frame["Direction"].tolist()
    assert list(Context.list(max_results=1, sagemaker_session=session)) is not None
