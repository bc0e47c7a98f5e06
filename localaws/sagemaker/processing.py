"""A processing job: inputs under /opt/ml/processing come from S3, the script runs, outputs go to S3.

The contract is that of "Build Your Own Processing Container" in the SageMaker guide: the request in
``/opt/ml/config/processingjobconfig.json``, the hosts in ``resourceconfig.json``, and a text in
``/opt/ml/output/message`` that becomes the job's ``ExitMessage``.
"""

import json
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.sagemaker import images, s3
from localaws.sagemaker.container import HOST_NAME
from localaws.sagemaker.errors import JobFailure, JobStopped, ValidationError
from localaws.sagemaker.jobs import Job
from localaws.sagemaker.script import Script, run_script

Document = dict[str, Any]

_ROOT = PurePosixPath("/opt/ml")


class ProcessingJob:
    """The job type of CreateProcessingJob."""

    noun = "Processing"

    def run(self, job: Job) -> None:
        """Stage, run and collect one job."""
        client = job.runner.aws.client("s3")
        for item in job.request.get("ProcessingInputs", []):
            source = item["S3Input"]
            gunzip = source.get("S3CompressionType") == "Gzip"
            s3.download(client, source["S3Uri"], inside(job.folder, source["LocalPath"]), gunzip=gunzip)
        outputs = job.request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        for item in outputs:
            inside(job.folder, item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        _write_configuration(job)
        self._run_script(job)
        for item in outputs:
            target = item["S3Output"]
            s3.upload_folder(client, inside(job.folder, target["LocalPath"]), target["S3Uri"])

    def _run_script(self, job: Job) -> None:
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
        )
        end = run_script(job, script)
        message = job.folder / "output" / "message"
        if message.is_file():
            job.update(ExitMessage=message.read_text(errors="replace")[:1024])
        if end.exit_code is None:
            raise JobStopped
        if end.exit_code:
            reason = message.read_text(errors="replace").strip() if message.is_file() else end.last_words
            raise JobFailure(f"AlgorithmError: {reason[:900]}, exit code: {end.exit_code}")


def check_processing_request(request: Document, state_dir: Path) -> None:
    """Refuse what is wrong beyond botocore's model: local paths, the image, no command."""
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
    if not application.get("ContainerEntrypoint"):
        raise ValidationError(
            f"AppSpecification has no ContainerEntrypoint: on this host the image '{application['ImageUri']}'"
            " stands for an interpreter and has no entry point of its own"
        )


def inside(folder: Path, local_path: str) -> Path:
    """Where a path of the container is on this host."""
    return folder / PurePosixPath(local_path).relative_to(_ROOT)


def _check_local_path(local_path: str, name: str) -> None:
    path = PurePosixPath(local_path)
    if not path.is_relative_to("/opt/ml/processing") or ".." in path.parts:
        raise ValidationError(f"LocalPath '{local_path}' of '{name}' must be a path under /opt/ml/processing")


def _write_configuration(job: Job) -> None:
    folder = job.folder / "config"
    folder.mkdir()
    (job.folder / "output").mkdir(exist_ok=True)
    (folder / "processingjobconfig.json").write_text(json.dumps({"ProcessingJobArn": job.arn, **job.request}))
    instance_type = job.request["ProcessingResources"]["ClusterConfig"]["InstanceType"]
    (folder / "resourceconfig.json").write_text(json.dumps(resource_config(instance_type)))


def resource_config(instance_type: str) -> Document:
    """``resourceconfig.json`` of a job with one instance."""
    group = "homogeneousCluster"
    return {
        "current_host": HOST_NAME,
        "current_instance_type": instance_type,
        "current_group_name": group,
        "hosts": [HOST_NAME],
        "instance_groups": [{"instance_group_name": group, "instance_type": instance_type, "hosts": [HOST_NAME]}],
        "network_interface_name": "lo",
    }
