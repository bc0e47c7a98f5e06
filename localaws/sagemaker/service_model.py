"""The SageMaker API, read from botocore's own service model instead of hand-written copies.

It provides three things: the operations, the validation of requests (`localaws.protocol.shapes`), and the shape of
answers: a stored document is reduced to the members of the operation's output.
"""

from functools import cache

from botocore.model import ListShape, OperationModel, ServiceModel, StructureShape

from localaws.document import Document
from localaws.protocol.model import service_model
from localaws.protocol.shapes import check_members, members_of


def _service() -> ServiceModel:
    return service_model("sagemaker")


@cache
def operation(name: str) -> OperationModel:
    """Return botocore's model of one operation."""
    return _service().operation_model(name)


def input_shape(operation_name: str) -> StructureShape:
    """Return the shape of an operation's request.

    Raises
    ------
    LookupError
        If the operation does not take a request.
    """
    shape = operation(operation_name).input_shape
    if shape is None:
        raise LookupError(f"{operation_name} does not take a request")
    return shape


def declares_error(operation_name: str, code: str) -> bool:
    """Return whether the operation's model lists this error; otherwise ValidationException replaces it."""
    return any(shape.name == code for shape in operation(operation_name).error_shapes)


def check_request(operation_name: str, request: Document, *, dynamic: bool = False) -> None:
    """Refuse a request that botocore's model does not allow.

    Parameters
    ----------
    operation_name : str
        An operation name such as ``CreateTrainingJob``.
    request : dict
        The request as received, parsed from JSON.
    dynamic : bool, default=False
        Accept expressions of the pipeline definition language in place of any value, and let the name be absent:
        for the arguments of a pipeline step, since SageMaker names the job itself.

    Raises
    ------
    ValidationError
        If a constraint is broken; names every one, in AWS's words.
    SerializationError
        If a member has another JSON type.
    """
    shape = operation(operation_name).input_shape
    if shape is not None:
        check_members(shape, request, dynamic=dynamic)


def answer(operation_name: str, document: Document) -> Document:
    """Return the members of `document` that the operation's answer has, without those that have no value."""
    shape = operation(operation_name).output_shape
    return members_of(shape, document) if shape else {}


def summary(shape_name: str, document: Document) -> Document:
    """Return the members of `document` that a summary shape such as ``ModelSummary`` has."""
    return members_of(_service().shape_for(shape_name), document)


def search_record(member: str) -> StructureShape:
    """Return the shape of a resource in a result of Search, such as the record's ``TrainingJob``."""
    shape: StructureShape = _service().shape_for("SearchRecord").members[member]
    return shape


def list_member(operation_name: str) -> tuple[str, str]:
    """Return the member of a List operation's answer that holds its rows, and the name of a row's shape."""
    shape = operation(operation_name).output_shape
    for name, member in shape.members.items():
        if isinstance(member, ListShape):
            return name, member.member.name
    raise LookupError(f"{operation_name} does not return a list")
