"""Models and the model registry: CreateModel, model package groups, model packages with versions and approval."""

import time
from collections.abc import Sequence

from localaws.containers import s3
from localaws.document import Document
from localaws.sagemaker.errors import ApiError, ConflictException, UnsupportedOperation, ValidationError
from localaws.sagemaker.event_formats import iso_detail
from localaws.sagemaker.families.defaults import completed
from localaws.sagemaker.families.documents import changes
from localaws.sagemaker.families.lookup import find, page
from localaws.sagemaker.jobs import images
from localaws.sagemaker.jobs.model_server import is_multi_model
from localaws.sagemaker.lineage.graph import Graph
from localaws.sagemaker.lineage.recording import record_package
from localaws.sagemaker.parts import Handler, Parts
from localaws.sagemaker.registry import sharing
from localaws.sagemaker.service_model import summary
from localaws.storage.store import Resource

_GROUP = "model-package-group"
_PACKAGE = "model-package"
_TO_ADD = "AdditionalInferenceSpecificationsToAdd"


def handlers() -> dict[str, Handler]:
    """Return the operations of this module by name."""
    return {
        "CreateModel": create_model,
        "CreateModelPackageGroup": create_group,
        "DeleteModelPackageGroup": delete_group,
        "CreateModelPackage": create_package,
        "DescribeModelPackage": describe_package,
        "BatchDescribeModelPackage": describe_packages,
        "ListModelPackages": list_packages,
        "UpdateModelPackage": update_package,
        "DeleteModelPackage": delete_package,
    }


def create_model(parts: Parts, request: Document) -> Document:
    """Store a model, whose data must exist and whose image must be known on this host."""
    containers = request.get("Containers") or [request.get("PrimaryContainer")]
    if None in containers:
        raise ValidationError("Both PrimaryContainer and Containers are missing: give one of them")
    _check_multi_model(containers)
    packages = sharing.packages_of(parts, containers)
    for container in (each for each in containers if each.get("ModelPackageName") not in packages):
        _check_container(parts, container, package_allowed=True)
    name = request["ModelName"]
    arn = parts.aws.arn("model", name)
    document = {key: value for key, value in request.items() if key != "Tags"}
    document = completed("DescribeModel", document | {"ModelArn": arn, "CreationTime": time.time()})
    if not parts.store.add(Resource("model", name, arn, document, {"packages": packages} if packages else {})):
        raise ValidationError(f'Cannot create already existing model "{arn}".')
    parts.tag(arn, request)
    return {"ModelArn": arn}


def _check_multi_model(containers: Sequence[Document]) -> None:
    """Refuse what a container of many models cannot be or have."""
    for container in filter(is_multi_model, containers):
        if not container.get("ModelDataUrl"):
            raise ValidationError("A container in Mode MultiModel needs a ModelDataUrl, the prefix of its models")
        if len(containers) > 1:
            raise UnsupportedOperation("A container in Mode MultiModel is not supported in a chain of several here")
    for container in containers:
        if "MultiModelConfig" in container and not is_multi_model(container):
            raise ValidationError("MultiModelConfig is given, but the container's Mode is not MultiModel")


def create_group(parts: Parts, request: Document) -> Document:
    """Store an empty model package group."""
    name = request["ModelPackageGroupName"]
    arn = parts.aws.arn(_GROUP, name)
    document = {
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": arn,
        "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
        "CreationTime": time.time(),
        "CreatedBy": parts.created_by,
        "ModelPackageGroupStatus": "Completed",
    }
    if not parts.store.add(Resource(_GROUP, name, arn, document, status="Completed")):
        raise ValidationError(f"Model Package Group already exists: {arn}")
    parts.tag(arn, request)
    return {"ModelPackageGroupArn": arn}


def delete_group(parts: Parts, request: Document) -> Document:
    """Delete a group that has no packages left."""
    group = find(parts, _GROUP, request["ModelPackageGroupName"], "DeleteModelPackageGroup")
    if parts.store.every(_PACKAGE, parent=group.arn):
        raise ConflictException(f"The model package group '{group.name}' still has model packages: delete them first")
    parts.store.remove(group.arn)
    return {}


def create_package(parts: Parts, request: Document) -> Document:
    """Register a package: the next version of a group, or one with its own name."""
    for container in request.get("InferenceSpecification", {}).get("Containers", []):
        _check_container(parts, container, package_allowed=False)
    return parts.once("sagemaker.CreateModelPackage", request, lambda: _register(parts, request))


def _register(parts: Parts, request: Document) -> Document:
    resource = _versioned(parts, request) if "ModelPackageGroupName" in request else _unversioned(parts, request)
    if not parts.store.add(resource):
        raise ConflictException(f"Model Package already exists: {resource.arn}")
    parts.tag(resource.arn, request)
    _announce(parts, resource)
    return {"ModelPackageArn": resource.arn}


def _versioned(parts: Parts, request: Document) -> Resource:
    if "ModelPackageName" in request:
        raise ValidationError("Give either ModelPackageName or ModelPackageGroupName, not both")
    if request.get("Tags"):
        raise ValidationError(
            "Tags cannot be given for a version: it uses those of its ModelPackageGroup"
            f" '{request['ModelPackageGroupName']}'. Tag the group."
        )
    group = find(parts, _GROUP, request["ModelPackageGroupName"], "CreateModelPackage")
    version = _next_version(parts, group)
    arn = f"{parts.aws.arn(_PACKAGE, group.name)}/{version}"
    approval = request.get("ModelApprovalStatus", "PendingManualApproval")
    # Without a ModelPackageName: the guide's "View the Details of a Model Version", and SDK v3's ModelPackage, whose
    # refresh then asks for the ARN.
    document = _package(parts, request, arn) | {
        "ModelPackageGroupName": group.name,
        "ModelPackageVersion": version,
        "ModelApprovalStatus": approval,
    }
    return Resource(
        kind=_PACKAGE,
        name=f"{group.name}/{version}",
        arn=arn,
        document=document,
        parent=group.arn,
        status="Completed",
        approval=approval,
    )


def _next_version(parts: Parts, group: Resource) -> int:
    """Return a group's next version number; the number of a deleted version is not used again."""

    def count(_: Document, internal: Document) -> None:
        internal["versions"] = internal.get("versions", 0) + 1

    changed = parts.store.change(group.arn, count)
    return int(changed.internal["versions"]) if changed else 1


def _unversioned(parts: Parts, request: Document) -> Resource:
    if "ModelPackageName" not in request:
        raise ValidationError("ModelPackageName or ModelPackageGroupName is required")
    name = request["ModelPackageName"]
    arn = parts.aws.arn(_PACKAGE, name)
    return Resource(_PACKAGE, name, arn, _package(parts, request, arn), status="Completed")


def _package(parts: Parts, request: Document, arn: str) -> Document:
    kept, now = {key: value for key, value in request.items() if key not in ("Tags", "ClientToken")}, time.time()
    document = kept | {
        "ModelPackageArn": arn,
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": parts.created_by,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    }
    return completed("DescribeModelPackage", document)


def describe_package(parts: Parts, request: Document) -> Document:
    """Return a package as it is stored."""
    return find(parts, _PACKAGE, request["ModelPackageName"], "DescribeModelPackage").document


def describe_packages(parts: Parts, request: Document) -> Document:
    """Return several packages as they are stored, and an error for each that is not."""
    found: Document = {}
    errors: Document = {}
    for arn in request["ModelPackageArnList"]:
        try:
            package = find(parts, _PACKAGE, arn, "BatchDescribeModelPackage").document
            found[arn] = summary("BatchDescribeModelPackageSummary", package)
        except ApiError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


def list_packages(parts: Parts, request: Document) -> Document:
    """Return a page of the packages of a group, or of those without a group."""
    query = dict(request)
    where: Document = {}
    group_name = query.pop("ModelPackageGroupName", None)
    package_type = query.pop("ModelPackageType", "Versioned" if group_name else "Unversioned")
    if group_name:
        where["parent = ?"] = find(parts, _GROUP, group_name, "ListModelPackages").arn
    if package_type != "Both":
        where["(parent <> '') = ?"] = package_type == "Versioned"
    return page(parts, "ListModelPackages", _PACKAGE, query, descending=False, where=where)


def update_package(parts: Parts, request: Document) -> Document:
    """Approve, reject or describe a package."""
    return parts.once("sagemaker.UpdateModelPackage", request, lambda: _update(parts, request))


def _update(parts: Parts, request: Document) -> Document:
    resource = find(parts, _PACKAGE, request["ModelPackageArn"], "UpdateModelPackage")

    def edit(document: Document, _: Document) -> dict[str, str]:
        changed = changes("UpdateModelPackage", document, request)
        if added := changed.pop(_TO_ADD, None):
            changed["AdditionalInferenceSpecifications"] = [
                *document.get("AdditionalInferenceSpecifications", []),
                *added,
            ]
        document.update(changed)
        document.update(LastModifiedTime=time.time(), LastModifiedBy=parts.created_by)
        return {"approval": document.get("ModelApprovalStatus", "")}

    if (changed := parts.store.change(resource.arn, edit)) is not None:
        _announce(parts, changed, [name for name in request if name not in ("ModelPackageArn", "ClientToken")])
    return {"ModelPackageArn": resource.arn}


def delete_package(parts: Parts, request: Document) -> Document:
    """Delete a package; its version number is not used again."""
    resource = find(parts, _PACKAGE, request["ModelPackageName"], "DeleteModelPackage")
    parts.store.remove(resource.arn)
    return {}


def _check_container(parts: Parts, container: Document, *, package_allowed: bool) -> None:
    if package_allowed and "ModelPackageName" in container:
        sharing.containers_in(find(parts, _PACKAGE, container["ModelPackageName"], "CreateModel"))
        return
    if "Image" not in container:
        raise ValidationError("A container needs an Image" + (" or a ModelPackageName" if package_allowed else ""))
    images.find(container["Image"], parts.state_dir)
    uri = container.get("ModelDataUrl")
    # A prefix may still be empty: a model is looked for when it is asked for.
    if uri and not is_multi_model(container) and not s3.exists(parts.aws.client("s3"), uri):
        raise ValidationError(f"Could not find model data at {uri}.")


def _announce(parts: Parts, resource: Resource, updated: Sequence[str] = ()) -> None:
    record_package(Graph(parts.store, parts.aws), resource)
    detail = iso_detail(resource.document) | ({"UpdatedModelPackageFields": list(updated)} if updated else {})
    parts.outbox.event("sagemaker", "SageMaker Model Package State Change", detail, [resource.arn])
