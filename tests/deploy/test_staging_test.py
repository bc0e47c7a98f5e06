"""The parts of the staging test that decide: tables in, verdicts out."""

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn import metrics as reference

from deploy.errors import DeployError
from deploy.test import invocation, records, report
from deploy.test.metrics import percentile, regression_metrics
from deploy.test.problems import Regression


def test_metrics_are_scikit_learns():
    generator = np.random.default_rng(0)
    targets = generator.normal(size=50)
    predictions = targets + generator.normal(size=50)
    assert regression_metrics(list(targets), list(predictions)) == pytest.approx(
        {
            "mae": reference.mean_absolute_error(targets, predictions),
            "mse": reference.mean_squared_error(targets, predictions),
            "rmse": reference.root_mean_squared_error(targets, predictions),
            "r2": reference.r2_score(targets, predictions),
        },
        rel=1e-12,
    )


def test_targets_that_are_all_the_same_have_no_r2():
    assert math.isnan(regression_metrics([1, 1], [1, 2])["r2"])


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1, 100), (0, 1)])
def test_percentiles(share: float, value: int):
    assert percentile(range(1, 101), share) == value


def test_records_are_the_files_lines_without_the_target():
    found = records.parse("a,target,b\n1.0,2.5,3e-1\n\n4,5,6\n", "target", "x", Regression())
    assert found == records.Records(("1.0,3e-1", "4,6"), (2.5, 5.0))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no header"),
        ("a,b\n1,2\n", "it has a, b"),
        ("target\nx\n", "not a number"),
        ("a,target\n1\n", "not a number"),
    ],
)
def test_a_file_that_is_no_test_set_is_named(text: str, why: str):
    with pytest.raises(DeployError, match=f"s3://b/x.*{why}"):
        records.parse(text, "target", "s3://b/x", Regression())


@pytest.mark.parametrize(
    ("body", "content_type", "numbers"),
    [
        (b"1.5\n2\n", "text/csv", [1.5, 2]),
        (b"1.5,2", "text/csv; charset=utf-8", [1.5, 2]),
        (b"434.0", "application/json", [434.0]),
        (b"[[1], [2]]", "application/json", [1, 2]),
        (b'{"predictions": [{"score": 1.5}]}', "application/json", [1.5]),
    ],
)
def test_predictions_are_found_in_whatever_they_are_wrapped_in(body: bytes, content_type: str, numbers: list[float]):
    found = invocation.read(body, content_type, len(numbers), Regression())
    assert [prediction.outcome for prediction in found] == numbers


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>", "text/csv"),
        (b"{", "application/json"),
        (b'["1"]', "application/json"),
        (b"[true]", "application/json"),
    ],
)
def test_what_is_no_number_is_no_prediction(body: bytes, content_type: str):
    with pytest.raises(DeployError, match="not numbers"):
        invocation.read(body, content_type, 1, Regression())


def test_the_report_is_junits(tmp_path: Path):
    path = tmp_path / "report.xml"
    results = [report.Result("A", True, "fine", 0.25), report.Result("B", False, 'x < "y"', 0.5)]
    report.write(path, "staging-test", results)
    [suite] = ElementTree.parse(path).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("2", "1", "0.750")
    failures = {case.get("name"): case.find("failure") for case in suite}
    assert failures["A"] is None
    assert failures["B"] is not None
    assert failures["B"].get("message") == 'x < "y"'
