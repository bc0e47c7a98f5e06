"""No idempotency token is forgotten: each operation that takes one is carried out once, whoever repeats it and when."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.account.clients import Aws
from localaws.protocol.model import service_model
from localaws.sagemaker.service import SageMaker
from localaws.service.context import TOKEN_MEMBERS, TOKEN_RESOURCES, Context
from localaws.service.service import Service
from localaws.services.catalog import SERVICES
from localaws.storage.store import Resource, Store, TokenMismatch


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite")


def test_many_at_once_and_a_thousand_others_later(store: Store, tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> dict[str, int]:
        made.append(len(made))
        store.add(Resource("thing", str(len(made)), f"arn:{len(made)}", {}))
        return {"number": len(made)}

    gate = threading.Barrier(8)

    def ask() -> dict[str, int]:
        gate.wait()
        return store.once("service.Make", "token", {"a": 1}, make)

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert answers == [{"number": 1}] * 8
    for number in range(1_001):
        store.once("service.Make", f"other-{number}", {"a": 1}, dict)
    again = Store(tmp_path / "store.sqlite")  # as after kill -9
    assert again.once("service.Make", "token", {"a": 1}, make) == {"number": 1}
    assert len(store.every("thing")) == 1


def test_what_fails_is_not_remembered(store: Store) -> None:
    def fail() -> dict[str, int]:
        store.add(Resource("thing", "t", "arn:t", {}))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.once("service.Make", "token", {}, fail)
    assert store.every("thing") == []
    assert store.once("service.Make", "token", {}, lambda: {"number": 1}) == {"number": 1}


def test_a_token_belongs_to_its_operation_and_parameters_and_ends(store: Store) -> None:
    assert store.once("service.Make", "token", {"a": 1}, lambda: {"number": 1}) == {"number": 1}
    assert store.once("service.Other", "token", {"a": 2}, lambda: {"number": 2}) == {"number": 2}
    with pytest.raises(TokenMismatch, match="token was used with other parameters"):
        store.once("service.Make", "token", {"a": 2}, lambda: {"number": 3})
    assert store.once("service.Make", "short", {"a": 1}, lambda: {"number": 3}, seconds=0.01) == {"number": 3}
    time.sleep(0.02)
    assert store.answered("service.Make", "short", {"a": 1}) is None
    assert store.once("service.Make", "short", {"a": 2}, lambda: {"number": 4}) == {"number": 4}


def test_a_token_belongs_to_the_resource_that_it_was_given_for(tmp_path: Path) -> None:
    context = Context.of(tmp_path / "s.sqlite", Aws("http://127.0.0.1:9", "us-east-1", "000000000000"), tmp_path)
    made: list[str] = []

    def start(name: str, **more: str) -> dict[str, str]:
        def make() -> dict[str, str]:
            made.append(name)
            return {"PipelineExecutionArn": f"{name}/execution/{len(made)}"}

        request = {"PipelineName": name, "ClientRequestToken": "t" * 32, **more}
        return context.once("sagemaker.StartPipelineExecution", request, make)

    first = start("a")
    assert start("b") != first
    assert (start("a"), made) == (first, ["a", "b"])
    with pytest.raises(TokenMismatch):
        start("a", PipelineExecutionDisplayName="other")


def test_every_resource_of_a_token_is_a_required_member() -> None:
    for scope, member in TOKEN_RESOURCES.items():
        service, operation = scope.split(".")
        shape = service_model(service).operation_model(operation).input_shape
        assert shape is not None
        assert member in shape.required_members, scope
        assert set(shape.members) & set(TOKEN_MEMBERS), scope


@pytest.mark.parametrize("service", [*SERVICES, SageMaker], ids=lambda service: service.name)
def test_every_operation_that_takes_a_token_keeps_it(
    service: type[Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is carried out through `Context.once`: the scopes that the code names are the operations with a token."""
    made = service(Context.of(tmp_path / "s.sqlite", Aws("http://127.0.0.1:9", "us-east-1", "000000000000"), tmp_path))
    taking = {
        name
        for name in made.operations
        if (shape := made.model.operation_model(name).input_shape) and set(shape.members) & set(TOKEN_MEMBERS)
    }
    asked: set[str] = set()

    def once(self: Context, scope: str, *_: object, **__: object) -> dict[str, str]:
        asked.add(scope)
        return {}

    monkeypatch.setattr(Context, "once", once)
    for name in taking:
        asked.clear()
        made.operations[name](Anything(BEFORE.get(name, {})))
        assert asked == {f"{service.name}.{name}"}, name


BEFORE = {"CreatePipeline": {"PipelineDefinition": '{"Version": "2020-12-01", "Steps": []}'}}
"""What is looked at before the token, since looking takes time that a transaction must not take."""


class Anything(dict):  # type: ignore[type-arg]
    """A request that has every member, as far as a handler reads before it asks for the token."""

    def __missing__(self, key: str) -> object:
        raise AssertionError(f"{key} is read before the token is looked at")
