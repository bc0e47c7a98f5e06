"""A processing job: inputs under /opt/ml/processing come from S3, the script runs, outputs go to S3.

The contract is that of "Build Your Own Processing Container" in the SageMaker guide: the request in
``/opt/ml/config/processingjobconfig.json``, the hosts in ``resourceconfig.json``, and a text in
``/opt/ml/output/message`` that becomes the job's ``ExitMessage``.
"""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from localaws.containers import s3
from localaws.containers.errors import JobFailure, JobStopped
from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.jobs import images
from localaws.sagemaker.jobs.inputs import Source
from localaws.sagemaker.jobs.instance_types import OUT_OF_MEMORY, limits_of
from localaws.sagemaker.jobs.instances import Instance, check_count, make_instances, resource_config
from localaws.sagemaker.jobs.job_type import JobType
from localaws.sagemaker.jobs.runner import Job, JobRunner
from localaws.sagemaker.jobs.script import Script, max_runtime, run_script
from localaws.sagemaker.jobs.sync import uploading

_ROOT = PurePosixPath("/opt/ml")


class ProcessingJob(JobType):
    """The job type of CreateProcessingJob."""

    noun = "Processing"

    def check(self, request: Document, runner: JobRunner) -> None:
        """Refuse an invalid image, input or output."""
        check_processing_request(request, runner.state_dir)

    def run(self, job: Job) -> None:
        """Stage, run and collect one job."""
        client = job.aws.client("s3")
        instances = make_instances(_cluster(job.request)["InstanceCount"], job.folder, job.log)
        config = job.request.get("ProcessingOutputConfig", {})
        outputs, key_id = [item["S3Output"] for item in config.get("Outputs", [])], config.get("KmsKeyId")
        for instance in instances:
            _stage(job, instance, instances, outputs)
        folders = [
            (inside(instance.folder, target["LocalPath"]), target["S3Uri"], target.get("S3UploadMode"))
            for instance, target in itertools.product(instances, outputs)
        ]
        continuous = ((folder, uri) for folder, uri, mode in folders if mode == "Continuous")
        with uploading(client, continuous, key_id):
            self._run_script(job, instances)
        for folder, uri, mode in folders:
            if mode != "Continuous":
                s3.upload_folder(client, folder, uri, key_id)

    def _run_script(self, job: Job, instances: Sequence[Instance]) -> None:
        application = job.request["AppSpecification"]
        script = Script(
            image=images.find(application["ImageUri"], job.runner.state_dir),
            argv=[*application["ContainerEntrypoint"], *application.get("ContainerArguments", [])],
            variables={
                "PROCESSING_JOB_NAME": job.name,
                "PROCESSING_JOB_ARN": job.arn,
                **job.request.get("Environment", {}),
            },
            network=not job.request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
            size=limits_of(_cluster(job.request)["InstanceType"]),
        )
        end = run_script(job, script, instances, max_runtime(job))
        message = end.instance.folder / "output" / "message"
        if message.is_file():
            job.update(ExitMessage=message.read_text(errors="replace")[:1024])
        if end.exit_code is None:
            raise JobStopped
        if end.out_of_memory:
            raise JobFailure(f"ClientError: {OUT_OF_MEMORY}")
        if end.exit_code:
            reason = message.read_text(errors="replace").strip() if message.is_file() else end.last_words
            raise JobFailure(f"AlgorithmError: {reason[:900]}, exit code: {end.exit_code}")


def check_processing_request(request: Document, state_dir: Path) -> None:
    """Refuse what is invalid beyond botocore's model: local paths, the image, a missing command, too many instances."""
    isolated = request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
    check_count(
        "ProcessingResources.ClusterConfig.InstanceCount", _cluster(request)["InstanceCount"], isolated=isolated
    )
    for item in request.get("ProcessingInputs", []):
        if "S3Input" not in item:
            raise ValidationError(f"ProcessingInput '{item['InputName']}' has no S3Input")
        _check_local_path(item["S3Input"].get("LocalPath", ""), item["InputName"])
    for item in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if "S3Output" not in item:
            raise ValidationError(f"ProcessingOutput '{item['OutputName']}' has no S3Output")
        _check_local_path(item["S3Output"].get("LocalPath", ""), item["OutputName"])
    application = request["AppSpecification"]
    images.find(application["ImageUri"], state_dir)
    limits_of(_cluster(request)["InstanceType"])
    if not application.get("ContainerEntrypoint"):
        raise ValidationError(
            f"AppSpecification has no ContainerEntrypoint: on this host the image '{application['ImageUri']}'"
            " stands for an interpreter and has no entry point of its own"
        )


def inside(folder: Path, local_path: str) -> Path:
    """Return the path on this host of a path in the container."""
    return folder / PurePosixPath(local_path).relative_to(_ROOT)


def _check_local_path(local_path: str, name: str) -> None:
    path = PurePosixPath(local_path)
    if not path.is_relative_to("/opt/ml/processing") or ".." in path.parts:
        raise ValidationError(f"LocalPath '{local_path}' of '{name}' must be a path under /opt/ml/processing")


def _cluster(request: Document) -> Document:
    cluster: Document = request["ProcessingResources"]["ClusterConfig"]
    return cluster


def _stage(job: Job, instance: Instance, instances: Sequence[Instance], outputs: Sequence[Document]) -> None:
    """Stage an instance's folder: its inputs, the folders of the outputs, the configuration."""
    client = job.aws.client("s3")
    for item in job.request.get("ProcessingInputs", []):
        source = item["S3Input"]
        gunzip = source.get("S3CompressionType") == "Gzip"
        target = inside(instance.folder, source["LocalPath"])
        Source.of(source, gunzip=gunzip).download(client, target, instance, len(instances))
    for output in outputs:
        inside(instance.folder, output["LocalPath"]).mkdir(parents=True, exist_ok=True)
    folder = instance.folder / "config"
    folder.mkdir()
    (instance.folder / "output").mkdir(exist_ok=True)
    (folder / "processingjobconfig.json").write_text(json.dumps({"ProcessingJobArn": job.arn, **job.request}))
    hosts = resource_config(instance, instances, _cluster(job.request)["InstanceType"])
    (folder / "resourceconfig.json").write_text(json.dumps(hosts))
