"""Strategies, ranges and rules as the pure functions that they are."""

import statistics
from collections.abc import Callable, Sequence

import pytest

from localaws.sagemaker.tuning.completion import Criteria, converged, criterion_met, hopeless
from localaws.sagemaker.tuning.objective import Objective, Trial, not_improving
from localaws.sagemaker.tuning.ranges import Categorical, Continuous, Integer, Space
from localaws.sagemaker.tuning.stopping import Hyperband, MedianRule
from localaws.sagemaker.tuning.strategies import BayesianSearch, GridSearch, RandomSearch, Strategy

LOSS = Objective("loss", minimize=True)
SCORE = Objective("score", minimize=False)


def ended(number: int, value: float | None, curve: Sequence[float] = (), status: str = "Completed") -> Trial:
    return Trial(number, {"x": "0"}, status, value, curve)


def search(strategy: Strategy, function: Callable[[dict[str, str]], float], n_trials: int) -> list[Trial]:
    """Ask and tell, one trial at a time."""
    trials: list[Trial] = []
    for number in range(n_trials):
        values = strategy.ask(number, trials)
        assert values is not None
        trials.append(Trial(number, values, "Completed", function(values)))
    return trials


def bowl(values: dict[str, str]) -> float:
    return (float(values["x"]) - 1.3) ** 2 + (float(values["y"]) + 2.1) ** 2 + (values["kind"] != "b")


BOWL = Space([Continuous("x", -5, 5, "Linear"), Continuous("y", -5, 5, "Linear"), Categorical("kind", ("a", "b", "c"))])


def best(trials: Sequence[Trial]) -> float:
    return min(trial.value for trial in trials if trial.value is not None)


def test_bayesian_search_beats_random_search_on_the_same_budget() -> None:
    seeds = range(6)
    random = [best(search(RandomSearch(BOWL, seed), bowl, 40)) for seed in seeds]
    bayesian = [best(search(BayesianSearch(BOWL, seed, LOSS), bowl, 40)) for seed in seeds]
    assert statistics.median(bayesian) < statistics.median(random) / 3


def test_bayesian_search_maximizes_too() -> None:
    trials = search(BayesianSearch(BOWL, 1, SCORE), lambda values: -bowl(values), 40)
    assert max(trial.value or -100 for trial in trials) > -0.5


@pytest.mark.parametrize("make", [lambda seed: RandomSearch(BOWL, seed), lambda seed: BayesianSearch(BOWL, seed, LOSS)])
def test_a_seed_reproduces_a_search(make: Callable[[int], Strategy]) -> None:
    one, same, other = (search(make(seed), bowl, 12) for seed in (5, 5, 6))
    assert one == same
    assert [trial.values for trial in one] != [trial.values for trial in other]


def test_running_trials_keep_a_bayesian_search_apart() -> None:
    strategy = BayesianSearch(Space([Continuous("x", -5, 5, "Linear")]), 3, LOSS)
    trials = search(strategy, lambda values: (float(values["x"]) - 1) ** 2, 12)
    running: list[Trial] = []
    for number in range(12, 18):
        values = strategy.ask(number, [*trials, *running])
        running.append(Trial(number, values))
    assert len({trial.values["x"] for trial in running}) == 6


def test_a_parents_results_feed_a_bayesian_search() -> None:
    parents = search(RandomSearch(BOWL, 99), bowl, 60)
    strategy = BayesianSearch(BOWL, 4, LOSS)
    cold, warm = strategy.ask(0, []), strategy.ask(0, parents)
    assert cold is not None and warm is not None
    assert bowl(warm) < bowl(cold)


def test_a_grid_is_every_combination_once() -> None:
    grid = GridSearch(Space([Categorical("a", ("1", "2")), Categorical("b", ("x", "y", "z"))]))
    rows = [grid.ask(number, []) for number in range(6)]
    assert len({tuple((row or {}).items()) for row in rows}) == 6
    assert rows[0] == {"a": "1", "b": "x"}
    assert grid.ask(6, []) is None


@pytest.mark.parametrize(
    ("each", "middle"),
    [
        (Continuous("x", 0, 10, "Linear"), 5.0),
        (Continuous("x", 1e-4, 1, "Logarithmic"), 0.01),
        (Continuous("x", 1e-6, 1, "Auto"), 1e-3),
        (Continuous("x", 1, 10, "Auto"), 5.5),
        (Continuous("x", 0.9, 0.9999, "ReverseLogarithmic"), 1 - 0.1 * 10**-1.5),
        (Integer("x", 1, 9, "Linear"), 5),
        (Integer("x", 1, 1023, "Logarithmic"), 32),
    ],
)
def test_scales(each: Continuous | Integer, middle: float) -> None:
    assert float(each.at(0.5)) == pytest.approx(middle)
    assert (float(each.at(0.0)), float(each.at(1.0))) == pytest.approx((each.low, each.high), rel=1e-12)
    for position in (0.01, 0.3, 0.77):
        text = each.at(position)
        back = each.position(text)
        assert back is not None
        assert each.at(back) == pytest.approx(text) if isinstance(each, Integer) else back == pytest.approx(position)
    assert each.position(str(each.high + 1)) is None
    assert each.position("none") is None


def test_every_integer_has_its_share() -> None:
    drawn = [Integer("x", 1, 4, "Linear").at(step / 400) for step in range(400)]
    assert {value: drawn.count(value) for value in set(drawn)} == dict.fromkeys("1234", 100)


def test_values_outside_a_space_have_no_position() -> None:
    assert BOWL.positions({"x": "1", "y": "1", "kind": "d"}) is None
    assert BOWL.positions({"x": "1", "y": "1"}) is None
    assert BOWL.positions({"x": "0", "y": "5", "kind": "b", "more": "1"}) == [0.5, 1.0, 0.5]


def test_the_median_rule_stops_what_is_worse_than_most() -> None:
    rule = MedianRule(LOSS)
    others = [ended(number, 1.0, [3.0, 2.0, 1.0]) for number in range(3)]
    assert rule.stops(Trial(9, {}, curve=[9.0, 8.0]), others)
    assert not rule.stops(Trial(9, {}, curve=[9.0, 2.4]), others)  # the running mean of two epochs is 2.5
    assert not rule.stops(Trial(9, {}, curve=[9.0, 8.0]), others[:2])
    assert rule.stops(Trial(9, {}, curve=[9.0] * 4), others)  # those that ended earlier count with all they printed
    running = [Trial(number, {}, curve=[1.0]) for number in range(3)]
    assert not rule.stops(Trial(9, {}, curve=[9.0]), running)
    assert MedianRule(SCORE).stops(Trial(9, {}, curve=[0.0]), others)
    assert not MedianRule(SCORE).stops(Trial(9, {}, curve=[9.0]), others)


def test_hyperbands_brackets_and_rungs() -> None:
    rule = Hyperband(LOSS, 1, 27)
    assert rule.n_brackets == 4
    assert [rule.rungs(bracket) for bracket in range(4)] == [[1, 3, 9], [3, 9], [9], []]


def test_hyperband_lets_a_third_go_on() -> None:
    rule = Hyperband(LOSS, 1, 3)  # brackets: even numbers are compared at epoch 1, odd ones never
    rivals = [Trial(number, {}, curve=[float(number)]) for number in range(0, 12, 2)]
    stopped = [rule.stops(trial, [other for other in rivals if other.number != trial.number]) for trial in rivals]
    assert stopped == [False, False, True, True, True, True]
    assert not rule.stops(Trial(1, {}, curve=[100.0]), rivals)
    assert rule.stops(Trial(1, {}, curve=[1.0, 1.0, 1.0]), [])  # MaxResource


def test_no_improvement_is_one_per_cent_or_less() -> None:
    assert not_improving(LOSS, [10, 9.95, 9.91]) == 2
    assert not_improving(LOSS, [10, 9.95, 5]) == 0
    assert not_improving(SCORE, [10, 10.05, 10.2, 1]) == 1


def test_completion_criteria() -> None:
    trials = [ended(number, value) for number, value in enumerate([5.0, 3.0, 3.0, 4.0, 3.0])]
    assert criterion_met(Criteria(target=3.0), LOSS, trials)
    assert not criterion_met(Criteria(target=2.9), LOSS, trials)
    assert criterion_met(Criteria(target=5.0), SCORE, trials)
    assert criterion_met(Criteria(patience=3), LOSS, trials)
    assert not criterion_met(Criteria(patience=4), LOSS, trials)
    flat = [ended(number, 1.0) for number in range(20)]
    assert criterion_met(Criteria(on_convergence=True), LOSS, flat)
    assert not criterion_met(Criteria(), LOSS, flat)
    assert not converged(LOSS, [1.0] * 19)


def test_when_a_tuning_job_gives_up() -> None:
    failed = [ended(number, None, status="Failed") for number in range(5)]
    assert "No training job succeeded after 5 attempts" in (hopeless(failed, more=True) or "")
    assert hopeless(failed[:4], more=True) is None
    assert "after 2 attempts" in (hopeless(failed[:2], more=False) or "")
    assert hopeless([*failed, ended(5, 1.0)], more=True) is None
    assert hopeless([*failed[:2], Trial(2, {})], more=False) is None
    silent = [ended(number, None) for number in range(5)]
    assert "No objective metrics found after running 5" in (hopeless(silent, more=True) or "")
