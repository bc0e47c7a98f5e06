"""Training jobs without an entry point: the image's `train`, with the contract of sagemaker-training-toolkit."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.conftest import Bench, channel, unique
from training import train


def source_directory(bench: Bench, **files: str) -> str:
    """The URI of a sourcedir.tar.gz with these Python files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{name}.py")
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    return bench.put(f"{unique('code')}/sourcedir.tar.gz", packed.getvalue())


def toolkit_training(bench: Bench, script: str, **hyperparameters: str) -> dict[str, Any]:
    """A request for a training job that names its script the framework images' way."""
    request = bench.training("pass")
    del request["AlgorithmSpecification"]["ContainerEntrypoint"]
    source = source_directory(bench, train=script, helper="WORD = 'helped'")
    toolkit = {"sagemaker_program": "train.py", "sagemaker_submit_directory": json.dumps(source)}
    return request | {"HyperParameters": toolkit | hyperparameters}


def test_the_script_finds_the_toolkits_environment(bench: Bench) -> None:
    script = """
import json, os, pathlib, sys, helper
assert os.getcwd() == "/opt/ml/code"
seen = {"argv": sys.argv[1:], "word": helper.WORD, "environment": dict(os.environ)}
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(seen))
"""
    bench.put("train/x.csv", "1")
    request = toolkit_training(bench, script, alpha="0.5", name='"quoted"', x="1")
    request["InputDataConfig"].append(channel("train", f"s3://{bench.bucket}/train/"))
    job = bench.run_training(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    with tarfile.open(fileobj=io.BytesIO(bench.read(job["ModelArtifacts"]["S3ModelArtifacts"]))) as model:
        member = model.extractfile("seen.json")
        assert member is not None
        seen = json.load(member)
    assert seen["argv"] == ["--alpha", "0.5", "--name", "quoted", "-x", "1"]
    assert seen["word"] == "helped"
    environment = seen["environment"]
    assert environment["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert json.loads(environment["SM_HPS"]) == {"alpha": 0.5, "name": "quoted", "x": 1}
    assert (environment["SM_HP_ALPHA"], environment["SM_HP_NAME"]) == ("0.5", "quoted")
    assert (environment["SM_CURRENT_HOST"], environment["SM_HOSTS"]) == ("algo-1", '["algo-1"]')
    assert int(environment["SM_NUM_CPUS"]) >= 1
    assert environment["SM_OUTPUT_DATA_DIR"] == "/opt/ml/output/data"
    assert json.loads(environment["SM_TRAINING_ENV"])["user_entry_point"] == "train.py"


@pytest.mark.parametrize("value", ["it's", "$(touch {escape})", "`touch {escape}`; touch {escape}", "two\nlines"])
def test_no_shell_reads_a_hyperparameter(bench: Bench, tmp_path: Path, value: str) -> None:
    value = value.format(escape=tmp_path / "escaped")
    script = "import json, sys; print('seen=' + json.dumps(sys.argv[2]))"
    job = bench.run_training(toolkit_training(bench, script, value=value))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert f"seen={json.dumps(value)}" in bench.log("training", job["TrainingJobName"])
    assert not (tmp_path / "escaped").exists()


def test_a_script_that_raises_is_the_reason(bench: Bench) -> None:
    job = bench.run_training(toolkit_training(bench, "raise ValueError('no such column')"))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage")
    assert "ValueError: no such column" in job["FailureReason"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("sagemaker_program", "other.py", "'other.py' is not in sagemaker_submit_directory: helper.py, train.py"),
        ("sagemaker_submit_directory", "s3://no-such-bucket/x", "cannot download sagemaker_submit_directory"),
    ],
)
def test_what_is_not_there_is_named(bench: Bench, name: str, value: str, reason: str) -> None:
    job = bench.run_training(toolkit_training(bench, "pass", **{name: value}))
    assert reason in job["FailureReason"]


def test_without_entry_point_and_program_a_job_is_refused(bench: Bench) -> None:
    request = toolkit_training(bench, "pass")
    del request["HyperParameters"]["sagemaker_program"]
    with pytest.raises(ClientError, match="needs sagemaker_program among the HyperParameters"):
        bench.sagemaker.create_training_job(**request)


def test_arguments_of_structures() -> None:
    assert train.script_arguments({"b": {"y": 2, "x": 1}, "alpha": True}) == ["--alpha", "True", "-b", "x=1,y=2"]
