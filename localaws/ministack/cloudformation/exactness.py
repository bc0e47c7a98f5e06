"""What CloudFormation does about each resource, of any type: before and after it is made, and before it is deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation import completion, existence, schema
from localaws.ministack.sns import subscriptions


@dataclass(frozen=True)
class Exactness:
    """The checks and completions of all types. What refuses raises ValueError; its text is the reason in the events.

    Attributes
    ----------
    client : callable(service) -> boto3 client
    """

    client: Clients

    @property
    def asks_services(self) -> Collection[str]:
        """Return the types that are checked or completed by requests."""
        return {*completion.COMPLETIONS, *existence.LOOKUPS}

    def check(self, resource_type: str, logical_id: str, properties: Document) -> None:
        """Refuse properties that a resource cannot have."""
        schema.check(resource_type, logical_id, properties)
        if resource_type == "AWS::Lambda::Function":
            completion.check_code(self.client, properties)
        elif resource_type == "AWS::ApiGateway::Stage":
            completion.check_logging(self.client, properties)
        elif resource_type in ("AWS::SNS::Topic", "AWS::SNS::Subscription"):
            subscriptions.check_addresses(properties)

    def typed(self, resource_type: str, properties: Document) -> Document:
        """Return properties with the types that the resource's schema wants."""
        return schema.with_types(resource_type, properties)

    def check_new(
        self,
        resource_type: str,
        logical_id: str,
        properties: Document,
        stack: Mapping[str, Any],
        stacks: Collection[Mapping[str, Any]],
    ) -> None:
        """Refuse a resource that is there already: see `existence.check_new`."""
        existence.check_new(self.client, resource_type, logical_id, properties, stack, stacks)

    def complete(self, resource_type: str, physical_id: str, properties: Document) -> None:
        """Set what MiniStack has left out of a resource."""
        if resource_type in completion.COMPLETIONS:
            completion.complete(self.client, resource_type, physical_id, properties)

    def check_deletion(self, resource_type: str, physical_id: str) -> None:
        """Refuse to delete what has to stay."""
        if resource_type == "AWS::S3::Bucket":
            completion.check_empty(self.client, physical_id)
        elif resource_type == "AWS::DynamoDB::Table":
            completion.check_unprotected(self.client, physical_id)
