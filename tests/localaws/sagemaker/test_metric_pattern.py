"""What a user's regular expression finds in a log, and what it may cost."""

import time
from pathlib import Path

import pytest

from localaws.images import algorithms
from localaws.sagemaker.jobs.final_metrics import final_metrics
from localaws.sagemaker.jobs.metric_pattern import MetricPattern
from localaws.sagemaker.tuning.metric_reader import MetricReader

FOR_EVER = "loss=(a+)+b"


@pytest.mark.parametrize(
    ("pattern", "line", "values"),
    [
        (r"loss=(\S+)", "loss=0.5 loss=.25", [0.5, 0.25]),
        (r"loss=(\S+)", "loss=1e-3 loss=-7", [0.001, -7.0]),
        (r"loss=(\S+)", "loss=nan loss=inf loss=0x10 loss=-", []),
        (r"loss=(\d+)?", "loss=", []),
        (r"loss=\d+", "loss=1", []),
        (r"(?<=loss=)(\d+)", "loss=3", [3.0]),
        (r"losses?=(\d+)", "losse=3 losses=4", [3.0, 4.0]),
        (r"loss=*(\d+)", "loss5", [5.0]),
        (r"(?i)loss=(\d+)", "LOSS=6", [6.0]),
        (r"error=(?:\d+)|loss=(\d+)", "loss=7", [7.0]),
    ],
)
def test_numbers_of_any_form_give_a_metric_or_none(pattern: str, line: str, values: list[float]) -> None:
    assert list(MetricPattern("loss", pattern).values(line)) == values


def test_what_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Regex 'loss=\(' of metric 'loss': "):
        MetricPattern("loss", "loss=(")


def test_a_pattern_that_takes_for_ever_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"loss={'a' * 60}\nacc=0.5\n" * 3)
    pattern = MetricPattern("loss", FOR_EVER, seconds=0.2)
    began = time.monotonic()
    assert MetricReader(log, pattern).read() == []
    assert list(pattern.values("loss=aab")) == []
    assert time.monotonic() - began < 30
    definitions = [{"Name": "acc", "Regex": "acc=(.+)"}, {"Name": "none", "Regex": "x=(.+)"}]
    assert [(each["MetricName"], each["Value"]) for each in final_metrics(log, definitions)] == [("acc", 0.5)]


def test_a_reader_follows_a_log_and_bears_a_line_without_an_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("loss=1\nloss=2")
    reader = MetricReader(log, MetricPattern("loss", r"loss=(\d+)"))
    assert reader.read() == [1.0]
    with log.open("a") as more:
        more.write("5\n" + "x" * 5_000_000)
    assert reader.read() == [1.0, 25.0]
    with log.open("a") as more:
        more.write("\nloss=3\n")
    assert reader.read() == [1.0, 25.0, 3.0]
    reader.close()


def test_the_many_metrics_of_an_algorithm_cost_little(tmp_path: Path) -> None:
    """Looking for each with its expression took ten times as long."""
    log = tmp_path / "log"
    log.write_text("".join(f"[{number}]#011train-rmse:{number}#011validation-rmse:2\n" for number in range(5000)))
    began = time.process_time()
    found = final_metrics(log, algorithms.XGBOOST.metric_definitions)
    assert {row["MetricName"]: row["Value"] for row in found} == {"train:rmse": 4999, "validation:rmse": 2}
    assert time.process_time() - began < 2
