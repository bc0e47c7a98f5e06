"""Models: the group of versions, the SageMaker pipelines that build and use them, the endpoints that serve them."""

from botocore.exceptions import ClientError

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.system import Resource, System

PIPELINE = "SageMakerPipeline"
# Parameters of automation.yml, which starts them.
_PIPELINE_PARAMETERS = ("TrainingPipelineName", "BatchPipelineName")


def group(system: System, resource: Resource) -> Verdict:
    """The model package group exists."""
    told = system.client("sagemaker").describe_model_package_group(ModelPackageGroupName=resource.name)
    status = told["ModelPackageGroupStatus"]
    return ok(status) if status == "Completed" else failed(status, f"update the stack {resource.stack.name}")


def approved(system: System, resource: Resource) -> Verdict:
    """There is a version that may be deployed."""
    sagemaker = system.client("sagemaker")
    both = {"ModelPackageGroupName": resource.name, "SortBy": "CreationTime", "SortOrder": "Descending"}
    found = sagemaker.list_model_packages(**both, ModelApprovalStatus="Approved")["ModelPackageSummaryList"]
    if found:
        return ok(f"version {found[0]['ModelPackageVersion']} is the latest approved one")
    if sagemaker.list_model_packages(**both)["ModelPackageSummaryList"]:
        return warning("no version is approved", f"compare them: {system.command('list')}, then `approve-model`")
    return warning("no version yet", "git push, which builds one, or `run-pipeline`")


def pipeline(system: System, resource: Resource) -> Verdict:
    """The SageMaker pipeline exists and is active."""
    try:
        told = system.client("sagemaker").describe_pipeline(PipelineName=resource.physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return warning("not there yet: what would start it fails until then", "git push: the build makes it")
    status = told["PipelineStatus"]
    return ok(status) if status == "Active" else failed(status, "git push: the build makes it anew")


def in_service(system: System, resource: Resource) -> Verdict:
    """The endpoint answers."""
    told = system.client("sagemaker").describe_endpoint(EndpointName=resource.name)
    status = told["EndpointStatus"]
    if status == "InService":
        return ok(f"in service, {told['EndpointConfigName']}")
    if status in {"Updating", "Creating"}:
        return warning(f"{status}: it answers with the version before, if there is one", "check again in a few minutes")
    return failed(f"{status}: {told.get('FailureReason', 'no reason is given')}", system.command("status"))


def configured(system: System, resource: Resource) -> Verdict | None:
    """It runs what its stack says: after a rollback it is in service, too, with what was before."""
    wanted = [
        found.name
        for found in system.of_type("AWS::SageMaker::EndpointConfig")
        if found.stack.stack_id == resource.stack.stack_id
    ]
    serving = system.client("sagemaker").describe_endpoint(EndpointName=resource.name)["EndpointConfigName"]
    if not wanted or serving in wanted:
        return ok(f"runs {serving}") if wanted else None
    return failed(f"runs {serving}, its stack says {wanted[0]}", f"deploy again: {system.command('plan')}")


def captured(system: System, resource: Resource) -> Verdict | None:
    """Requests and answers are kept, where the stage wants it; a serverless endpoint cannot."""
    given = resource.stack.parameters
    if given.get("EnableDataCapture") == "false" or given.get("ServerlessMemorySizeInMB", "0") != "0":
        return None
    told = system.client("sagemaker").describe_endpoint(EndpointName=resource.name).get("DataCaptureConfig", {})
    if told.get("EnableCapture") and told.get("CaptureStatus") == "Started":
        return ok(f"{told['CurrentSamplingPercentage']} % to {told['DestinationS3Uri']}")
    return failed(
        "data capture is off, though its stack says EnableDataCapture", f"deploy again: {system.command('plan')}"
    )


def pipeline_subjects(system: System) -> list[Resource]:
    """Give the SageMaker pipelines that the project starts; builds make them, not CloudFormation."""
    names = [system.parameter(name) for name in _PIPELINE_PARAMETERS]
    return [Resource(PIPELINE, name, system.root) for name in names if name]


GROUP_CHECKS = (Check("There", group), Check("Approved", approved))
PIPELINE_CHECKS = (Check("Active", pipeline),)
ENDPOINT_CHECKS = (Check("InService", in_service), Check("Configuration", configured), Check("DataCapture", captured))
