"""AddTags, ListTags and DeleteTags, for every resource that has an ARN."""

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.parts import Handler, Parts


def handlers() -> dict[str, Handler]:
    """Return the operations of this module by name."""
    return {"AddTags": _add_tags, "ListTags": _list_tags, "DeleteTags": _delete_tags}


def _tagged(parts: Parts, request: Document) -> str:
    arn: str = request["ResourceArn"]
    if parts.store.by_arn(arn) is None:
        raise ValidationError(f"Could not find the resource '{arn}'")
    return arn


def _add_tags(parts: Parts, request: Document) -> Document:
    arn = _tagged(parts, request)
    parts.tag(arn, request)
    return {"Tags": _tag_list(parts, arn)}


def _list_tags(parts: Parts, request: Document) -> Document:
    return {"Tags": _tag_list(parts, _tagged(parts, request))}


def _delete_tags(parts: Parts, request: Document) -> Document:
    parts.store.untag(_tagged(parts, request), request["TagKeys"])
    return {}


def _tag_list(parts: Parts, arn: str) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in parts.store.tags(arn).items()]
