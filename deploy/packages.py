"""Model packages: the versions of a model, what the registry says about them, and their approval."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import DeployError
from model_road import model_packages
from model_road.errors import NoModelError

LATEST = "latest"


@dataclass(frozen=True)
class Package:
    """A version of a model package group, as DescribeModelPackage returns it.

    Attributes
    ----------
    metadata : mapping of str to str
        CustomerMetadataProperties: what the pipeline and this package have written down about it.
    """

    arn: str
    version: int
    status: str
    approval_description: str
    created: datetime
    metadata: Mapping[str, str]
    document: Mapping[str, Any]

    @property
    def short_name(self) -> str:
        """The group and the version, in short."""
        return f"{self.document['ModelPackageGroupName']}/{self.version}"

    @property
    def commit_id(self) -> str | None:
        """The commit that built it, where its pipeline says so."""
        found: str | None = self.document.get("MetadataProperties", {}).get("CommitId")
        return found


def describe(sagemaker: Any, arn: str) -> Package:
    """Read a version.

    Raises
    ------
    NoModelError
        When the registry has none of that ARN.
    """
    try:
        document = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise NoModelError(f"there is no model package {arn!r}: {error.response['Error']['Message']}") from error
    if "ModelPackageVersion" not in document:
        raise NoModelError(f"{arn} is not a version of a model package group: only versions can be approved")
    return Package(
        arn=document["ModelPackageArn"],
        version=document["ModelPackageVersion"],
        status=document["ModelApprovalStatus"],
        approval_description=document.get("ApprovalDescription", ""),
        created=document["CreationTime"],
        metadata=document.get("CustomerMetadataProperties", {}),
        document=document,
    )


def find(sagemaker: Any, group: str, name: str) -> Package:
    """Find a version by what the user calls it: an ARN, a version number, or `latest`.

    Raises
    ------
    NoModelError
    """
    if name == LATEST:
        newest = next(model_packages.arns(sagemaker, group), None)
        if newest is None:
            raise NoModelError(f"the model package group {group!r} is empty: build a model with run-pipeline")
        return describe(sagemaker, newest)
    if re.fullmatch(r"\d+", name):
        found = next((arn for arn in model_packages.arns(sagemaker, group) if arn.rpartition("/")[2] == name), None)
        if found is None:
            raise NoModelError(f"the model package group {group!r} has no version {name}: see `deploy-model list`")
        return describe(sagemaker, found)
    return describe(sagemaker, name)


def latest_approved(sagemaker: Any, group: str) -> Package:
    """Read the newest approved version of a group.

    Raises
    ------
    NoModelError
        When none is approved.
    """
    return describe(sagemaker, model_packages.latest_approved(sagemaker, group))


def set_approval(
    sagemaker: Any, package: Package, status: str, reason: str, properties: Mapping[str, str] | None = None
) -> bool:
    """Approve or reject a version, and write properties on it in the same request; return whether anything changed.

    Raises
    ------
    DeployError
        When the registry could not make the package, so that there is nothing to approve.
    """
    if package.document["ModelPackageStatus"] != "Completed":
        raise DeployError(f"{package.arn} is {package.document['ModelPackageStatus']}, not Completed: it has no model")
    if not properties and (package.status, package.approval_description) == (status, reason):
        return False
    more = {"CustomerMetadataProperties": dict(properties)} if properties else {}
    sagemaker.update_model_package(
        ModelPackageArn=package.arn, ModelApprovalStatus=status, ApprovalDescription=reason, **more
    )
    return True
