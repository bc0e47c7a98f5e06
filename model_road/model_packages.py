"""The versions of a model in SageMaker's registry: the model packages of a group."""

from collections.abc import Iterator
from typing import Any

from model_road.errors import NoModelError

APPROVED = "Approved"


def arns(sagemaker: Any, group: str, status: str | None = None) -> Iterator[str]:
    """Yield the ARNs of a group's versions, newest first: all of them, or those of one approval status.

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
    except sagemaker.exceptions.ClientError as error:
        # This is how SageMaker says that there is no such group.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise NoModelError(
            f"the model package group {group!r} cannot be listed: {error.response['Error']['Message']}. Build a model "
            "with `run-pipeline`, or name its group with --model-package-group-name."
        ) from error


def latest_approved(sagemaker: Any, group: str) -> str:
    """Return the ARN of the newest approved version of a group.

    Raises
    ------
    NoModelError
        When there is no such group or none of its versions is approved.
    """
    arn = next(arns(sagemaker, group, APPROVED), None)
    if arn is None:
        raise NoModelError(
            f"no version of the model package group {group!r} is approved: see `deploy-model list`, then run "
            "`deploy-model approve-model ARN`"
        )
    return arn
