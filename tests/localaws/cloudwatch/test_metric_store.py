"""The store of metric data: what is read is what was written, rolled up or not, and it stays small."""

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localaws.ministack.cloudwatch.data.aggregate import Aggregate, single, together
from localaws.ministack.cloudwatch.data.distribution import RELATIVE_ERROR
from localaws.ministack.cloudwatch.data.metric import Datum, Metric, Scope, Window
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.retention import DAY, HOUR, rounded_start
from localaws.ministack.cloudwatch.data.statistic import statistic
from localaws.ministack.cloudwatch.data.store import MetricStore

NOW = 1_800_000_000.0  # a whole hour
MINE = Scope("1", "r")
METRIC = Metric(MINE, "N", "M", (("D", "d"),))
EVERY = ("SampleCount", "Sum", "Minimum", "Maximum", "p50", "p99", "tm95")


def datum(seconds: float, value: float, metric: Metric = METRIC, count: float = 1.0, **members: object) -> Datum:
    return Datum(metric, int(seconds * 1000), single(value, count), **members)  # type: ignore[arg-type]


def window(start: float, end: float, period: float) -> Window:
    return Window(int(start * 1000), int(end * 1000), int(period * 1000))


@pytest.fixture
def store(tmp_path: Path) -> MetricStore:
    return MetricStore(tmp_path / "metrics.sqlite")


def sums(store: MetricStore, asked: Window, metric: Metric = METRIC) -> dict[int, float]:
    return {n: each.sum for n, each in store.read(metric, asked, values=False).get("None", {}).items()}


def test_periods_include_their_begin_and_not_their_end(store: MetricStore) -> None:
    store.write(datum(NOW + at, 1.0) for at in (-0.001, 0, 59.999, 60, 119.999, 120))
    assert sums(store, window(NOW, NOW + 120, 60)) == {0: 2, 1: 2}


def test_a_second_that_is_told_of_twice_is_one_row(store: MetricStore) -> None:
    for value in (1.0, 2.0, 2.0):
        store.write([datum(NOW, value)])
    [whole] = store.read(METRIC, window(NOW, NOW + 60, 60), values=True)["None"].values()
    assert whole == Aggregate(3, 5, 1, 2, {1.0: 1.0, 2.0: 2.0})


def test_metrics_units_accounts_and_regions_are_told_apart(store: MetricStore) -> None:
    others = [Metric(MINE, "N", "M"), Metric(Scope("2", "r"), "N", "M", METRIC.dimensions)]
    others.append(Metric(Scope("1", "s"), "N", "M", METRIC.dimensions))
    store.write([datum(NOW, 1.0), *(datum(NOW, 9.0, other) for other in others)])
    store.write([datum(NOW, 7.0, unit="Seconds")])
    asked = window(NOW, NOW + 60, 60)
    assert {unit: each[0].sum for unit, each in store.read(METRIC, asked, values=False).items()} == {
        "None": 1.0,
        "Seconds": 7.0,
    }
    assert list(store.read(METRIC, asked, unit="Seconds", values=False)) == ["Seconds"]
    assert sums(store, asked, others[0]) == {0: 9.0}


def test_periods_below_a_minute_are_for_metrics_of_high_resolution(tmp_path: Path) -> None:
    low, high = Metric(MINE, "N", "Low"), Metric(MINE, "N", "High")
    for scale, expected in ((1.0, {}), (0.1, {0: 1.0})):
        store = MetricStore(tmp_path / f"{scale}.sqlite", scale)
        store.write([datum(NOW, 1.0, low), datum(NOW, 1.0, high, resolution=1)])
        asked = window(NOW, NOW + 10, 10)
        assert (sums(store, asked, high), sums(store, asked, low)) == ({0: 1.0}, expected)


def test_what_grows_old_is_rolled_up_and_then_goes(store: MetricStore) -> None:
    spread, values = random.Random(1), []
    for second in range(HOUR):
        values.append([float(round(spread.lognormvariate(8, 1))) for _ in range(3)])
        store.write([Datum(METRIC, int(NOW + second) * 1000, together(single(v, 1.0) for v in values[-1]), "None", 1)])
    asked = window(NOW, NOW + HOUR, HOUR)
    before = store.read(METRIC, asked, values=True)["None"][0]
    # A period finer than what is kept has no data any more.
    for age, periods in ((2 * HOUR, {1, 60, 300, HOUR}), (4 * HOUR, {60, 300, HOUR}), (16 * DAY, {300, HOUR})):
        store.roll_up(1, NOW + HOUR + age)
        for period in (1, 60, 300, HOUR):
            found = sums(store, window(NOW, NOW + HOUR, period))
            assert len(found) == (HOUR // period if period in periods else 0)
            assert not found or sum(found.values()) == before.sum
    store.roll_up(1, NOW + 64 * DAY)
    after = store.read(METRIC, asked, values=True)["None"][0]
    for name in EVERY:
        assert statistic(name).of(after) == pytest.approx(statistic(name).of(before), rel=RELATIVE_ERROR), name
    store.roll_up(1, NOW + 457 * DAY)
    assert store.read(METRIC, asked, values=True) == {}
    assert store.numbers() == []
    store.write([datum(NOW, 1.0)])  # under a new number
    assert sums(store, asked) == {0: 1.0}


def test_late_data_join_what_was_rolled_up(store: MetricStore) -> None:
    for value in (1.0, 2.0):
        store.write([datum(NOW, value)])
        store.roll_up(1, NOW + 5 * HOUR)
    [whole] = store.read(METRIC, window(NOW, NOW + 60, 60), values=True)["None"].values()
    assert whole == Aggregate(2, 3, 1, 2, {1.0: 1.0, 2.0: 1.0})


def test_a_statistic_set_takes_the_distribution_away(store: MetricStore) -> None:
    store.write([datum(NOW, 1.0), datum(NOW, 2.0)])
    store.write([Datum(METRIC, int(NOW * 1000), Aggregate(2, 9, 4, 5))])
    [whole] = store.read(METRIC, window(NOW, NOW + 60, 60), values=True)["None"].values()
    assert whole == Aggregate(4, 12, 1, 5, None)
    store.write([datum(NOW, 3.0)])
    [whole] = store.read(METRIC, window(NOW, NOW + 60, 60), values=True)["None"].values()
    assert whole == Aggregate(5, 15, 1, 5, None)


def test_a_write_that_fails_leaves_nothing(store: MetricStore) -> None:
    with pytest.raises(AttributeError):
        store.write([datum(NOW, 1.0, Metric(MINE, "N", "New")), None])  # type: ignore[list-item]
    assert store.numbers() == []
    store.write([datum(NOW, 1.0, Metric(MINE, "N", "New"))])
    assert len(store.numbers()) == 1


@pytest.mark.parametrize(
    ("age", "period", "expected"),
    [(60, 1, 37), (60, 10, 30), (60, 60, 0), (60, 300, 0), (20 * DAY, 60, -120), (70 * DAY, 60, -1320)],
)
def test_where_the_first_period_begins(age: int, period: int, expected: int) -> None:
    start = NOW + 22 * 60 + 37.5
    assert rounded_start(start, period, start + age) == (NOW + 22 * 60 + expected) * 1000


def test_reading_waits_for_no_writer_and_sees_whole_writes(store: MetricStore) -> None:
    pair = [Metric(MINE, "N", name) for name in ("A", "B")]
    done = threading.Event()

    def write() -> None:
        for _ in range(200):
            store.write([datum(NOW, 1.0, metric) for metric in pair])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    asked, seen = window(NOW, NOW + 60, 60), [0.0]
    while not done.is_set():
        found = [sums(store, asked, metric).get(0, 0.0) for metric in pair]
        assert found[0] <= found[1]
        seen.append(found[0])
    writer.join()
    assert seen == sorted(seen)
    assert sums(store, asked, pair[1]) == {0: 200.0}


def test_what_nobody_waits_for_is_written_before_the_end_and_a_failure_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(MetricStore(tmp_path / "m.sqlite"))
    recorder.put([None])  # type: ignore[list-item]
    for _ in range(50):
        recorder.put([datum(NOW, 1.0)])
    recorder.roll_up_when_due()  # there is nothing old
    recorder.close()
    assert "Metric data could not be kept" in caplog.text
    after = MetricStore(tmp_path / "m.sqlite")
    assert sums(after, window(NOW, NOW + 60, 60)) == {0: 50.0}


_WRITER = """
import sys
from pathlib import Path
from tests.localaws.cloudwatch.test_metric_store import NOW, datum
from localaws.ministack.cloudwatch.data.store import MetricStore
store = MetricStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.write([datum(NOW + number % 100, 1.0)])
    print(number + 1, flush=True)
"""


def test_what_was_acknowledged_is_there_after_kill_nine(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as writer:
        assert writer.stdout
        acknowledged = 0
        for line in writer.stdout:
            if (acknowledged := int(line)) >= 300:
                writer.send_signal(signal.SIGKILL)
                acknowledged = max([acknowledged, *(int(rest) for rest in writer.stdout if rest.strip().isdigit())])
                break
    kept = sum(sums(MetricStore(path), window(NOW, NOW + 120, 60)).values())
    assert acknowledged <= kept <= acknowledged + 1
