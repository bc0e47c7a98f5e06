"""SKLearn estimators: their code and where it comes from, options, attach."""

import tarfile

import boto3
import pytest
from conftest import CODE, HERE, ROLE, estimator, unique
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn


def test_fit_prints_the_log_and_finds_the_metrics(session, data, capsys):
    fitted = estimator(session)
    fitted.fit({"train": TrainingInput(data, content_type="text/csv")}, logs="All")
    assert "r2=1.000000;" in capsys.readouterr().out
    frame = fitted.training_job_analytics.dataframe()
    assert frame.metric_name.tolist() == ["r2"]
    assert frame.value.tolist() == pytest.approx([1.0])
    assert (
        TrainingJobAnalytics(fitted.latest_training_job.name, ["r2"], sagemaker_session=session).dataframe() is not None
    )


def test_a_script_alone_and_without_waiting(session, data):
    fitted = estimator(session, entry_point=str(CODE / "train.py"), source_dir=None)
    fitted.fit({"train": data}, wait=False)
    fitted.latest_training_job.wait(logs=False)
    assert S3Downloader.list(fitted.model_data, session)
    assert fitted.hyperparameters()["alpha"] == "0.0"


def test_dependencies_and_a_code_location(session, data, capsys):
    location = f"s3://{session.default_bucket()}/{unique('code')}"
    fitted = estimator(
        session,
        code_location=location,
        dependencies=[str(HERE / "shared" / "shared_words.py")],
        hyperparameters={"alpha": 1, "shared": "yes"},
    )
    fitted.fit({"train": data}, logs="All")
    assert "shared: from a dependency" in capsys.readouterr().out
    assert S3Downloader.list(location, session)


def test_a_source_folder_in_s3(session, data, tmp_path):
    with tarfile.open(tmp_path / "sourcedir.tar.gz", "w:gz") as archive:
        archive.add(CODE / "train.py", "train.py")
    source = session.upload_data(str(tmp_path / "sourcedir.tar.gz"), key_prefix=unique("source"))
    fitted = estimator(session, source_dir=source)
    fitted.fit({"train": data}, logs=False)
    assert fitted.latest_training_job.describe()["TrainingJobStatus"] == "Completed"


def test_spot_and_checkpoints(session, data):
    checkpoints = f"s3://{session.default_bucket()}/{unique('checkpoints')}"
    fitted = estimator(
        session,
        use_spot_instances=True,
        max_run=600,
        max_wait=1200,
        checkpoint_s3_uri=checkpoints,
        output_path=f"s3://{session.default_bucket()}/{unique('output')}",
        volume_size=10,
        tags=[{"Key": "team", "Value": "ml"}],
        environment={"WORD": "hello"},
    )
    fitted.fit({"train": data}, logs=False, job_name=unique("spot"))
    assert S3Downloader.read_file(f"{checkpoints}/epoch-1.json", session) == '{"alpha": 0.0}'
    described = fitted.latest_training_job.describe()
    assert described["EnableManagedSpotTraining"]
    assert described["BillableTimeInSeconds"] <= described["TrainingTimeInSeconds"]


def test_a_job_that_fails_says_why(session, data):
    failing = estimator(session, hyperparameters={"fail": "today"})
    with pytest.raises(Exception, match="told to fail: today"):
        failing.fit({"train": data}, logs=False)


def test_attach(session, trained):
    attached = SKLearn.attach(trained.latest_training_job.name, sagemaker_session=session)
    assert attached.model_data == trained.model_data
    assert attached.hyperparameters()["alpha"] == "0.0"
    assert attached.entry_point == "train.py"


def test_an_image_named_in_full_on_several_instances(session, data):
    fitted = Estimator(
        image_uri=estimator(session).training_image_uri(),
        entry_point="train.py",
        source_dir=str(CODE),
        role=ROLE,
        instance_count=2,
        instance_type="ml.m5.large",
        hyperparameters={"alpha": 2},
        sagemaker_session=session,
    )
    fitted.fit({"train": data}, logs=False)
    job = boto3.client("sagemaker").describe_training_job(TrainingJobName=fitted.latest_training_job.name)
    assert job["HyperParameters"]["sagemaker_program"] == '"train.py"'
