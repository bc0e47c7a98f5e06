"""API Gateway: a stage serves the snapshot of its API that its deployment is, not what the API has become since.

A method that is changed without a deployment stays as it was, as on AWS. MiniStack keeps gateway responses with a
deployment already, and serves everything else as it is at the moment.

A snapshot is kept as one more API, whose id is the API's and the deployment's, in MiniStack's own stores: it saves and
restores them.
"""

import copy
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from localaws.ministack.private import private

# What a request is answered by: each a store of MiniStack's, by the API's id.
_STORES = ("_resources", "_models", "_request_validators")
# What reads those stores for a request, and where among its arguments the API's id is.
_READERS = {"_match_resource_tree": 0, "_match_greedy_fallback": 0, "_model_schema": 0, "_check_request_validation": 1}

# The API and the stage that are asked at the moment.
_asked: ContextVar[tuple[str, str]] = ContextVar("_asked", default=("", ""))


def serve_deployments() -> None:
    """Answer requests from the snapshot that the stage's deployment is.

    Hooks ``ministack.services.apigateway_v1``: ``_create_deployment``, ``_delete_deployment`` and ``_delete_rest_api``
    keep and drop snapshots; ``_execute_in_scope`` and ``method_authorization_type`` are about a request to a stage,
    whose deployment ``_stages_v1`` names; the functions in `_READERS` read the stores in `_STORES` for it.
    """
    gateway: Any = importlib.import_module("ministack.services.apigateway_v1")
    stores = [private(gateway.__name__, name) for name in _STORES]
    deployments = private(gateway.__name__, "_deployments_v1")
    create, delete = (private(gateway.__name__, name) for name in ("_create_deployment", "_delete_deployment"))
    delete_api = private(gateway.__name__, "_delete_rest_api")
    execute = private(gateway.__name__, "_execute_in_scope")
    authorization_type = private(gateway.__name__, "method_authorization_type")

    def create_and_keep(api_id: str, data: Any) -> Any:
        known = set(deployments.get(api_id, {}))
        answer = create(api_id, data)
        for made in set(deployments.get(api_id, {})) - known:
            for store in stores:
                store[_snapshot(api_id, made)] = copy.deepcopy(store.get(api_id, {}))
        return answer

    def drop(api_id: str, deployment_id: str) -> None:
        for store in stores:
            store.pop(_snapshot(api_id, deployment_id), None)

    def delete_and_drop(api_id: str, deployment_id: str) -> Any:
        drop(api_id, deployment_id)
        return delete(api_id, deployment_id)

    def delete_api_and_drop(api_id: str) -> Any:
        for deployment_id in deployments.get(api_id, {}):
            drop(api_id, deployment_id)
        return delete_api(api_id)

    async def execute_snapshot(request: Any, api_id: str, stage_name: str, *arguments: Any) -> Any:
        with _asking(api_id, stage_name):
            return await execute(request, api_id, stage_name, *arguments)

    def authorization_type_of_snapshot(api_id: str, stage_name: str, *arguments: Any) -> Any:
        with _asking(api_id, stage_name):
            return authorization_type(api_id, stage_name, *arguments)

    gateway._create_deployment = create_and_keep
    gateway._delete_deployment = delete_and_drop
    gateway._delete_rest_api = delete_api_and_drop
    gateway._execute_in_scope = execute_snapshot
    gateway.method_authorization_type = authorization_type_of_snapshot
    for name, position in _READERS.items():
        setattr(gateway, name, _reading(private(gateway.__name__, name), position))


def answers_for(api_id: str) -> str:
    """Return the id to read the stores by: that of a snapshot, in a request to a stage."""
    asked, stage_name = _asked.get()
    if api_id != asked:
        return api_id
    stages = private("ministack.services.apigateway_v1", "_stages_v1")
    return _snapshot(api_id, stages.get(api_id, {}).get(stage_name, {}).get("deploymentId", ""))


def _snapshot(api_id: str, deployment_id: str) -> str:
    return f"{api_id}/{deployment_id}"


@contextmanager
def _asking(api_id: str, stage_name: str) -> Iterator[None]:
    token = _asked.set((api_id, stage_name))
    try:
        yield
    finally:
        _asked.reset(token)


def _reading(read: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Have a function read the stores for another API than the one among its arguments."""

    def read_for(*arguments: Any) -> Any:
        return read(*arguments[:position], answers_for(arguments[position]), *arguments[position + 1 :])

    return read_for
