"""Finding one resource by its name or ARN, and pages of lists.

A list's filters and sort orders are read from the request's members, the rows' members from the summary shape of
botocore's model. A filter that is not known here is refused, not ignored.
"""

from collections.abc import Callable

from localaws.document import Document
from localaws.sagemaker.errors import ApiError, ResourceNotFound, UnsupportedOperation, ValidationError
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.service_model import declares_error, list_member, summary
from localaws.storage.store import Query, Resource

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
    "SourceUri": "source = ?",
    "SourceArn": "source = ?",
    "DestinationArn": "destination = ?",
    "AssociationType": "type = ?",
    "ArtifactType": "type = ?",
    "ContextType": "type = ?",
    "ActionType": "type = ?",
    "SourceType": "json_extract(document, '$.SourceType') = ?",
    "DestinationType": "json_extract(document, '$.DestinationType') = ?",
}
_SORT_COLUMNS = {
    "Name": "name",
    "CreationTime": "created",
    "Status": "status",
    "PipelineExecutionArn": "arn",
    "SourceArn": "source",
    "DestinationArn": "destination",
    "SourceType": "json_extract(document, '$.SourceType')",
    "DestinationType": "json_extract(document, '$.DestinationType')",
}
# AWS says of these jobs that the request is not valid, whatever the operation's model declares. Sources: the waiters of
# botocore's model; Terraform's AWS provider and AWS's controllers for Kubernetes, which look for these words; the
# sentence about a tuning job as issue 1540 of aws/amazon-sagemaker-examples has it.
_JOBS = frozenset({"training-job", "processing-job", "transform-job"})
_NOT_THERE = {
    "training-job": "Requested resource not found.",
    "processing-job": "Could not find requested job with name: {name}",
    "transform-job": "Could not find requested job with name: {name}",
    "hyper-parameter-tuning-job": "Amazon SageMaker can't find a tuning job called {name}. Type another name.",
    "model": 'Could not find model "{arn}".',
    "endpoint-config": 'Could not find endpoint configuration "{arn}".',
    "endpoint": 'Could not find endpoint "{arn}".',
    "model-package-group": "ModelPackageGroup {arn} does not exist.",
    "model-package": "ModelPackage {arn} does not exist.",
    "project": "Project {arn} does not exist.",
}
_PAGING = ("SortBy", "SortOrder", "NextToken", "MaxResults")


def find(parts: Parts, kind: str, name: str, operation: str) -> Resource:
    """Return the resource with a name or an ARN, ignoring case as AWS does, whose ARNs are in lower case.

    Raises
    ------
    ResourceNotFound or ValidationError
        If it does not exist: the former where the operation's model declares it, as users of botocore expect.
    """
    resource = parts.store.by_arn(name if name.startswith("arn:") else parts.aws.arn(kind, name))
    if resource is None or resource.kind != kind:
        raise _not_there(kind, name if name.startswith("arn:") else parts.aws.arn(kind, name), operation)
    return resource


def _not_there(kind: str, arn: str, operation: str) -> ApiError:
    name = arn.rpartition("/")[2]
    words = _NOT_THERE.get(kind)
    message = words.format(arn=arn, name=name) if words else f"Could not find {kind.replace('-', ' ')} '{name}'"
    return ValidationError(message) if kind in _JOBS else missing(operation, message)


def missing(operation: str, message: str) -> ApiError:
    """Return the error for a resource that does not exist, as declared by the operation's model."""
    return ResourceNotFound(message) if declares_error(operation, "ResourceNotFound") else ValidationError(message)


def page(
    parts: Parts,
    operation: str,
    kind: str,
    request: Document,
    *,
    descending: bool,
    where: Document | None = None,
    row: Callable[[Resource], Document] = lambda resource: resource.document,
) -> Document:
    """Return one page of a List operation.

    Parameters
    ----------
    parts : Parts
    operation : str
        An operation name such as ``ListModels``.
    kind : str
        The kind of the resources.
    request : dict
    descending : bool
        The order if the request does not name one.
    where : dict, optional
        More conditions; the request must no longer contain the members that they were made from.
    row : callable
        Returns the document that a row's summary is cut from.

    Raises
    ------
    UnsupportedOperation
        If the request has a filter or an order that is not known here.
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
    resources, token = parts.store.page(query)
    member, shape = list_member(operation)
    return {member: [summary(shape, row(resource)) for resource in resources], "NextToken": token}
