"""Model packages: the versions of a model, what the registry says of them, and their approval."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import DeployError, NoModelError

APPROVED = "Approved"
LATEST = "latest"


@dataclass(frozen=True)
class Package:
    """A version of a model package group, as DescribeModelPackage gives it.

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
        """The group and the version, as people say it."""
        return f"{self.document['ModelPackageGroupName']}/{self.version}"


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
        raise NoModelError(f"{arn} is no version of a model package group: only versions can be approved")
    return Package(
        arn=document["ModelPackageArn"],
        version=document["ModelPackageVersion"],
        status=document["ModelApprovalStatus"],
        approval_description=document.get("ApprovalDescription", ""),
        created=document["CreationTime"],
        metadata=document.get("CustomerMetadataProperties", {}),
        document=document,
    )


def arns(sagemaker: Any, group: str, status: str | None = None) -> Iterator[str]:
    """Yield the ARNs of a group's versions, the newest first, all or those of one approval status.

    Raises
    ------
    NoModelError
        When there is no such group.
    """
    chosen = {"ModelApprovalStatus": status} if status else {}
    # Filters are applied after paging: a page may be empty and still not be the last.
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", **chosen
    )
    try:
        for page in pages:
            yield from (summary["ModelPackageArn"] for summary in page["ModelPackageSummaryList"])
    except ClientError as error:
        # This is how SageMaker says that there is no such group.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise NoModelError(
            f"the model package group {group!r} cannot be listed: {error.response['Error']['Message']}. Build a model "
            "with run-pipeline, or name its group with --model-package-group-name."
        ) from error


def find(sagemaker: Any, group: str, name: str) -> Package:
    """Find a version by what a user calls it: an ARN, a version number, or `latest`.

    Raises
    ------
    NoModelError
    """
    if name == LATEST:
        newest = next(arns(sagemaker, group), None)
        if newest is None:
            raise NoModelError(f"the model package group {group!r} is empty: build a model with run-pipeline")
        return describe(sagemaker, newest)
    if re.fullmatch(r"\d+", name):
        found = next((arn for arn in arns(sagemaker, group) if arn.rpartition("/")[2] == name), None)
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
    arn = next(arns(sagemaker, group, APPROVED), None)
    if arn is None:
        raise NoModelError(
            f"no version of the model package group {group!r} is approved: look at `deploy-model list`, then "
            "`deploy-model approve-model ARN`"
        )
    return describe(sagemaker, arn)


def set_approval(sagemaker: Any, package: Package, status: str, reason: str) -> bool:
    """Approve or reject a version; say whether that changed anything.

    Raises
    ------
    DeployError
        When the registry could not make the package, so that there is nothing to approve.
    """
    if package.document["ModelPackageStatus"] != "Completed":
        raise DeployError(f"{package.arn} is {package.document['ModelPackageStatus']}, not Completed: it has no model")
    if (package.status, package.approval_description) == (status, reason):
        return False
    sagemaker.update_model_package(ModelPackageArn=package.arn, ModelApprovalStatus=status, ApprovalDescription=reason)
    return True
