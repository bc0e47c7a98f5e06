"""The region: whether it is there, enabled, and has every service that the templates use."""

import difflib

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.doctor.launch import Launch, Part
from deploy.doctor.templates import services

REGION, PARTITION, SERVICE = "Region", "Partition", "Service"
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
# Sources: "CloudFormation deploy action reference" in the CodePipeline User Guide; "How Amazon CodeBuild differs" in
# Getting Started with AWS in China, which says that CodePipeline is not there at all, though botocore has its endpoint.
_WITHOUT_CODEPIPELINE = "aws-cn"


def known(launch: Launch, _part: Part) -> Verdict:
    """boto3 knows a region of this name in which there is SageMaker."""
    regions = {region for partition in _PARTITIONS for region in launch.regions_of("sagemaker", partition)}
    if launch.region in regions:
        return ok(f"partition {launch.partition}")
    close = difflib.get_close_matches(launch.region, sorted(regions), n=3)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return failed(
        f"boto3 knows no region {launch.region} that has SageMaker",
        f"{hint}Give --region; for a region that is newer than this boto3, `pip install --upgrade boto3`",
    )


def enabled(launch: Launch, part: Part) -> Verdict:
    """The account has enabled the region; those from 2019 on have to be."""
    told = launch.client("account").get_region_opt_status(RegionName=part.physical_id)["RegionOptStatus"]
    if told in ("ENABLED", "ENABLED_BY_DEFAULT"):
        return ok(told)
    action = f"`aws account enable-region --region-name {part.physical_id}`, and wait until it is ENABLED"
    return warning(told, action) if told == "ENABLING" else failed(told, action)


def has_codepipeline(_launch: Launch, part: Part) -> Verdict:
    """The partition has CodePipeline with all of its actions."""
    if part.physical_id == _WITHOUT_CODEPIPELINE:
        return failed(
            "in China CodePipeline has no CloudFormation action, so that ModelDeploy cannot deploy there",
            "take the steps by hand: `run-pipeline`, then staging, test, approve, production and api of `deploy-model`",
        )
    return ok("CodePipeline with all of its actions")


def offered(launch: Launch, part: Part) -> Verdict:
    """The service is there in this region."""
    regions = launch.regions_of(part.physical_id, launch.partition)
    if not regions:
        return ok("the same in all regions, or boto3 has no list of its regions")
    if launch.region in regions:
        return ok(f"is in {launch.region}")
    other = ", or keep the code elsewhere: --parameters SourceProvider=CodeConnection ..."
    return failed(
        f"boto3 knows no {part.physical_id} in {launch.region}",
        f"take another region{other if part.physical_id == 'codecommit' else ''}",
    )


def service_parts(launch: Launch) -> list[Part]:
    """Return the services that the templates use, by the names that boto3 gives them."""
    unused = "codecommit" if launch.parameters.get("SourceProvider") == "CodeConnection" else None
    return [Part(SERVICE, name) for name in services() if name != unused]


CHECKS = (Check("Known", known),)
PARTITION_CHECKS = (Check("CodePipeline", has_codepipeline),)
ENABLED_CHECKS = (Check("Enabled", enabled),)
SERVICE_CHECKS = (Check("Offered", offered),)
