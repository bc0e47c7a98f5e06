"""A training job: channels come from S3, the script runs, /opt/ml/model goes to S3 as model.tar.gz.

The contract is that of "Using Your Own Training Algorithms" in the SageMaker guide: hyperparameters, channels and
hosts as JSON under ``/opt/ml/input/config``, the channels under ``/opt/ml/input/data``, the reason of a failure in
``/opt/ml/output/failure``, more results in ``/opt/ml/output/data``. Hyperparameters never pass a shell here: they
arrive as they were given.
"""

import json
import re
from pathlib import Path
from typing import Any

from localaws.sagemaker import archive, images, s3
from localaws.sagemaker.errors import JobFailure, JobStopped, ValidationError
from localaws.sagemaker.jobs import Job
from localaws.sagemaker.logs import final_metrics
from localaws.sagemaker.processing import resource_config
from localaws.sagemaker.script import Script, ScriptEnd, run_script

Document = dict[str, Any]

_REASON_CHARACTERS = 900
_TOOLKIT = ("sagemaker_program", "sagemaker_submit_directory")


class TrainingJob:
    """The job type of CreateTrainingJob."""

    noun = "Training"

    def run(self, job: Job) -> None:
        """Stage, run and collect one job."""
        job.phase("Downloading")
        _stage(job)
        job.phase("Training")
        end = self._run_script(job)
        self._record_metrics(job)
        if end.exit_code:
            raise JobFailure(f"AlgorithmError: {_reason(job, end)}, exit code: {end.exit_code}")
        stopped = end.exit_code is None
        if not stopped:
            job.phase("Uploading")
        _collect(job)
        if stopped:  # what the script had saved is kept, as on AWS
            self._say_why(job)
            raise JobStopped

    def _run_script(self, job: Job) -> ScriptEnd:
        algorithm = job.request["AlgorithmSpecification"]
        image = images.find(algorithm["TrainingImage"], job.runner.state_dir)
        script = Script(
            image=image,
            argv=[*(algorithm.get("ContainerEntrypoint") or image.train), *algorithm.get("ContainerArguments", [])],
            variables={
                "TRAINING_JOB_NAME": job.name,
                "TRAINING_JOB_ARN": job.arn,
                **job.request.get("Environment", {}),
            },
            network=not job.request.get("EnableNetworkIsolation", False),
        )
        return run_script(job, script)

    def _record_metrics(self, job: Job) -> None:
        definitions = job.request["AlgorithmSpecification"].get("MetricDefinitions", [])
        metrics = final_metrics(job.log, definitions)
        if metrics:
            job.update(FinalMetricDataList=metrics)
            job.runner.notifier.metrics("/aws/sagemaker/TrainingJobs", metrics, {"TrainingJobName": job.name})

    def _say_why(self, job: Job) -> None:
        if not job.stop.is_set():
            job.runner.update(job.arn, job.noun, {}, "MaxRuntimeExceeded")


def check_training_request(request: Document, state_dir: Path) -> None:
    """Refuse what is wrong beyond botocore's model: the image, no command, no resources."""
    algorithm = request.get("AlgorithmSpecification")
    if not algorithm or not algorithm.get("TrainingImage"):
        raise ValidationError("AlgorithmSpecification.TrainingImage is required")
    if "ResourceConfig" not in request:
        raise ValidationError("ResourceConfig is required")
    images.find(algorithm["TrainingImage"], state_dir)
    if not algorithm.get("ContainerEntrypoint"):
        _check_toolkit(request)
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(set(names)) != len(names):
        raise ValidationError(f"Channel names must be unique: {', '.join(names)}")
    for definition in algorithm.get("MetricDefinitions", []):
        _check_regex(definition)


def _check_toolkit(request: Document) -> None:
    """Without an entry point the image's own `train` runs: that of the framework images."""
    algorithm = request["AlgorithmSpecification"]
    missing = [name for name in _TOOLKIT if not request.get("HyperParameters", {}).get(name)]
    if missing:
        raise ValidationError(
            f"AlgorithmSpecification has no ContainerEntrypoint: the `train` program of '{algorithm['TrainingImage']}'"
            f" then needs {' and '.join(missing)} among the HyperParameters. ModelTrainer and HyperparameterTuner with"
            " source_code set one or the other."
        )
    if algorithm.get("ContainerArguments"):
        raise ValidationError("ContainerArguments without a ContainerEntrypoint would replace the image's `train`")


def _check_regex(definition: dict[str, str]) -> None:
    try:
        re.compile(definition["Regex"])
    except re.error as error:
        raise ValidationError(f"Regex '{definition['Regex']}' of metric '{definition['Name']}': {error}") from error


def _stage(job: Job) -> None:
    client = job.runner.aws.client("s3")
    for part in ("model", "output/data", "input/data", "input/config", "checkpoints"):
        (job.folder / part).mkdir(parents=True)
    channels = job.request.get("InputDataConfig", [])
    for channel in channels:
        source = channel["DataSource"]["S3DataSource"]["S3Uri"]
        gunzip = channel.get("CompressionType") == "Gzip"
        s3.download(client, source, job.folder / "input/data" / channel["ChannelName"], gunzip=gunzip)
    configuration = {
        "hyperparameters": job.request.get("HyperParameters", {}),
        "inputdataconfig": {channel["ChannelName"]: _channel_config(channel) for channel in channels},
        "resourceconfig": resource_config(job.request["ResourceConfig"]["InstanceType"]),
    }
    for name, content in configuration.items():
        (job.folder / "input/config" / f"{name}.json").write_text(json.dumps(content))


def _channel_config(channel: Document) -> Document:
    source = channel["DataSource"]["S3DataSource"]
    config = {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return config | {name: channel[name] for name in ("ContentType", "CompressionType") if name in channel}


def _reason(job: Job, end: ScriptEnd) -> str:
    failure = job.folder / "output/failure"
    text = failure.read_text(errors="replace").strip() if failure.is_file() else ""
    return (text or end.last_words)[:_REASON_CHARACTERS]


def _collect(job: Job) -> None:
    client = job.runner.aws.client("s3")
    config = job.request["OutputDataConfig"]
    target = s3.Location.of(config["S3OutputPath"]).below(f"{job.name}/output")
    plain = config.get("CompressionType") == "NONE"
    for folder, name in (("model", "model"), ("output/data", "output")):
        source = job.folder / folder
        if not any(source.iterdir()) and name != "model":
            continue
        if plain:
            s3.upload_folder(client, source, f"{target.below(name)}/")
        else:
            packed = job.folder / f"{name}.tar.gz"
            archive.pack(source, packed)
            s3.upload(client, packed, target.below(packed.name))
    model = f"{target.below('model')}/" if plain else str(target.below("model.tar.gz"))
    job.update(ModelArtifacts={"S3ModelArtifacts": model})
