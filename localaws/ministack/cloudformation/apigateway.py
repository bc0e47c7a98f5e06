"""AWS::ApiGateway::RequestValidator, which MiniStack only has a name for."""

from collections.abc import Callable, Mapping
from typing import Any

from localaws.account.session import Clients
from localaws.document import Document
from localaws.ministack.cloudformation.provisioner import Provisioned, Provisioner, call

_FLAGS = {"ValidateRequestBody": "validateRequestBody", "ValidateRequestParameters": "validateRequestParameters"}


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of the type."""
    return {"AWS::ApiGateway::RequestValidator": _RequestValidators(lambda: client("apigateway"))}


class _RequestValidators:
    """Ref is the validator's id."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def create(self, logical_id: str, properties: Document, _stack_name: str) -> Provisioned:
        flags = {member: _is_true(properties.get(name)) for name, member in _FLAGS.items()}
        name = properties.get("Name", logical_id)
        made = call(self._client().create_request_validator, restApiId=properties["RestApiId"], name=name, **flags)
        return made["id"], {"RequestValidatorId": made["id"]}

    def find(self, _logical_id: str, _properties: Document, _stack_name: str) -> Provisioned | None:
        """Return None: a validator goes with its API."""
        return None

    def update(
        self, physical_id: str, old: Document, new: Document, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        if any(old.get(name) != new.get(name) for name in ("RestApiId", "Name")):
            return self.create(logical_id or physical_id, new, stack_name)
        operations = [
            {"op": "replace", "path": f"/{member}", "value": str(_is_true(new.get(name))).lower()}
            for name, member in _FLAGS.items()
        ]
        self._client().update_request_validator(
            restApiId=new["RestApiId"], requestValidatorId=physical_id, patchOperations=operations
        )
        return physical_id, {"RequestValidatorId": physical_id}

    def delete(self, physical_id: str, properties: Document) -> None:
        client = self._client()
        try:
            client.delete_request_validator(restApiId=properties["RestApiId"], requestValidatorId=physical_id)
        except client.exceptions.NotFoundException:
            return


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
