"""A training job: channels come from S3, the script runs, /opt/ml/model goes to S3 as model.tar.gz.

The contract is that of "Using Your Own Training Algorithms" in the SageMaker guide: hyperparameters, channels and hosts
as JSON under ``/opt/ml/input/config``, the channels under ``/opt/ml/input/data``, the reason of a failure in
``/opt/ml/output/failure``, more results in ``/opt/ml/output/data``. Hyperparameters never pass through a shell here:
they arrive unchanged.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from localaws.containers import s3
from localaws.containers.errors import JobFailure, JobStopped
from localaws.document import Document
from localaws.sagemaker.errors import UnsupportedOperation, ValidationError
from localaws.sagemaker.jobs import archive, builtin, images, spot
from localaws.sagemaker.jobs.final_metrics import final_metrics
from localaws.sagemaker.jobs.inputs import Source
from localaws.sagemaker.jobs.instance_types import OUT_OF_MEMORY, limits_of
from localaws.sagemaker.jobs.instances import Instance, check_count, make_instances, resource_config
from localaws.sagemaker.jobs.job_type import FINAL, JobType
from localaws.sagemaker.jobs.metric_pattern import MetricPattern
from localaws.sagemaker.jobs.runner import Job, JobRunner
from localaws.sagemaker.jobs.script import Script, ScriptEnd, run_script
from localaws.sagemaker.jobs.sync import restore, uploading

_REASON_CHARACTERS = 900
_TOOLKIT = ("sagemaker_program", "sagemaker_submit_directory")
_ROOT = PurePosixPath("/opt/ml")
_CHECKPOINTS = "/opt/ml/checkpoints"
# As the SDKs print them while they wait: "2022-06-02 17:28:14 Failed - Training job failed".
_SECONDARY_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Interrupted": "The managed spot training instances were interrupted",
    "Restarting": "Restarting the training job from its checkpoint",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingJob(JobType):
    """The job type of CreateTrainingJob."""

    noun = "Training"

    def check(self, request: Document, runner: JobRunner) -> None:
        """Refuse an invalid image, a missing command, missing resources."""
        check_training_request(request, runner.state_dir)

    def completed(self, request: Document) -> Document:
        """Return the request with the metrics that its image has by itself, as AWS describes the job."""
        specification = request["AlgorithmSpecification"]
        definitions = builtin.metric_definitions(specification)
        more = {"MetricDefinitions": definitions} if definitions else {}
        return request | {"AlgorithmSpecification": specification | more}

    def results(self, request: Document) -> Document:
        """Return where the model will be, which Describe says of every job: the place is configured, not found."""
        folder = _output_folder(request)
        model = f"{folder.below('model')}/" if _is_plain(request) else str(folder.below("model.tar.gz"))
        return {"ModelArtifacts": {"S3ModelArtifacts": model}}

    def move(self, document: Document, secondary_status: str, now: float) -> None:
        """End the last secondary status and begin another."""
        history = document.setdefault("SecondaryStatusTransitions", [])
        if history and "EndTime" not in history[-1]:
            history[-1]["EndTime"] = now
        entry = {"Status": secondary_status, "StartTime": now, "StatusMessage": _SECONDARY_MESSAGES[secondary_status]}
        if secondary_status in (*FINAL, "MaxRuntimeExceeded"):
            entry["EndTime"] = now
        history.append(entry)
        document["SecondaryStatus"] = secondary_status

    def times(self, document: Document, now: float) -> Document:
        """Return the training time and the billable time, once the job has begun."""
        if "TrainingStartTime" not in document:
            return {}
        seconds = max(1, round(now - document["TrainingStartTime"]))
        return {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}

    def run(self, job: Job) -> None:
        """Stage, run and collect one job."""
        instances = make_instances(job.request["ResourceConfig"].get("InstanceCount", 1), job.folder, job.log)
        script = self._script(job)
        end = spot.run(job, instances, lambda seconds: _attempt(job, script, instances, seconds))
        self._record_metrics(job, instances)
        if end.exit_code:
            raise JobFailure(f"{_reason(end, whole=builtin.runs_algorithm(job.request))}, exit code: {end.exit_code}")
        stopped = end.exit_code is None
        if not stopped:
            job.phase("Uploading")
        _collect(job, instances)
        if stopped:  # what the script has saved is kept, as on AWS
            self._say_why(job)
            raise JobStopped

    def _script(self, job: Job) -> Script:
        algorithm = job.request["AlgorithmSpecification"]
        image = images.find(algorithm["TrainingImage"], job.runner.state_dir)
        return Script(
            image=image,
            argv=[*(algorithm.get("ContainerEntrypoint") or image.train), *algorithm.get("ContainerArguments", [])],
            variables={
                "TRAINING_JOB_NAME": job.name,
                "TRAINING_JOB_ARN": job.arn,
                **job.request.get("Environment", {}),
            },
            network=not job.request.get("EnableNetworkIsolation", False),
            size=limits_of(job.request["ResourceConfig"]["InstanceType"]),
        )

    def _record_metrics(self, job: Job, instances: Sequence[Instance]) -> None:
        """Record the final metrics; if several instances printed a metric, the first one's value counts."""
        definitions = job.request["AlgorithmSpecification"].get("MetricDefinitions", [])
        found = [metric for each in reversed(instances) for metric in final_metrics(each.log, definitions)]
        metrics = list({metric["MetricName"]: metric for metric in found}.values())
        if metrics:
            values = {metric["MetricName"]: metric["Value"] for metric in metrics}
            with job.runner.store.transaction():
                job.update(FinalMetricDataList=metrics)
                job.runner.outbox.metrics("/aws/sagemaker/TrainingJobs", values, {"TrainingJobName": job.name})

    def _say_why(self, job: Job) -> None:
        if not job.stop.is_set():
            job.move("MaxRuntimeExceeded")


def _attempt(job: Job, script: Script, instances: Sequence[Instance], seconds: float) -> ScriptEnd:
    """Stage the instances and run the script on them, uploading its checkpoints meanwhile."""
    client = job.aws.client("s3")
    job.phase("Downloading")
    for instance in instances:
        _stage(job, instance, instances)
    checkpoints = _checkpoints(job, instances)
    for folder, uri in checkpoints:
        restore(client, uri, folder)
    job.phase("Training")
    with uploading(client, checkpoints):
        return run_script(job, script, instances, seconds)


def _checkpoints(job: Job, instances: Sequence[Instance]) -> list[tuple[Path, str]]:
    """Return the folders of checkpoints and their prefix in S3, which all instances share."""
    config = job.request.get("CheckpointConfig")
    if not config:
        return []
    path = PurePosixPath(config.get("LocalPath", _CHECKPOINTS)).relative_to(_ROOT)
    return [(instance.folder / path, config["S3Uri"]) for instance in instances]


def check_training_request(request: Document, state_dir: Path) -> None:
    """Refuse what is invalid beyond botocore's model: the image, a missing command, missing resources."""
    algorithm = request.get("AlgorithmSpecification")
    if not algorithm or not algorithm.get("TrainingImage"):
        raise ValidationError("AlgorithmSpecification.TrainingImage is required")
    if "ResourceConfig" not in request:
        raise ValidationError("ResourceConfig is required")
    count = request["ResourceConfig"].get("InstanceCount", 1)
    check_count("ResourceConfig.InstanceCount", count, isolated=request.get("EnableNetworkIsolation", False))
    images.find(algorithm["TrainingImage"], state_dir)
    limits_of(request["ResourceConfig"]["InstanceType"])
    builtin.check(request)
    if not algorithm.get("ContainerEntrypoint") and not builtin.runs_algorithm(request):
        _check_toolkit(request)
    spot.check(request)
    _check_checkpoints(request.get("CheckpointConfig", {}))
    _check_output(request["OutputDataConfig"])
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(set(names)) != len(names):
        raise ValidationError(f"Channel names must be unique: {', '.join(names)}")
    for definition in algorithm.get("MetricDefinitions", []):
        _check_regex(definition)


def _check_toolkit(request: Document) -> None:
    """Check the hyperparameters of a job without an entry point: the framework image's own `train` runs it."""
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


def _check_checkpoints(config: Document) -> None:
    path = PurePosixPath(config.get("LocalPath", _CHECKPOINTS))
    if not path.is_relative_to(_ROOT) or path == _ROOT or ".." in path.parts:
        raise UnsupportedOperation(
            f"CheckpointConfig.LocalPath = '{path}' is not supported by the local SageMaker: only paths under {_ROOT}"
        )


def _check_output(config: Document) -> None:
    try:
        s3.Location.of(config["S3OutputPath"])
    except JobFailure as failure:
        raise ValidationError(f"OutputDataConfig.S3OutputPath: {str(failure).removeprefix('ClientError: ')}") from None


def _check_regex(definition: dict[str, str]) -> None:
    try:
        MetricPattern(definition["Name"], definition["Regex"])
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _stage(job: Job, instance: Instance, instances: Sequence[Instance]) -> None:
    """Stage an instance's folder: its channels and its configuration."""
    client = job.aws.client("s3")
    for part in ("model", "output/data", "input/data", "input/config", "checkpoints"):
        (instance.folder / part).mkdir(parents=True, exist_ok=True)
    channels = job.request.get("InputDataConfig", [])
    for channel in channels:
        source = Source.of(channel["DataSource"]["S3DataSource"], gunzip=channel.get("CompressionType") == "Gzip")
        source.download(client, instance.folder / "input/data" / channel["ChannelName"], instance, len(instances))
    checkpoints = job.request.get("CheckpointConfig")
    configuration = {
        "hyperparameters": job.request.get("HyperParameters", {}),
        **({"checkpointconfig": {"LocalPath": _CHECKPOINTS, **checkpoints}} if checkpoints else {}),
        "inputdataconfig": {channel["ChannelName"]: _channel_config(channel) for channel in channels},
        "resourceconfig": resource_config(instance, instances, job.request["ResourceConfig"]["InstanceType"]),
    }
    for name, content in configuration.items():
        (instance.folder / "input/config" / f"{name}.json").write_text(json.dumps(content))


def _channel_config(channel: Document) -> Document:
    source = channel["DataSource"]["S3DataSource"]
    config = {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return config | {name: channel[name] for name in ("ContentType", "CompressionType") if name in channel}


def _reason(end: ScriptEnd, *, whole: bool) -> str:
    """Return why a script failed.

    Parameters
    ----------
    end : ScriptEnd
    whole : bool
        Whether what it wrote begins with the kind of error, as that of AWS's algorithms does.
    """
    failure = end.instance.folder / "output/failure"
    if end.out_of_memory:
        return f"AlgorithmError: OutOfMemory: {OUT_OF_MEMORY}"
    text = failure.read_text(errors="replace").strip()[:_REASON_CHARACTERS] if failure.is_file() else ""
    return text if whole and text else f"AlgorithmError: {text or end.last_words[:_REASON_CHARACTERS]}"


def _collect(job: Job, instances: Sequence[Instance]) -> None:
    """Upload what all instances saved as one; of files with the same name, the first instance's."""
    client = job.aws.client("s3")
    target, key_id = _output_folder(job.request), job.request["OutputDataConfig"].get("KmsKeyId")
    for folder, name in (("model", "model"), ("output/data", "output")):
        source = job.folder / folder
        for instance in instances[1:]:
            _merge(instance.folder / folder, source)
        if not any(source.iterdir()) and name != "model":
            continue
        if _is_plain(job.request):
            s3.upload_folder(client, source, f"{target.below(name)}/", key_id)
        else:
            packed = job.folder / f"{name}.tar.gz"
            archive.pack(source, packed)
            s3.upload(client, packed, target.below(packed.name), key_id)


def _output_folder(request: Document) -> s3.Location:
    return s3.Location.of(request["OutputDataConfig"]["S3OutputPath"]).below(f"{request['TrainingJobName']}/output")


def _is_plain(request: Document) -> bool:
    return bool(request["OutputDataConfig"].get("CompressionType") == "NONE")


def _merge(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        to = target / path.relative_to(source)
        if path.is_file() and not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)
