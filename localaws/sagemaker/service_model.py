"""What the SageMaker API is, read from botocore's own service model instead of hand-written copies.

Three things come from it: the operations, the check of a request (`localaws.protocol.shapes`), and the shape of an
answer: a stored document is cut down to the members that the operation's output has.
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
    """Botocore's model of one operation."""
    return _service().operation_model(name)


def input_shape(operation_name: str) -> StructureShape:
    """The shape of an operation's request.

    Raises
    ------
    LookupError
        The operation takes none.
    """
    shape = operation(operation_name).input_shape
    if shape is None:
        raise LookupError(f"{operation_name} takes no request")
    return shape


def declares_error(operation_name: str, code: str) -> bool:
    """Whether the operation's model lists this error; others answer ValidationException in its place."""
    return any(shape.name == code for shape in operation(operation_name).error_shapes)


def check_request(operation_name: str, request: Document, *, dynamic: bool = False) -> None:
    """Refuse a request that botocore's model does not allow.

    Parameters
    ----------
    operation_name : str
        Such as ``CreateTrainingJob``.
    request : dict
        The request as it came, parsed from JSON.
    dynamic : bool, default=False
        Accept expressions of the pipeline definition language wherever a value may stand, and let the name be
        absent: the arguments of a pipeline step, where SageMaker names the job itself.

    Raises
    ------
    ValidationError
        Naming every broken constraint, in AWS's words.
    SerializationError
        A member has another JSON type.
    """
    shape = operation(operation_name).input_shape
    if shape is not None:
        check_members(shape, request, dynamic=dynamic)


def answer(operation_name: str, document: Document) -> Document:
    """The members of `document` that the operation's answer has, those without a value left out."""
    shape = operation(operation_name).output_shape
    return members_of(shape, document) if shape else {}


def summary(shape_name: str, document: Document) -> Document:
    """The members of `document` that a summary shape such as ``ModelSummary`` has."""
    return members_of(_service().shape_for(shape_name), document)


def search_record(member: str) -> StructureShape:
    """The shape of a resource in a result of Search, such as the record's ``TrainingJob``."""
    shape: StructureShape = _service().shape_for("SearchRecord").members[member]
    return shape


def list_member(operation_name: str) -> tuple[str, str]:
    """Where a List operation's answer holds its rows, and the name of a row's shape."""
    shape = operation(operation_name).output_shape
    for name, member in shape.members.items():
        if isinstance(member, ListShape):
            return name, member.member.name
    raise LookupError(f"{operation_name} returns no list")
