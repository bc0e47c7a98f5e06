"""Describe, List, Delete and tags of the simple families: a table, and one function for each of the verbs.

What a family's list can be filtered and sorted by is read from the request's members, the rows' members from the
summary shape of botocore's model. A filter that is not known here is refused, not ignored.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from localaws.sagemaker.control import Control, Handler
from localaws.sagemaker.errors import ApiError, ResourceNotFound, UnsupportedOperation, ValidationError
from localaws.sagemaker.jobs import refuse_running
from localaws.sagemaker.service_model import declares_error, list_member, summary
from localaws.store import Query, Resource

Document = dict[str, Any]

_PAGE = 10
_FILTERS: dict[str, str] = {
    "NameContains": "instr(lower(name), lower(?)) > 0",
    "PipelineNamePrefix": "instr(name, ?) = 1",
    "CreationTimeAfter": "created > ?",
    "CreationTimeBefore": "created < ?",
    "CreatedAfter": "created > ?",
    "CreatedBefore": "created < ?",
    "LastModifiedTimeAfter": "modified > ?",
    "LastModifiedTimeBefore": "modified < ?",
    "StatusEquals": "status = ?",
    "ModelApprovalStatus": "approval = ?",
    "SourceUri": "parent = ?",
    "SourceArn": "parent = ?",
    "DestinationArn": "name = ?",
    "AssociationType": "status = ?",
    "ArtifactType": "status = ?",
    "ContextType": "status = ?",
    "ActionType": "status = ?",
    "SourceType": "json_extract(document, '$.SourceType') = ?",
    "DestinationType": "json_extract(document, '$.DestinationType') = ?",
}
_SORT_COLUMNS = {
    "Name": "name",
    "CreationTime": "created",
    "Status": "status",
    "PipelineExecutionArn": "arn",
    "SourceArn": "parent",
    "DestinationArn": "name",
    "SourceType": "json_extract(document, '$.SourceType')",
    "DestinationType": "json_extract(document, '$.DestinationType')",
}
_PAGING = ("SortBy", "SortOrder", "NextToken", "MaxResults")


@dataclass(frozen=True)
class Family:
    """A family of resources.

    Attributes
    ----------
    noun : str
        Such as ``TrainingJob``: its document has ``TrainingJobName`` and ``TrainingJobArn``.
    kind : str
        Such as ``training-job``: the word in ARNs, and the kind in the store.
    plural : str
        Such as ``TrainingJobs``: the List operation.
    descending : bool
        The order of a list when the request names none (API reference of each List operation).
    key : str
        The member by which Describe, Update and Delete are told which one: the noun's name when empty.
    """

    noun: str
    kind: str
    plural: str
    descending: bool = False
    deletable: bool = False
    key: str = ""

    def identify(self, request: Document) -> str:
        """The name or ARN that a request gives."""
        identity: str = request[self.key or f"{self.noun}Name"]
        return identity


FAMILIES = (
    Family("ProcessingJob", "processing-job", "ProcessingJobs", deletable=True),
    Family("TrainingJob", "training-job", "TrainingJobs", deletable=True),
    Family("TransformJob", "transform-job", "TransformJobs", descending=True),
    Family("Model", "model", "Models", descending=True, deletable=True),
    Family("ModelPackageGroup", "model-package-group", "ModelPackageGroups"),
    Family("Pipeline", "pipeline", "Pipelines"),
)


def find(control: Control, kind: str, name: str, operation: str) -> Resource:
    """The resource of a name or an ARN. As on AWS, whose ARNs are in lower case, a name's case does not matter.

    Raises
    ------
    ResourceNotFound or ValidationError
        There is none: the former where the operation's model declares it, as botocore's users expect to catch it.
    """
    resource = control.store.by_arn(name if name.startswith("arn:") else control.aws.arn(kind, name))
    if resource is None or resource.kind != kind:
        raise missing(operation, f"Could not find {kind.replace('-', ' ')} '{name}'")
    return resource


def missing(operation: str, message: str) -> ApiError:
    """The error for something that is not there, as the operation's model declares it."""
    return ResourceNotFound(message) if declares_error(operation, "ResourceNotFound") else ValidationError(message)


def handlers() -> dict[str, Handler]:
    """The operations of all families in this module's table, by name, and those of tags."""
    found: dict[str, Handler] = {"AddTags": _add_tags, "ListTags": _list_tags, "DeleteTags": _delete_tags}
    return found | read_handlers(FAMILIES)


def read_handlers(families: Iterable[Family]) -> dict[str, Handler]:
    """Describe, List and, where the table says so, Delete of some families."""
    found: dict[str, Handler] = {}
    for family in families:
        found[f"Describe{family.noun}"] = _describe(family)
        found[f"List{family.plural}"] = _list(family)
        if family.deletable:
            found[f"Delete{family.noun}"] = _delete(family)
    return found


def _describe(family: Family) -> Handler:
    def describe(control: Control, request: Document) -> Document:
        return find(control, family.kind, family.identify(request), f"Describe{family.noun}").document

    return describe


def _delete(family: Family) -> Handler:
    def delete(control: Control, request: Document) -> Document:
        resource = find(control, family.kind, family.identify(request), f"Delete{family.noun}")
        if family.kind.endswith("-job"):
            refuse_running(resource)
        control.store.remove(resource.arn)
        return {}

    return delete


def _list(family: Family) -> Handler:
    def list_them(control: Control, request: Document) -> Document:
        def row(resource: Resource) -> Document:
            # A summary has the Source of an experiment, trial or trial component under another name.
            return {f"{family.noun}Source": resource.document.get("Source"), **resource.document}

        return page(control, f"List{family.plural}", family.kind, request, descending=family.descending, row=row)

    return list_them


def page(
    control: Control,
    operation: str,
    kind: str,
    request: Document,
    *,
    descending: bool,
    where: Document | None = None,
    row: Callable[[Resource], Document] = lambda resource: resource.document,
) -> Document:
    """One page of a List operation.

    Parameters
    ----------
    control : Control
    operation : str
        Such as ``ListModels``.
    kind : str
        Of the resources.
    request : dict
    descending : bool
        The order when the request names none.
    where : dict, optional
        More conditions, and the members of the request that they were made from must have been taken out of it.
    row : callable
        The document that a row's summary is cut from.

    Raises
    ------
    UnsupportedOperation
        The request has a filter or an order that is not known here.
    """
    conditions = dict(where or {})
    for name, value in request.items():
        if name in _FILTERS:
            conditions[_FILTERS[name]] = value
        elif name not in _PAGING:
            raise UnsupportedOperation(f"{operation} with {name} is not supported by the local SageMaker")
    order = request.get("SortOrder")
    query = Query(
        kind=kind,
        where=conditions,
        sort_by=_SORT_COLUMNS[request.get("SortBy", "CreationTime")],
        descending=order == "Descending" if order else descending,
        limit=request.get("MaxResults", _PAGE),
        token=request.get("NextToken"),
    )
    resources, token = control.store.page(query)
    member, shape = list_member(operation)
    return {member: [summary(shape, row(resource)) for resource in resources], "NextToken": token}


def _tagged(control: Control, request: Document) -> str:
    arn: str = request["ResourceArn"]
    if control.store.by_arn(arn) is None:
        raise ValidationError(f"Could not find the resource '{arn}'")
    return arn


def _add_tags(control: Control, request: Document) -> Document:
    arn = _tagged(control, request)
    control.tag(arn, request)
    return {"Tags": _tag_list(control, arn)}


def _list_tags(control: Control, request: Document) -> Document:
    return {"Tags": _tag_list(control, _tagged(control, request))}


def _delete_tags(control: Control, request: Document) -> Document:
    control.store.untag(_tagged(control, request), request["TagKeys"])
    return {}


def _tag_list(control: Control, arn: str) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in control.store.tags(arn).items()]
