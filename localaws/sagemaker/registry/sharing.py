"""Model packages of another account: its group's policy says who may use them, and the request is carried out there.

- A request that names a package or a group of another account by its ARN is the other account's to answer, once the
  group's policy allows the caller each action that the request needs.
- A model of a package of another account keeps the package's containers: it serves after the package is gone.

A package without a group has no policy, so that nobody else may use it.

Source: "Cross-account discoverability" and "Deploy a Model from the Registry" in SageMaker's Developer Guide.
"""

import json
from collections.abc import Sequence

from localaws.account import authorization
from localaws.account.caller import access_key
from localaws.account.resource_policy import PolicyQuestion, allowed
from localaws.document import Document
from localaws.sagemaker.errors import AccessDenied, ValidationError
from localaws.sagemaker.parts import Parts
from localaws.service.service import Service
from localaws.storage.store import Resource

_NAMED_BY = {
    "CreateModelPackage": "ModelPackageGroupName",
    "DeleteModelPackage": "ModelPackageName",
    "DescribeModelPackage": "ModelPackageName",
    "DescribeModelPackageGroup": "ModelPackageGroupName",
    "ListModelPackages": "ModelPackageGroupName",
    "UpdateModelPackage": "ModelPackageArn",
}
"""The member that names a package or a group."""


def owner(parts: Parts, operation: str, request: Document) -> Service | None:
    """Return the SageMaker of the other account that a request is about; None if it is about this one.

    Raises
    ------
    AccessDenied
        The group's policy does not allow it.
    """
    arn = str(request.get(_NAMED_BY.get(operation, ""), ""))
    if not _is_foreign(parts, arn):
        return None
    body = json.dumps(request, default=str).encode()
    for check in authorization.checks(f"SageMaker.{operation}", "/", body, parts.aws.account_id):
        if check.service == "sagemaker":
            _require(parts, arn, check.action, check.resource)
    return _peer(parts, arn)


def packages_of(parts: Parts, containers: Sequence[Document]) -> dict[str, list[Document]]:
    """Return the containers of the packages of other accounts that a model is made of, by ARN.

    Raises
    ------
    AccessDenied
        A group's policy does not allow it.
    """
    found: dict[str, list[Document]] = {}
    for container in containers:
        arn = str(container.get("ModelPackageName", ""))
        if _is_foreign(parts, arn):
            _require(parts, arn, "sagemaker:CreateModel", arn)
            package = _stored(parts, arn)
            if package is None:
                raise AccessDenied(f"The model package {arn} does not exist.")
            found[arn] = containers_in(package)
    return found


def containers_in(package: Resource) -> list[Document]:
    """Return the containers that a model of a package has.

    Raises
    ------
    ValidationError
        If the package was registered without any.
    """
    containers: list[Document] = package.document.get("InferenceSpecification", {}).get("Containers", [])
    if not containers:
        raise ValidationError(
            f"Model package {package.arn} has no InferenceSpecification: a model cannot be made of it"
        )
    return containers


def _is_foreign(parts: Parts, arn: str) -> bool:
    fields = arn.split(":")
    return len(fields) > 5 and fields[4] != parts.aws.account_id


def _peer(parts: Parts, arn: str) -> Service | None:
    peer: Service | None = parts.peer("sagemaker", arn.split(":")[4])
    return peer


def _stored(parts: Parts, arn: str) -> Resource | None:
    peer = _peer(parts, arn)
    return None if peer is None else peer.context.store.by_arn(arn)


def _require(parts: Parts, arn: str, action: str, resource: str) -> None:
    """Return if the policy of a package's group, or the group's own, allows the caller an action."""
    beginning, _, name = arn.partition("/")
    group_name = name if beginning.endswith(":model-package-group") else name.rpartition("/")[0]
    group = _stored(parts, f"{beginning.rpartition(':')[0]}:model-package-group/{group_name}")
    key = access_key.get() or parts.aws.account_id
    policy = group.internal.get("policy", "{}") if group is not None else "{}"
    answer = allowed(parts.aws.endpoint_url, PolicyQuestion(key, parts.aws.account_id, action, resource, policy))
    if not answer.allowed:
        raise AccessDenied(
            f"User: {answer.caller} is not authorized to perform: {action} on resource: {resource} because no"
            f" resource-based policy allows the {action} action"
        )
