"""EventBridge: events of our own services."""

import importlib
from typing import Any

from localaws.gateway import asked_by_service
from localaws.ministack.hook import hook


def let_services_emit() -> None:
    """Let our own services put events of the source ``aws.*``, which EventBridge refuses to users.

    Hook ``ministack.services.eventbridge._put_events``, whose parameter ``allow_aws_source`` is what MiniStack's own
    services use. `localaws.gateway.asked_by_service` tells who asks.
    """
    module = importlib.import_module("ministack.services.eventbridge")
    put_events = hook(module.__name__, "_put_events")

    def put(data: Any, allow_aws_source: bool = False) -> Any:
        return put_events(data, allow_aws_source=allow_aws_source or asked_by_service.get())

    module._put_events = put  # type: ignore[attr-defined]
