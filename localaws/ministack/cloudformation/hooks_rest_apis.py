"""CloudFormation: a REST API has the endpoint that its template names."""

from typing import Any

from localaws.ministack.private import private


def keep_endpoint_configurations() -> None:
    """Give API Gateway the members of its own API: MiniStack keeps a template's, under which no client reads them.

    Hooks ``ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS``, the table of types.
    """
    handlers = private("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    handler = handlers["AWS::ApiGateway::RestApi"]
    create, update = handler["create"], handler["update"]

    def create_in_its_words(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        return create(logical_id, _in_its_words(properties), stack_name)

    def update_in_its_words(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *others: Any, **more: Any
    ) -> Any:
        return update(physical_id, _in_its_words(old), _in_its_words(new), *others, **more)

    handlers["AWS::ApiGateway::RestApi"] = {**handler, "create": create_in_its_words, "update": update_in_its_words}


def _in_its_words(properties: dict[str, Any]) -> dict[str, Any]:
    configuration = properties.get("EndpointConfiguration")
    if not isinstance(configuration, dict):
        return properties
    named = {f"{name[0].lower()}{name[1:]}": value for name, value in configuration.items()}
    return {**properties, "EndpointConfiguration": named}
