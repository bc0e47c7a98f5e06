"""The estimator against the figures it must give, the textbook's loop, and what it must refuse."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes

sys.path.insert(0, str(Path(__file__).parents[3] / "pipelines" / "lr"))
import linear_regression as module
from linear_regression import LinearRegression


def descend(X, y, learning_rate, n_iter, random_state=0):
    """Full-batch gradient descent, word for word: the weights at the end and the loss after each update."""
    X1 = np.column_stack((X, np.ones(len(X))))
    w = np.random.RandomState(random_state).normal(size=X1.shape[1])
    losses = []
    for _ in range(n_iter):
        w = w - learning_rate * 2.0 / len(y) * X1.T @ (X1 @ w - y)
        losses.append(np.mean((X1 @ w - y) ** 2))
    return w, np.array(losses)


def make_data(n, d, *, scale=1.0, offset=0.0, noise=1.0, spread=0.0, seed=0):
    """Give random data; `spread` is how many powers of ten lie between the first column's scale and the last's."""
    generator = np.random.default_rng(seed)
    X = (generator.standard_normal((n, d)) * scale + offset) * np.logspace(0, -spread, d)
    return X, X @ generator.standard_normal(d) + noise * generator.standard_normal(n)


def largest_rate(X):
    X1 = np.column_stack((X, np.ones(len(X))))
    return 2.0 / np.linalg.eigvalsh(2.0 / len(X) * X1.T @ X1)[-1]


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:, [2]], y  # BMI


def test_gives_the_figures_of_the_mission(diabetes):
    X, y = diabetes
    model = LinearRegression().fit(X[:-20], y[:-20])
    assert model.predict([[0.3]])[0] == pytest.approx(434.0765649977469, abs=1e-6)
    assert model.score(X[-20:], y[-20:]) == pytest.approx(0.4723, abs=5e-5)
    assert model.n_iter_ == len(model.losses_) == 15_001
    assert model.losses_[-1] == pytest.approx(np.mean((model.predict(X[:-20]) - y[:-20]) ** 2), rel=1e-12)


def test_the_last_update_counts(diabetes):
    X, y = diabetes
    model = LinearRegression(max_iter=15_000).fit(X[:-20], y[:-20])
    assert model.predict([[0.3]])[0] == pytest.approx(434.0764229, abs=1e-6)


SHAPES = {
    "tall": make_data(300, 4),
    "one feature": make_data(50, 1),
    "two rows": make_data(2, 1),
    "one row": make_data(1, 3),
    "square": make_data(10, 9),
    "rows = columns + 1": make_data(10, 8),
    "wide": make_data(5, 40),
    "ill-conditioned": make_data(300, 20, spread=6),
    "far from the origin": make_data(300, 4, scale=1e3, offset=1e5, spread=2),
    "almost no residual": make_data(300, 4, noise=1e-7),
    "collinear": (np.repeat(make_data(100, 3)[0], 2, axis=1), make_data(100, 3)[1]),
    "constant column": (np.column_stack((make_data(90, 2)[0], np.full(90, 7.0))), make_data(90, 2)[1]),
    "several chunks": make_data(20_000, 3),
}


@pytest.mark.parametrize("name", SHAPES)
def test_makes_the_steps_of_the_textbook(name):
    X, y = SHAPES[name]
    learning_rate = 0.9 * largest_rate(X)
    w, losses = descend(X, y, learning_rate, 400)
    model = LinearRegression(learning_rate, max_iter=400).fit(X, y)
    scale = np.abs(w).max()
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), w, rtol=0, atol=1e-9 * scale)
    # Beside y the residuals of an exactly soluble problem are rounding errors, the loop's own too.
    np.testing.assert_allclose(model.losses_, losses, rtol=1e-9, atol=1e-20 * float(y @ y))


@pytest.mark.parametrize(("n", "d", "max_iter"), [(40, 60, 3), (400, 80, 20), (30, 2, 1)])
def test_makes_passes_where_they_are_cheaper(n, d, max_iter):
    X, y = make_data(n, d)
    assert not module._decomposing_is_cheaper(X.shape, max_iter)
    learning_rate = 0.9 * largest_rate(X)
    w, losses = descend(X, y, learning_rate, max_iter)
    model = LinearRegression(learning_rate, max_iter=max_iter).fit(X, y)
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), w, atol=1e-12)
    np.testing.assert_allclose(model.losses_, losses, rtol=1e-12)


def test_does_not_square_the_condition_number():
    # Column scales 1 to 1e-5: the Gram matrix's own answer is 4e-4 off after so many updates.
    X, _ = make_data(200, 3, spread=7)
    y = X @ np.array([1.0, 2.0, 3.0]) + 4.0
    model = LinearRegression(0.9 * largest_rate(X), max_iter=10**17)
    spectrum = module._spectrum(X, y, np.zeros(4), module._Updates(model.learning_rate, 10**17, 0.0))
    weights = -spectrum.axes @ (module._paths(spectrum.eigenvalues, model.learning_rate, 10**17) * spectrum.slopes)
    np.testing.assert_allclose(weights, [1.0, 2.0, 3.0, 4.0], rtol=1e-9)


@pytest.mark.parametrize("n", [100, 20_000])
def test_any_layout_and_type_gives_the_same(n):
    X, y = make_data(n, 3)
    X, y = np.round(X * 8), np.round(y * 8)
    rate = 0.5 * largest_rate(X)
    expected = LinearRegression(rate, max_iter=50).fit(X, y)
    lists = (X.tolist(), y.tolist())
    strided = (np.repeat(X, 2, axis=0)[::2], np.repeat(y, 2)[::2])
    for other in (lists, strided, (np.asfortranarray(X), y), (X.astype(np.int32), y.astype(np.float32))):
        model = LinearRegression(rate, max_iter=50).fit(*other)
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-12)


def test_threads_give_the_same_as_none(monkeypatch):
    X, y = make_data(20_001, 3)
    alone = LinearRegression(max_iter=50).fit(X, y)
    monkeypatch.setattr(module, "_NUMBERS_WORTH_THREADS", 1)
    shared = LinearRegression(max_iter=50).fit(X, y)
    np.testing.assert_allclose(shared.coef_, alone.coef_, rtol=1e-12)
    np.testing.assert_allclose(shared.losses_, alone.losses_, rtol=1e-12)


def test_does_not_change_the_data():
    X, y = make_data(50, 3)
    before = X.copy(), y.copy()
    for max_iter in (1, 100):
        LinearRegression(0.01, max_iter=max_iter).fit(X, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_never_rises(seed):
    X, y = make_data(60, 5, spread=seed, seed=seed)
    losses = LinearRegression(0.99 * largest_rate(X), max_iter=300).fit(X, y).losses_
    assert (np.diff(losses) <= 1e-12 * losses[0]).all()


def test_many_updates_reach_least_squares():
    X, y = make_data(80, 4)
    model = LinearRegression(0.1, max_iter=100_000).fit(X, y)
    expected = np.linalg.lstsq(np.column_stack((X, np.ones(80))), y, rcond=None)[0]
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), expected, rtol=1e-10)


@pytest.mark.parametrize(("shape", "max_iter"), [((200, 3), 5000), ((3, 8), 5000), ((40, 60), 60)])
def test_stops_where_the_gradient_is_flat(shape, max_iter):
    X, y = make_data(*shape)
    rate, tol = 0.5 * largest_rate(X), 0.3 if max_iter == 60 else 1e-6
    model = LinearRegression(rate, max_iter=max_iter, tol=tol).fit(X, y)
    X1 = np.column_stack((X, np.ones(len(X))))

    def gradient_norm(n_iter):
        return np.linalg.norm(2.0 / len(X) * X1.T @ (X1 @ descend(X, y, rate, n_iter)[0] - y))

    assert 0 < model.n_iter_ == len(model.losses_) < max_iter
    assert gradient_norm(model.n_iter_) <= tol < gradient_norm(model.n_iter_ - 1)


def test_a_flat_start_makes_no_update():
    model = LinearRegression(0.1, tol=1e9).fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])
    assert model.n_iter_ == len(model.losses_) == 0
    assert [*model.coef_, model.intercept_] == np.random.RandomState(0).normal(size=2).tolist()


@pytest.mark.parametrize(("shape", "max_iter"), [((100, 3), 500), ((4, 30), 500), ((40, 60), 3)])
def test_refuses_a_rate_that_diverges_and_names_one_that_does_not(shape, max_iter):
    X, y = make_data(*shape)
    with pytest.raises(ValueError, match=r"learning_rate=\S+ diverges") as refused:
        LinearRegression(1.001 * largest_rate(X), max_iter=max_iter).fit(X, y)
    named = float(re.search(r"converges is (\S+)", str(refused.value))[1])
    assert named == pytest.approx(largest_rate(X), rel=1e-4)
    assert LinearRegression(named, max_iter=max_iter).fit(X, y).n_iter_ == max_iter


X3, Y3 = [[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], r"X must be 2-D.*\(2,\).*reshape\(-1, 1\)"),
        (np.zeros((2, 2, 2)), [1.0, 2.0], r"X must be 2-D"),
        (np.zeros((0, 2)), [], r"one row and one feature at least, got the shape \(0, 2\)"),
        (np.zeros((2, 0)), [1.0, 2.0], r"got the shape \(2, 0\)"),
        (X3, [1.0, 2.0], "X has 3 rows but y has 2 values"),
        (X3, [[1.0], [2.0], [3.0]], r"y must be 1-D.*\(3, 1\)"),
        ([[0.0], [np.nan], [2.0]], Y3, r"X holds nan in row 1, column 0"),
        (X3, [1.0, 2.0, np.inf], r"y holds inf in row 2"),
        ([[0.0, 1.0], [np.inf, 0.0]], [1.0, 2.0], r"X holds inf in row 1, column 0"),
        ([[1e200], [1.0], [2.0]], Y3, "too large to be squared"),
        ([["a"], ["b"], ["c"]], Y3, "X must hold real numbers"),
        ([[0.0], [1.0], ["c"]], Y3, "X must hold real numbers"),
        ([[None], [1.0], [{}]], Y3, "X is not an array of numbers"),
        ([[0.0], [1.0, 2.0], [1.0]], Y3, "X is not an array of numbers"),
        (np.ones((3, 1)) * 1j, Y3, "X must hold real numbers, got the data type complex128"),
    ],
)
@pytest.mark.parametrize("max_iter", [1, 1000])
def test_refuses_unusable_data(X, y, message, max_iter):
    with pytest.raises(ValueError, match=message):
        LinearRegression(max_iter=max_iter).fit(X, y)


def test_names_a_row_in_a_later_chunk():
    X, y = make_data(20_000, 2)
    X[17_000, 1] = np.nan
    with pytest.raises(ValueError, match="X holds nan in row 17000, column 1"):
        LinearRegression().fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": "0.1"}, "got '0.1'"),
        ({"max_iter": 0}, "max_iter must be an integer of 1 or more, got 0"),
        ({"max_iter": 1.5}, "max_iter"),
        ({"max_iter": True}, "max_iter"),
        ({"tol": -1.0}, "tol must be a number of 0 or more, got -1.0"),
        ({"random_state": -1}, "random_state must be None or an integer from 0"),
        ({"random_state": 2**32}, "random_state"),
    ],
)
def test_refuses_a_parameter_out_of_range(parameters, message):
    with pytest.raises(ValueError, match=message):
        LinearRegression(**parameters).fit(X3, Y3)


def test_predict_refuses_what_fit_has_not_seen():
    with pytest.raises(ValueError, match="not fitted"):
        LinearRegression().predict([[1.0]])
    model = LinearRegression().fit(X3, Y3)
    with pytest.raises(ValueError, match="X has 2 features, but the model was fitted with 1"):
        model.predict([[1.0, 2.0]])
    with pytest.raises(ValueError, match="X must be 2-D"):
        model.predict([1.0])


def test_has_the_manners_of_scikit_learn():
    model = LinearRegression(learning_rate=0.05, tol=1e-3)
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == "LinearRegression(learning_rate=0.05, max_iter=15001, tol=0.001, random_state=0)"
    assert model.set_params(max_iter=7).max_iter == 7
    with pytest.raises(ValueError, match="'alpha' is no parameter of LinearRegression"):
        model.set_params(alpha=1)
    assert model.fit(X3, Y3) is model
    assert model.n_features_in_ == 1


def test_the_seed_decides_the_start():
    starts = [LinearRegression(1e-12, 1, random_state=seed).fit(X3, Y3).coef_[0] for seed in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]


def test_score_of_a_constant_target():
    model = LinearRegression().fit(X3, Y3)
    assert model.score(X3, [2.0, 2.0, 2.0]) == 0.0
    assert model.score([[1.0]], model.predict([[1.0]])) == 1.0
