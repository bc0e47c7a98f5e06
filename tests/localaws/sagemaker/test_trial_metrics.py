"""Metrics of trial components, as boto3's `sagemaker-metrics` and the SDK's `Run` put and get them."""

import json
import math
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.account.clients import Aws
from localaws.sagemaker.lineage import trial_metrics as service
from localaws.sagemaker.lineage.metric_points import MetricPoints, Point, Span
from localaws.sagemaker.lineage.metric_summary import continued, summary
from localaws.sagemaker.lineage.trial_metrics import SageMakerMetrics
from localaws.sagemaker.service import SageMaker
from localaws.service.context import Context
from localaws.storage.store import Store
from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import unique
from tests.localaws.sagemaker.resources import refusal

Document = dict[str, Any]

MINUTE = 60 * (int(time.time()) // 60) - 600
"""The begin of a minute, a while ago."""


@pytest.fixture
def component(local_aws: LocalAws) -> Iterator[Document]:
    sagemaker, name = local_aws.client("sagemaker"), unique("run")
    arn = sagemaker.create_trial_component(TrialComponentName=name)["TrialComponentArn"]
    yield {"TrialComponentName": name, "TrialComponentArn": arn}
    sagemaker.delete_trial_component(TrialComponentName=name)


def datum(value: float, seconds: float = MINUTE, name: str = "loss", **members: Any) -> Document:
    return {"MetricName": name, "Timestamp": seconds, "Value": value, **members}


def query(arn: str, **members: Any) -> Document:
    common = {"MetricName": "loss", "Period": "IterationNumber", "XAxisType": "IterationNumber", "MetricStat": "Avg"}
    return {"ResourceArn": arn, **common, **members}


def test_what_is_put_is_described_and_got(local_aws: LocalAws, component: Document) -> None:
    """Through the URL of all services, as AWS_ENDPOINT_URL leads there."""
    name, arn = component["TrialComponentName"], component["TrialComponentArn"]
    sagemaker, metrics = local_aws.client("sagemaker"), local_aws.client("sagemaker-metrics")
    assert sagemaker.describe_trial_component(TrialComponentName=name)["Metrics"] == []
    first = [datum(4.0, step := MINUTE, Step=1), datum(1.0, step + 70, Step=2)]
    assert metrics.batch_put_metrics(TrialComponentName=name, MetricData=first)["Errors"] == []
    later = [datum(7.0, MINUTE + 10, Step=1), datum(0.5, name="accuracy")]
    assert metrics.batch_put_metrics(TrialComponentName=name, MetricData=later)["Errors"] == []

    loss, accuracy = sagemaker.describe_trial_component(TrialComponentName=name)["Metrics"]
    assert loss.pop("TimeStamp").timestamp() == MINUTE + 70
    assert loss.pop("StdDev") == pytest.approx(statistics.pstdev([4.0, 1.0, 7.0]))
    assert loss == {
        "MetricName": "loss",
        "SourceArn": arn,
        "Min": 1.0,
        "Max": 7.0,
        "Avg": 4.0,
        "Last": 1.0,
        "Count": 3,
    }
    assert (accuracy["MetricName"], accuracy["StdDev"], accuracy["Last"]) == ("accuracy", 0.0, 0.5)

    of_minutes = {"Period": "OneMinute", "XAxisType": "Timestamp"}
    queries = [
        query(arn),
        query(arn, MetricStat="Last"),
        query(arn, MetricStat="StdDev", **of_minutes),
        query(arn, MetricStat="Count", **of_minutes, Start=MINUTE + 60),
        query(arn, MetricStat="Max", **of_minutes, End=MINUTE + 10),
        query(arn, MetricName="accuracy", MetricStat="Min"),
        query(arn, MetricName="accuracy", MetricStat="Min", Period="OneHour", XAxisType="Timestamp"),
        query(arn, XAxisType="Timestamp"),
        query(f"{arn}-not"),
    ]
    found = metrics.batch_get_metrics(MetricQueries=queries)["MetricQueryResults"]
    assert [(one["XAxisValues"], one["MetricValues"]) for one in found] == [
        ([1, 2], [5.5, 1.0]),
        ([1, 2], [7.0, 1.0]),
        ([MINUTE, MINUTE + 60], [1.5, 0.0]),
        ([MINUTE + 60], [1.0]),
        ([MINUTE], [4.0]),
        ([], []),  # it was put without a step
        ([3600 * (MINUTE // 3600)], [0.5]),
        ([], []),
        ([], []),
    ]
    assert [one["Status"] for one in found] == ["Complete"] * 7 + ["ValidationError"] * 2
    assert found[-2]["Message"] == "XAxisType Timestamp does not go with Period IterationNumber"


def test_what_is_wrong_with_one_metric_is_its_own_error(local_aws: LocalAws, component: Document) -> None:
    metrics, name = local_aws.client("sagemaker-metrics"), component["TrialComponentName"]
    data = [
        datum(1.0),
        datum(math.nan),
        datum(math.inf),
        datum(1e300),
        datum(1.0, time.time() - 15 * 86_400),
        datum(1.0, time.time() + 3 * 3600),
        datum(1.0, Step=2**40),
        datum(2.0),
    ]
    errors = metrics.batch_put_metrics(TrialComponentName=name, MetricData=data)["Errors"]
    assert errors == [{"Code": "VALIDATION_ERROR", "MetricIndex": index} for index in range(1, 7)]
    (loss,) = local_aws.client("sagemaker").describe_trial_component(TrialComponentName=name)["Metrics"]
    assert (loss["Count"], loss["Avg"]) == (2, 1.5)


def test_a_component_that_is_not_there_keeps_nothing(local_aws: LocalAws) -> None:
    metrics = local_aws.client("sagemaker-metrics")
    answer = metrics.batch_put_metrics(TrialComponentName=unique("none"), MetricData=[datum(1.0), datum(2.0)])
    assert answer["Errors"] == [{"Code": "VALIDATION_ERROR", "MetricIndex": index} for index in range(2)]


def test_a_request_that_the_model_does_not_allow_is_refused(local_aws: LocalAws, component: Document) -> None:
    metrics, name = local_aws.client("sagemaker-metrics"), component["TrialComponentName"]
    too_many = {"TrialComponentName": name, "MetricData": [datum(1.0)] * 11}
    code, sentence = refusal(metrics.batch_put_metrics, **too_many)
    assert code == "ValidationException"
    assert "at 'metricData' failed to satisfy constraint: Member must have length less than or equal to 10" in sentence


def post(url: str, target: str = "", method: str = "POST") -> tuple[int, str, str]:
    headers = {"Content-Type": "application/json"} | ({"X-Amz-Target": target} if target else {})
    request = urllib.request.Request(url, b"{}", headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    answer = refused.value
    found = json.load(answer)
    return answer.code, answer.headers["content-type"], f"{found['__type']}: {found['message']}"


def test_a_path_is_answered_as_rest_and_beside_a_target_refused(local_aws: LocalAws) -> None:
    server = f"http://127.0.0.1:{local_aws.sagemaker_port}"
    found = post(f"{server}/BatchPutMetrics")
    assert found == (400, "application/json", "UnsupportedOperation: BatchPutMetrics is PUT /BatchPutMetrics, not POST")
    for path in ("/BatchPutMetrics", "/endpoints/e/invocations"):
        _, _, said = post(f"{server}{path}", "SageMaker.ListModels")
        assert said == f"UnsupportedOperation: X-Amz-Target 'SageMaker.ListModels' is for the path /, not {path}"


@pytest.fixture
def alone(tmp_path: Path) -> SageMakerMetrics:
    """The service over a store of its own, with a trial component `run`."""
    context = Context.of(tmp_path / "store.sqlite", Aws("http://127.0.0.1:9", "us-east-1", "000000000000"), tmp_path)
    SageMaker(context).call("CreateTrialComponent", {"TrialComponentName": "run"})
    return SageMakerMetrics(context)


def put(metrics: SageMakerMetrics, *data: Document) -> list[str]:
    """The codes of the errors."""
    answer = metrics.call("BatchPutMetrics", {"TrialComponentName": "run", "MetricData": list(data)})
    return [error["Code"] for error in answer["Errors"]]


def test_a_component_has_a_limit(alone: SageMakerMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_METRICS", 2)
    monkeypatch.setattr(service, "MOST_POINTS", 4)
    now = time.time()
    assert put(alone, *(datum(1.0, now, name=name) for name in "abc")) == ["METRIC_LIMIT_EXCEEDED"]
    assert put(alone, *(datum(1.0, now, "a", Step=step) for step in range(3))) == ["METRIC_LIMIT_EXCEEDED"]
    arn = alone.context.arn("sagemaker", "experiment-trial-component/run")
    (got,) = alone.call("BatchGetMetrics", {"MetricQueries": [query(arn, MetricName="a")]})["MetricQueryResults"]
    assert (got["Status"], got["XAxisValues"]) == ("Complete", [0, 1])
    monkeypatch.setattr(service, "MOST_VALUES", 1)
    (got,) = alone.call("BatchGetMetrics", {"MetricQueries": [query(arn, MetricName="a")]})["MetricQueryResults"]
    assert (got["Status"], got["XAxisValues"]) == ("Truncated", [0])


def test_points_outlive_their_server_and_go_with_their_component(alone: SageMakerMetrics, tmp_path: Path) -> None:
    put(alone, datum(1.0, time.time(), Step=1))
    store = Store(tmp_path / "store.sqlite")
    (number,) = (each.number for each in store.every("experiment-trial-component"))
    span = Span("loss", "IterationNumber")
    assert MetricPoints(store).statistic(number, span, "Last") == [(1, 1.0)]
    SageMaker(alone.context).call("DeleteTrialComponent", {"TrialComponentName": "run"})
    assert MetricPoints(store).statistic(number, span, "Last") == []


def test_a_jobs_own_metrics_stay_beside_those_that_are_put(alone: SageMakerMetrics) -> None:
    arn = alone.context.arn("sagemaker", "experiment-trial-component/run")
    own = {"MetricName": "loss", "SourceArn": "arn:job", "TimeStamp": 1.0, "Last": 9.0}
    alone.context.store.change(arn, lambda document, _: document.update(Metrics=[own]))  # type: ignore[func-returns-value]
    put(alone, datum(1.0, time.time()))
    found = alone.context.store.by_arn(arn)
    assert found is not None
    assert [(one["SourceArn"], one["Last"]) for one in found.document["Metrics"]] == [("arn:job", 9.0), (arn, 1.0)]


def test_a_summary_is_that_of_all_values() -> None:
    values = [1e8 + value for value in (4.0, 7.0, 13.0, 16.0, 4.5)]
    found = summary("m", "arn", values[0], 5.0)
    for seconds, value in enumerate(values[1:], start=4):
        found = continued(found, value, seconds)
    assert found["StdDev"] == pytest.approx(statistics.pstdev(values))
    assert found["Avg"] == pytest.approx(statistics.fmean(values))
    assert (found["Last"], found["TimeStamp"], found["Count"]) == (values[4], 7, 5)


def test_of_two_values_at_once_the_later_one_is_the_last(tmp_path: Path) -> None:
    points = MetricPoints(Store(tmp_path / "store.sqlite"))
    points.add(1, [Point("m", 60.0, value) for value in (1.0, 3.0, 2.0)])
    assert points.statistic(1, Span("m", "FiveMinute"), "Last") == [(0, 2.0)]


RUN = """
import logging; logging.disable(50)
import boto3
from sagemaker.core.experiments.run import Run
from sagemaker.core.helper.session_helper import Session
session = Session(default_bucket="none")
url = "https://metrics.sagemaker.us-east-1.amazonaws.com"
session.sagemaker_metrics_client = boto3.client("sagemaker-metrics", endpoint_url=url)
with Run(experiment_name="EXPERIMENT", run_name="first", sagemaker_session=session) as run:
    for step in range(25):
        run.log_metric("loss", 1 / (step + 1), step=step)
name = run._trial_component.trial_component_name
(found,) = boto3.client("sagemaker").describe_trial_component(TrialComponentName=name)["Metrics"]
print(found["Count"], found["Last"], found["Max"])
"""


def test_a_run_of_the_sdk_logs_its_metrics_here(local_aws: LocalAws) -> None:
    """The endpoint that is named in full is AWS's: the hook leads it here."""
    script = RUN.replace("EXPERIMENT", unique("experiment"))
    shown = local_aws.run([sys.executable, "-c", script])
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split()[-3:] == ["25", "0.04", "1.0"]
