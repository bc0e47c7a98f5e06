"""Models and the model registry: CreateModel, model package groups, model packages with versions and approval."""

import time
from collections.abc import Sequence

from localaws.containers import s3
from localaws.document import Document
from localaws.sagemaker.errors import ApiError, ConflictException, ValidationError
from localaws.sagemaker.event_formats import iso_detail
from localaws.sagemaker.families.documents import changes
from localaws.sagemaker.families.lookup import find, page
from localaws.sagemaker.jobs import images
from localaws.sagemaker.lineage.graph import Graph
from localaws.sagemaker.lineage.recording import record_package
from localaws.sagemaker.parts import Control, Handler
from localaws.sagemaker.service_model import summary
from localaws.storage.store import Query, Resource

_GROUP = "model-package-group"
_PACKAGE = "model-package"
_TO_ADD = "AdditionalInferenceSpecificationsToAdd"


def handlers() -> dict[str, Handler]:
    """The operations of this module by name."""
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


def create_model(control: Control, request: Document) -> Document:
    """Store a model, whose data must be there and whose image must be known on this host."""
    containers = request.get("Containers") or [request.get("PrimaryContainer")]
    for container in containers:
        if container is None:
            raise ValidationError("Both PrimaryContainer and Containers are missing: give one of them")
        _check_container(control, container, package_allowed=True)
    name = request["ModelName"]
    arn = control.aws.arn("model", name)
    document = {key: value for key, value in request.items() if key != "Tags"}
    document |= {"ModelArn": arn, "CreationTime": time.time(), "EnableNetworkIsolation": False}
    if not control.store.add(Resource("model", name, arn, document)):
        raise ValidationError(f'Cannot create already existing model "{arn}".')
    control.tag(arn, request)
    return {"ModelArn": arn}


def create_group(control: Control, request: Document) -> Document:
    """Store an empty model package group."""
    name = request["ModelPackageGroupName"]
    arn = control.aws.arn(_GROUP, name)
    document = {
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": arn,
        "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
        "CreationTime": time.time(),
        "CreatedBy": control.created_by,
        "ModelPackageGroupStatus": "Completed",
    }
    if not control.store.add(Resource(_GROUP, name, arn, document, status="Completed")):
        raise ValidationError(f"Model Package Group already exists: {arn}")
    control.tag(arn, request)
    return {"ModelPackageGroupArn": arn}


def delete_group(control: Control, request: Document) -> Document:
    """Delete a group that has no packages left."""
    group = find(control, _GROUP, request["ModelPackageGroupName"], "DeleteModelPackageGroup")
    if control.store.every(_PACKAGE, parent=group.arn):
        raise ConflictException(f"The model package group '{group.name}' still has model packages: delete them first")
    control.store.remove(group.arn)
    return {}


def create_package(control: Control, request: Document) -> Document:
    """Register a package: the next version of a group, or one with a name of its own."""
    for container in request.get("InferenceSpecification", {}).get("Containers", []):
        _check_container(control, container, package_allowed=False)
    with control.store.transaction():
        if (earlier := _made_with_token(control, request)) is not None:
            return {"ModelPackageArn": earlier.arn}
        resource = (
            _versioned(control, request) if "ModelPackageGroupName" in request else _unversioned(control, request)
        )
        if not control.store.add(resource):
            raise ConflictException(f"Model Package already exists: {resource.arn}")
        control.tag(resource.arn, request)
    _announce(control, resource)
    return {"ModelPackageArn": resource.arn}


def _made_with_token(control: Control, request: Document) -> Resource | None:
    """The package that an earlier request with the same ClientToken made."""
    token, group = request.get("ClientToken"), request.get("ModelPackageGroupName")
    if token is None or group is None:
        return None
    parent = group if group.startswith("arn:") else control.aws.arn(_GROUP, group)
    where = {"parent = ?": parent, "json_extract(internal, '$.client_token') = ?": token}
    found, _ = control.store.page(Query(_PACKAGE, where, limit=1))
    return found[0] if found else None


def _versioned(control: Control, request: Document) -> Resource:
    if "ModelPackageName" in request:
        raise ValidationError("Give either ModelPackageName or ModelPackageGroupName, not both")
    group = find(control, _GROUP, request["ModelPackageGroupName"], "CreateModelPackage")
    version = _next_version(control, group)
    arn = f"{control.aws.arn(_PACKAGE, group.name)}/{version}"
    approval = request.get("ModelApprovalStatus", "PendingManualApproval")
    document = _package(control, request, group.name, arn) | {
        "ModelPackageGroupName": group.name,
        "ModelPackageVersion": version,
        "ModelApprovalStatus": approval,
    }
    return Resource(
        kind=_PACKAGE,
        name=f"{group.name}/{version}",
        arn=arn,
        document=document,
        internal={"client_token": request.get("ClientToken")},
        parent=group.arn,
        status="Completed",
        approval=approval,
    )


def _next_version(control: Control, group: Resource) -> int:
    """The group counts its versions itself: a deleted one's number is not given again."""

    def count(_: Document, internal: Document) -> None:
        internal["versions"] = internal.get("versions", 0) + 1

    changed = control.store.change(group.arn, count)
    return int(changed.internal["versions"]) if changed else 1


def _unversioned(control: Control, request: Document) -> Resource:
    if "ModelPackageName" not in request:
        raise ValidationError("ModelPackageName or ModelPackageGroupName is required")
    name = request["ModelPackageName"]
    arn = control.aws.arn(_PACKAGE, name)
    return Resource(_PACKAGE, name, arn, _package(control, request, name, arn), status="Completed")


def _package(control: Control, request: Document, name: str, arn: str) -> Document:
    kept = {key: value for key, value in request.items() if key not in ("Tags", "ClientToken")}
    return kept | {
        "ModelPackageName": name,
        "ModelPackageArn": arn,
        "CreationTime": time.time(),
        "CreatedBy": control.created_by,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    }


def describe_package(control: Control, request: Document) -> Document:
    """What is stored of a package."""
    return find(control, _PACKAGE, request["ModelPackageName"], "DescribeModelPackage").document


def describe_packages(control: Control, request: Document) -> Document:
    """What is stored of several packages, and what is wrong with each of the others."""
    found: Document = {}
    errors: Document = {}
    for arn in request["ModelPackageArnList"]:
        try:
            package = find(control, _PACKAGE, arn, "BatchDescribeModelPackage").document
            found[arn] = summary("BatchDescribeModelPackageSummary", package)
        except ApiError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


def list_packages(control: Control, request: Document) -> Document:
    """A page of the packages of a group, or of those without a group."""
    query = dict(request)
    where: Document = {}
    group_name = query.pop("ModelPackageGroupName", None)
    package_type = query.pop("ModelPackageType", "Versioned" if group_name else "Unversioned")
    if group_name:
        where["parent = ?"] = find(control, _GROUP, group_name, "ListModelPackages").arn
    if package_type != "Both":
        where["(parent <> '') = ?"] = package_type == "Versioned"
    return page(control, "ListModelPackages", _PACKAGE, query, descending=False, where=where)


def update_package(control: Control, request: Document) -> Document:
    """Approve, reject or describe a package."""
    resource = find(control, _PACKAGE, request["ModelPackageArn"], "UpdateModelPackage")

    def edit(document: Document, _: Document) -> dict[str, str]:
        changed = changes("UpdateModelPackage", document, request)
        if added := changed.pop(_TO_ADD, None):
            changed["AdditionalInferenceSpecifications"] = [
                *document.get("AdditionalInferenceSpecifications", []),
                *added,
            ]
        document.update(changed)
        document.update(LastModifiedTime=time.time(), LastModifiedBy=control.created_by)
        return {"approval": document.get("ModelApprovalStatus", "")}

    if (changed := control.store.change(resource.arn, edit)) is not None:
        _announce(control, changed, [name for name in request if name not in ("ModelPackageArn", "ClientToken")])
    return {"ModelPackageArn": resource.arn}


def delete_package(control: Control, request: Document) -> Document:
    """Delete a package; its version's number is not given again."""
    resource = find(control, _PACKAGE, request["ModelPackageName"], "DeleteModelPackage")
    control.store.remove(resource.arn)
    return {}


def _check_container(control: Control, container: Document, *, package_allowed: bool) -> None:
    if package_allowed and "ModelPackageName" in container:
        find(control, _PACKAGE, container["ModelPackageName"], "CreateModel")
        return
    if "Image" not in container:
        raise ValidationError("A container needs an Image" + (" or a ModelPackageName" if package_allowed else ""))
    images.find(container["Image"], control.state_dir)
    uri = container.get("ModelDataUrl")
    if uri and not s3.exists(control.aws.client("s3"), uri):
        raise ValidationError(f"Could not find model data at {uri}.")


def _announce(control: Control, resource: Resource, updated: Sequence[str] = ()) -> None:
    record_package(Graph(control.store, control.aws), resource)
    detail = iso_detail(resource.document) | ({"UpdatedModelPackageFields": list(updated)} if updated else {})
    control.notifier.event("SageMaker Model Package State Change", detail, [resource.arn])
