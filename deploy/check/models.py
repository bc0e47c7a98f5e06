"""Models: the group of versions, the SageMaker pipelines that build and use them, the endpoints that serve them."""

import json
from typing import Any

from botocore.exceptions import ClientError

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.system import Resource, System
from model_road import model_packages

PIPELINE = "SageMakerPipeline"
# Parameters of automation.yml, which starts them, and what makes each.
_PIPELINES = {
    "TrainingPipelineName": "git push: ModelBuild makes it",
    "BatchPipelineName": "approve a version: ModelDeploy makes it",
}


def group(system: System, resource: Resource) -> Verdict:
    """The model package group exists."""
    told = system.client("sagemaker").describe_model_package_group(ModelPackageGroupName=resource.physical_id)
    status = told["ModelPackageGroupStatus"]
    return ok(status) if status == "Completed" else failed(status, f"update the stack {resource.stack.name}")


def approved(system: System, resource: Resource) -> Verdict:
    """There is a version that may be deployed."""
    sagemaker = system.client("sagemaker")
    newest = next(model_packages.arns(sagemaker, resource.physical_id, model_packages.APPROVED), None)
    if newest:
        return ok(f"version {newest.rpartition('/')[2]} is the latest approved one")
    if any(model_packages.arns(sagemaker, resource.physical_id)):
        return warning("no version is approved", f"compare them: {system.command('list')}, then `approve-model`")
    return warning("no version yet", "git push, which builds one, or `run-pipeline`")


def pipeline(system: System, resource: Resource) -> Verdict:
    """The SageMaker pipeline exists and is active."""
    try:
        told = system.client("sagemaker").describe_pipeline(PipelineName=resource.physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return warning("not there yet: what would start it fails until then", _maker(system, resource))
    status = told["PipelineStatus"]
    return ok(status) if status == "Active" else failed(status, _maker(system, resource))


def in_service(system: System, resource: Resource) -> Verdict:
    """The endpoint answers."""
    told = system.client("sagemaker").describe_endpoint(EndpointName=_endpoint_name(resource))
    status = told["EndpointStatus"]
    if status == "InService":
        return ok(f"in service, {told['EndpointConfigName']}")
    if status in {"Updating", "Creating"}:
        return warning(f"{status}: it answers with the version before, if there is one", "check again in a few minutes")
    return failed(f"{status}: {told.get('FailureReason', 'no reason is given')}", system.command("status"))


def configured(system: System, resource: Resource) -> Verdict | None:
    """It runs what its stack says: after a rollback it is in service, too, with what was before."""
    wanted = [
        found.name.lower()
        for found in system.of_type("AWS::SageMaker::EndpointConfig")
        if found.stack.stack_id == resource.stack.stack_id
    ]
    serving = system.client("sagemaker").describe_endpoint(EndpointName=_endpoint_name(resource))["EndpointConfigName"]
    if not wanted:
        return None
    # ARNs are in lower case.
    if serving.lower() in wanted:
        return ok(f"runs {serving}")
    return failed(f"runs {serving}, its stack says {wanted[0]}", f"deploy again: {system.command('plan')}")


def captured(system: System, resource: Resource) -> Verdict | None:
    """Requests and answers are kept, where the stage wants it; a serverless endpoint cannot."""
    given = resource.stack.parameters
    if given.get("EnableDataCapture") == "false" or given.get("ServerlessMemorySizeInMB", "0") != "0":
        return None
    told = (
        system.client("sagemaker").describe_endpoint(EndpointName=_endpoint_name(resource)).get("DataCaptureConfig", {})
    )
    if told.get("EnableCapture") and told.get("CaptureStatus") == "Started":
        return ok(f"{told['CurrentSamplingPercentage']} % to {told['DestinationS3Uri']}")
    return failed(
        "data capture is off, though its stack says EnableDataCapture", f"deploy again: {system.command('plan')}"
    )


def pipeline_subjects(system: System) -> list[Resource]:
    """Return the SageMaker pipelines that the project starts; builds make them, not CloudFormation."""
    names = [system.parameter(name) for name in _PIPELINES]
    return [Resource(PIPELINE, name, system.root, name) for name in names if name]


def definition(sagemaker: Any, name: str) -> dict[str, Any]:
    """Return the definition of a SageMaker pipeline."""
    read: dict[str, Any] = json.loads(sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"])
    return read


def _endpoint_name(resource: Resource) -> str:
    """Return the name of an endpoint as its stack outputs it: the ARN has it in lower case."""
    return resource.stack.outputs.get("EndpointName", resource.name)


def _maker(system: System, resource: Resource) -> str:
    """Return what creates a SageMaker pipeline."""
    return next(maker for name, maker in _PIPELINES.items() if system.parameter(name) == resource.physical_id)


GROUP_CHECKS = (Check("There", group), Check("Approved", approved))
PIPELINE_CHECKS = (Check("Active", pipeline),)
ENDPOINT_CHECKS = (Check("InService", in_service), Check("Configuration", configured), Check("DataCapture", captured))
