"""Events and metrics are sent when their change is committed, in order, once they can be."""

import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from localaws.service.outbox import Outbox
from localaws.storage.store import Store
from tests.conftest import until


class Services:
    """EventBridge and CloudWatch, which a test can take away; stands where `Aws` does."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.calls = 0
        self.there = threading.Event()
        self.refused: set[str] = set()

    def client(self, _: str) -> "Services":
        return self

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self.calls += 1
        if not self.there.is_set():
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
        assert len(Entries) <= 10
        taken = [entry for entry in Entries if entry["DetailType"] not in self.refused]
        self.taken += [entry["DetailType"] for entry in taken]
        return {"Entries": [{} if entry in taken else {"ErrorCode": "MalformedDetail"} for entry in Entries]}

    def put_metric_data(self, **request: Any) -> None:
        self.calls += 1
        if not self.there.is_set():
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "PutMetricData")
        if request["Namespace"] in self.refused:
            answer = {"Error": {"Code": "InvalidParameterValue"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "PutMetricData")  # type: ignore[arg-type]
        self.taken.append((request["Namespace"], request["MetricData"][0]["MetricName"]))


@pytest.fixture
def services() -> Services:
    return Services()


def outbox_of(path: Path, services: Services) -> tuple[Store, Outbox]:
    store = Store(path / "store.sqlite")
    return store, Outbox(store, services)  # type: ignore[arg-type]


def test_what_cannot_be_sent_is_sent_after_the_next_start_in_order(tmp_path: Path, services: Services) -> None:
    _, before = outbox_of(tmp_path, services)
    before.start()
    expected: list[Any] = []
    for number in range(25):
        before.event("codebuild", str(number), {"n": number}, [])
        expected.append(str(number))
    before.metrics("Jobs", {"loss": 0.5}, {"Job": "j"})
    before.event("codebuild", "last", {}, [])
    until(lambda: services.calls)
    before.close()  # as far as that goes: nobody takes anything
    assert services.taken == []
    services.there.set()
    _, after = outbox_of(tmp_path, services)
    after.start()
    until(lambda: len(services.taken) == 27)
    after.close()
    assert services.taken == [*expected, ("Jobs", "loss"), "last"]
    _, empty = outbox_of(tmp_path, services)
    empty.start()
    empty.close()
    assert len(services.taken) == 27


def test_an_event_belongs_to_its_transaction(tmp_path: Path, services: Services) -> None:
    services.there.set()
    store, outbox = outbox_of(tmp_path, services)
    outbox.start()
    with pytest.raises(RuntimeError), store.transaction():
        outbox.event("codebuild", "of a change that was not made", {}, [])
        raise RuntimeError
    with store.transaction():
        outbox.event("codebuild", "made", {}, [])
        assert services.taken == []
    until(lambda: services.taken)
    outbox.close()
    assert services.taken == ["made"]


def test_a_refusal_is_logged_and_holds_nothing_up(
    tmp_path: Path, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    services.there.set()
    services.refused = {"bad", "BadMetrics"}
    _, outbox = outbox_of(tmp_path, services)
    outbox.event("codebuild", "bad", {}, [])
    outbox.metrics("BadMetrics", {"loss": 1.0}, {})
    outbox.event("codebuild", "good", {}, [])
    outbox.start()
    until(lambda: services.taken)
    outbox.close()
    assert services.taken == ["good"]
    assert "MalformedDetail" in caplog.text
    assert "InvalidParameterValue" in caplog.text
