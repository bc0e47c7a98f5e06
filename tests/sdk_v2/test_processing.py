"""Processors: ScriptProcessor, SKLearnProcessor, FrameworkProcessor."""

import json

import pytest
from conftest import CODE, IMAGE, ROLE, unique
from sagemaker import image_uris
from sagemaker.network import NetworkConfig
from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput, Processor, ScriptProcessor
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn, SKLearnProcessor

SIZE = {"role": ROLE, "instance_type": "ml.m5.large", "instance_count": 1}


def places(data):
    """The inputs and outputs of preprocess.py."""
    return {
        "inputs": [ProcessingInput(source=data, destination="/opt/ml/processing/input")],
        "outputs": [
            ProcessingOutput(output_name="train", source="/opt/ml/processing/train"),
            ProcessingOutput(output_name="eval", source="/opt/ml/processing/eval"),
        ],
    }


def output_of(job, name):
    """The S3 prefix of an output."""
    outputs = job.describe()["ProcessingOutputConfig"]["Outputs"]
    return next(each["S3Output"]["S3Uri"] for each in outputs if each["OutputName"] == name)


def test_an_sklearn_processor_with_its_logs(session, data, capsys):
    processor = SKLearnProcessor(framework_version="1.2-1", env={"WORD": "hello"}, sagemaker_session=session, **SIZE)
    processor.run(code=str(CODE / "preprocess.py"), arguments=["--mse", "0.25"], logs=True, **places(data))
    report = S3Downloader.read_file(f"{output_of(processor.latest_job, 'eval')}/evaluation.json", session)
    assert json.loads(report) == {"regression_metrics": {"mse": {"value": 0.25}}, "word": "hello"}
    assert S3Downloader.list(output_of(processor.latest_job, "train"), session)


def test_a_script_processor_on_several_instances(session, data):
    uri = image_uris.retrieve("sklearn", "us-east-1", version="1.2-1", instance_type="ml.m5.large")
    processor = ScriptProcessor(
        image_uri=uri,
        command=["python3"],
        base_job_name=unique("script"),
        tags=[{"Key": "team", "Value": "ml"}],
        sagemaker_session=session,
        **{**SIZE, "instance_count": 2},
    )
    processor.run(code=str(CODE / "preprocess.py"), logs=False, **places(data))
    written = S3Downloader.list(output_of(processor.latest_job, "eval"), session)
    assert {"algo-1.txt", "algo-2.txt"} <= {key.rpartition("/")[2] for key in written}


def test_a_framework_processor_with_a_folder(session, data, tmp_path):
    (tmp_path / "helper.py").write_text("WORD = 'helped'\n")
    (tmp_path / "main.py").write_text(
        "import pathlib, helper\npathlib.Path('/opt/ml/processing/train/word.txt').write_text(helper.WORD)\n"
    )
    processor = FrameworkProcessor(
        estimator_cls=SKLearn, framework_version=IMAGE["framework_version"], sagemaker_session=session, **SIZE
    )
    output = ProcessingOutput(output_name="train", source="/opt/ml/processing/train")
    processor.run(code="main.py", source_dir=str(tmp_path), outputs=[output], logs=False)
    assert S3Downloader.read_file(f"{output_of(processor.latest_job, 'train')}/word.txt", session) == "helped"


def test_a_job_that_fails_says_why(session, data, tmp_path):
    (tmp_path / "fails.py").write_text("raise ValueError('no data')\n")
    processor = SKLearnProcessor(framework_version="1.2-1", sagemaker_session=session, **SIZE)
    with pytest.raises(Exception, match="no data"):
        processor.run(code=str(tmp_path / "fails.py"), logs=False)


def test_a_job_that_is_stopped(session, tmp_path):
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(600)\n")
    processor = SKLearnProcessor(framework_version="1.2-1", sagemaker_session=session, **SIZE)
    processor.run(code=str(tmp_path / "sleeps.py"), wait=False)
    processor.latest_job.stop()
    processor.latest_job.wait(logs=False)
    assert processor.latest_job.describe()["ProcessingJobStatus"] == "Stopped"


def test_an_entrypoint_of_its_own_without_a_network(session):
    processor = Processor(
        image_uri=image_uris.retrieve("sklearn", "us-east-1", version="1.2-1"),
        entrypoint=["/bin/sh", "-c", "echo $0 > /opt/ml/processing/out/word"],
        network_config=NetworkConfig(enable_network_isolation=True),
        max_runtime_in_seconds=600,
        sagemaker_session=session,
        **SIZE,
    )
    output = ProcessingOutput(output_name="out", source="/opt/ml/processing/out")
    processor.run(arguments=["word"], outputs=[output], logs=False)
    assert S3Downloader.read_file(f"{output_of(processor.latest_job, 'out')}/word", session) == "word\n"
