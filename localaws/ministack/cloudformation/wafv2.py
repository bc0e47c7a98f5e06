"""AWS::WAFv2::WebACLAssociation, which MiniStack's WAF has and its CloudFormation has not."""

from collections.abc import Callable, Mapping
from typing import Any

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.provisioner import Provisioned, Provisioner, call


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of the type."""
    return {"AWS::WAFv2::WebACLAssociation": _Associations(lambda: client("wafv2"))}


class _Associations:
    """Ref is the resource and the web ACL: the type's primary identifier; another of either is another association."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, _logical_id: str, properties: Document, _stack_name: str) -> Provisioned:
        resource, acl = properties["ResourceArn"], properties["WebACLArn"]
        call(self._client().associate_web_acl, ResourceArn=resource, WebACLArn=acl)
        return f"{resource}|{acl}", {}

    def find(self, _logical_id: str, _properties: Document, _stack_name: str) -> Provisioned | None:
        """Return None: an association goes with what it protects, and another replaces it."""
        return None

    def update(
        self, physical_id: str, _old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, _properties: Document) -> None:
        """Delete an association, where no other has replaced it: a resource has one web ACL."""
        client = self._client()
        resource, _, acl = physical_id.partition("|")
        try:
            associated = client.get_web_acl_for_resource(ResourceArn=resource).get("WebACL", {})
        except client.exceptions.WAFNonexistentItemException:
            return
        if associated.get("ARN") == acl:
            client.disassociate_web_acl(ResourceArn=resource)
