"""CloudWatch's statistics, and what is left of them when values are rounded."""

import random

import pytest

from localaws.ministack.cloudwatch.data.aggregate import Aggregate, single, together
from localaws.ministack.cloudwatch.data.distribution import RELATIVE_ERROR, decoded, encoded, merged
from localaws.ministack.cloudwatch.data.statistic import UnknownStatistic, statistic

HUNDRED = together(single(float(value), 1.0) for value in range(1, 101))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 100),
        ("Sum", 5050),
        ("Average", 50.5),
        ("Minimum", 1),
        ("Maximum", 100),
        ("p0", 1),
        ("p50", 50.5),
        ("p90", 90.1),
        ("P99.9", 99.901),
        ("p100", 100),
        ("tm90", 45.5),
        ("TM(10%:90%)", 50.5),
        ("TM(80%:)", 90.5),
        ("TM(:5)", 3),
        ("IQM", 50.5),
        ("tc90", 90),
        ("TC(2:5)", 3),  # the lower boundary is exclusive
        ("tc(2:)", 98),
        ("ts90", 4095),
        ("TS(80%:)", 1810),
        ("PR(10:20)", 10),
        ("PR(:30)", 30),
        ("wm90", 49.96),  # ten values become 90.1
        ("WM(20:80)", 50.3),
    ],
)
def test_a_statistic_of_the_values_from_1_to_100(name: str, expected: float) -> None:
    assert statistic(name).of(HUNDRED) == pytest.approx(expected)


NO_STATISTICS = (
    "average p p101 p-1 p90.12345678901 tm tm90% TM() TM(:) TM(1:90%) TM(90%:10%) TM(%:9) TM(0%:101%) PR(1%:2%) PR(10) "
    "Median IQM2"
)


@pytest.mark.parametrize("name", [*NO_STATISTICS.split(), ""])
def test_what_is_no_statistic_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownStatistic, match="is no statistic"):
        statistic(name)


def test_a_value_counts_as_often_as_it_was_seen() -> None:
    often = together([single(1.0, 900.0), single(10.0, 100.0)])
    assert [statistic(name).of(often) for name in ("p50", "p95", "tm90", "tc95", "PR(5:)")] == [1, 10, 1, 950, 10]


@pytest.mark.parametrize("name", ["p50", "tm90", "TC(1:2)", "PR(:1)", "wm90", "IQM"])
def test_of_a_statistic_set_and_of_negative_values_there_are_no_percentiles(name: str) -> None:
    for unknown in (Aggregate(2, 6, 1, 5), single(-1.0, 1.0)):
        assert statistic(name).of(unknown) is None
        assert statistic(name).of(together([unknown, HUNDRED])) is None
        assert statistic("Maximum").of(together([unknown, HUNDRED])) == 100


def test_nothing_has_no_statistic() -> None:
    empty = Aggregate(0, 0, 0, 0)
    assert statistic("Average").of(empty) is None
    assert statistic("TM(200:300)").of(HUNDRED) is None
    assert statistic("TC(200:300)").of(HUNDRED) == 0


@pytest.mark.parametrize("seed", range(5))
def test_rounding_keeps_each_value_within_the_stated_error_however_often_it_is_done(seed: int) -> None:
    spread = random.Random(seed)
    values = {spread.lognormvariate(0, 20): float(spread.randint(1, 9)) for _ in range(1000)} | {0.0: 3.0}
    once = decoded(encoded(values, most_values=10))
    exact, rounded = together(single(*each) for each in values.items()), merged([once])
    for percent in (0, 1, 25, 50, 75, 90, 99, 99.9, 100):
        name = f"p{percent}"
        there = statistic(name).of(Aggregate(exact.count, exact.sum, exact.minimum, exact.maximum, rounded))
        assert there == pytest.approx(statistic(name).of(exact), rel=RELATIVE_ERROR * 1.01), name
    again = once
    for _ in range(3):
        again = decoded(encoded(again, most_values=10))
    assert again == once
    assert sum(once.values()) == exact.count


def test_few_values_are_kept_as_they_are_and_many_take_little_room() -> None:
    few = {0.1: 1.0, 3.3: 2.5, 1e9: 7.0}
    assert decoded(encoded(few, most_values=3)) == few
    many = {float(value): 1.0 for value in range(1, 1_000_000, 7)}
    assert len(encoded(many, most_values=150)) < 3000
    extremes = {2.0**-360: 1.0, 2.0**360: 1.0, 1.0: 1.0}
    assert sorted(decoded(encoded(extremes, most_values=1))) == pytest.approx(sorted(extremes), rel=RELATIVE_ERROR)
