"""AddTags, ListTags and DeleteTags, of every resource that has an ARN."""

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.parts import Control, Handler


def handlers() -> dict[str, Handler]:
    """The operations of this module by name."""
    return {"AddTags": _add_tags, "ListTags": _list_tags, "DeleteTags": _delete_tags}


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
