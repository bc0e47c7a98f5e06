"""Linear regression by gradient descent, where an update does not cost a pass over the data.

Full-batch gradient descent on the mean squared error of ``X1 @ w - y`` (X1 is X with a column of
ones, w the coefficients with the intercept last) repeats ``w -= learning_rate * (H @ w - c)``, with
``H = 2/n X1'X1`` and ``c = 2/n X1'y``. H and c do not change from one update to the next, which
gives three stages:

1. **Read the data once**, in chunks of rows, into the Gram matrix X1'X1, X1'y and y'y. C-contiguous
   float64 data are not copied; anything else is converted chunk by chunk. The bias column exists
   only as sums.
2. **Diagonalise.** In the eigenvectors of H each coordinate of the gradient shrinks by its own
   factor ``1 - learning_rate * eigenvalue`` per update, so the iterate after k updates is known
   without making them: ``w_k = w_0 - sum_i v_i g_i (1 - (1 - learning_rate * l_i) ** k) / l_i``, g
   being the gradient at w_0. These are gradient descent's own iterates, not the least-squares
   answer that they tend to.
3. **Evaluate.** The losses and gradient norms of all k are sums of such powers, two small matrix
   products.

Precision. A Gram matrix squares the condition number, which ruins a solver; k updates of gradient
descent amplify a rounding error at most ``learning_rate * l_max * k < 2k`` times in whatever
direction, however the data are conditioned. Where that still is too much (millions of updates on
ill-conditioned data), or where the residuals are so small beside y that the losses would be
differences of nearly equal numbers, stage 2 starts again from a QR factorisation of the data, which
squares nothing. Data with no more rows than columns go there at once: their own singular value
decomposition is smaller than their Gram matrix.

Where decomposing would cost more than the updates themselves (thousands of features, few updates),
plain passes over the data are made. `benchmarks/gradient_descent.py` measures all this.
"""

import itertools
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# A chunk of 10 columns fits a second-level cache. For vectors longer than 10,000 OpenBLAS starts threads,
# which cost more than they bring here.
_CHUNK_ROWS = 8192
_CHUNK_NUMBERS = 2**20
_NUMBERS_WORTH_THREADS = 2**22
# Rounding errors (2e-16) may be amplified so many times before the Gram matrix is given up.
_MOST_AMPLIFICATION = 1e6
_POWER_ITERATIONS = 200


class LinearRegression:
    """Least squares by full-batch gradient descent on the mean squared error.

    Parameters
    ----------
    learning_rate : float, default=0.1
        Length of an update in gradients. Must be below 2 divided by the largest eigenvalue of the Hessian
        ``2/n X1'X1``; `fit` says which value that is when it is not.
    max_iter : int, default=15_001
        Number of updates.
    tol : float, default=0.0
        Stop before an update whose gradient's Euclidean norm is at most `tol`. 0 makes all `max_iter`
        updates.
    random_state : int or None, default=0
        Seed of the starting point, drawn as ``numpy.random.RandomState(random_state)
        .normal(size=n_features + 1)``, the last number the intercept. None draws another one each time.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in units of y per unit of the feature.
    intercept_ : float
        Prediction where all features are 0, in units of y.
    losses_ : ndarray of shape (n_iter_,)
        Mean squared error on the training data after each update, in squared units of y.
    n_iter_ : int
        Number of updates made.
    n_features_in_ : int
        Number of features seen by `fit`.

    Examples
    --------
    >>> model = LinearRegression(learning_rate=0.1).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> round(float(model.predict([[10.0]])[0]), 6)
    21.0
    """

    def __init__(
        self,
        learning_rate: float = 0.1,
        max_iter: int = 15_001,
        tol: float = 0.0,
        random_state: int | None = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Descend from the random starting point.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        LinearRegression
            This model, fitted.

        Raises
        ------
        ValueError
            For a parameter out of its range, data of the wrong shape or not finite, or a learning rate with
            which the descent would diverge; the message names the largest that converges.
        """
        self._check_parameters()
        X, y = _check_data(X, y)
        start = np.random.RandomState(self.random_state).normal(size=X.shape[1] + 1)
        descend = _descend if _decomposing_is_cheaper(X.shape, self.max_iter) else _descend_by_passes
        weights, self.losses_ = descend(X, y, start, _Updates(self.learning_rate, self.max_iter, self.tol))
        self.coef_, self.intercept_ = weights[:-1], float(weights[-1])
        self.n_iter_ = len(self.losses_)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        ValueError
            When the model is not fitted, or X has another shape or another number of features than in `fit`.
        """
        if not hasattr(self, "coef_"):
            raise ValueError("this LinearRegression is not fitted: call fit(X, y) before predict(X)")
        X = _as_matrix(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, but the model was fitted with {self.n_features_in_}")
        predicted: Array = X @ self.coef_ + self.intercept_
        return predicted

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Give R², the share of the variance of y that the predictions explain.

        A constant y gives 1.0 when it is predicted exactly, otherwise 0.0, as in scikit-learn.
        """
        predicted = self.predict(X)
        y = _as_vector(y, len(predicted))
        unexplained = float(np.sum((y - predicted) ** 2))
        total = float(np.sum((y - y.mean()) ** 2))
        if total == 0.0:
            return 1.0 if unexplained == 0.0 else 0.0
        return 1.0 - unexplained / total

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 -- scikit-learn's signature
        """Give the constructor's parameters by name."""
        return {name: getattr(self, name) for name in ("learning_rate", "max_iter", "tol", "random_state")}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; ValueError for a name that is none."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(
                    f"{name!r} is no parameter of LinearRegression; they are {', '.join(self.get_params())}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        return f"LinearRegression({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    def _check_parameters(self) -> None:
        if not (_is_number(self.learning_rate) and 0.0 < self.learning_rate < math.inf):
            raise ValueError(f"learning_rate must be a number above 0, got {self.learning_rate!r}")
        if not (_is_integer(self.max_iter) and self.max_iter >= 1):
            raise ValueError(f"max_iter must be an integer of 1 or more, got {self.max_iter!r}")
        if not (_is_number(self.tol) and 0.0 <= self.tol < math.inf):
            raise ValueError(f"tol must be a number of 0 or more, got {self.tol!r}")
        if self.random_state is not None and not (_is_integer(self.random_state) and 0 <= self.random_state < 2**32):
            raise ValueError(f"random_state must be None or an integer from 0 to 2**32 - 1, got {self.random_state!r}")


# What is fitted to: shapes and numbers


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_integer(value) or isinstance(value, float | np.floating)


def _as_numeric(data: ArrayLike, name: str) -> NDArray[Any]:
    """Make an array of real numbers, without a copy where the data are one already."""
    try:
        array = np.asarray(data)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from error
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, got the data type {array.dtype}")
    return array


def _as_matrix(X: ArrayLike) -> NDArray[Any]:
    matrix = _as_numeric(X, "X")
    if matrix.ndim != 2:
        raise ValueError(
            f"X must be 2-D, (n_samples, n_features), got the shape {matrix.shape};"
            " X.reshape(-1, 1) makes one feature of a 1-D array"
        )
    return matrix


def _as_vector(y: ArrayLike, n_samples: int) -> NDArray[Any]:
    vector = _as_numeric(y, "y")
    if vector.ndim != 1:
        raise ValueError(f"y must be 1-D, (n_samples,), got the shape {vector.shape}")
    if len(vector) != n_samples:
        raise ValueError(f"X has {n_samples} rows but y has {len(vector)} values")
    return vector


def _check_data(X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    X = _as_matrix(X)
    if 0 in X.shape:
        raise ValueError(f"X needs one row and one feature at least, got the shape {X.shape}")
    return X, _as_vector(y, len(X))


def _refuse_unusable(X: NDArray[Any], y: NDArray[Any]) -> None:
    """Name the number for which the sums over the data are not finite."""
    first = 0
    for rows, targets in _chunks(X, y):
        for name, values in (("X", rows), ("y", targets)):
            bad = np.argwhere(~np.isfinite(values))
            if len(bad):
                place = tuple(int(index) for index in bad[0])
                where = f"row {first + place[0]}" + (f", column {place[1]}" if name == "X" else "")
                raise ValueError(f"{name} holds {values[place]} in {where} (counted from 0): all must be finite")
        first += len(targets)
    raise ValueError("X or y holds numbers too large to be squared in float64: scale them down")


def _chunks(X: NDArray[Any], y: NDArray[Any]) -> Iterator[tuple[Array, Array]]:
    """Go through the rows as C-contiguous float64; a view where the data are that already."""
    n_rows = max(X.shape[1], min(_CHUNK_ROWS, _CHUNK_NUMBERS // X.shape[1]))
    for first in range(0, len(X), n_rows):
        part = slice(first, first + n_rows)
        yield np.ascontiguousarray(X[part], np.float64), np.ascontiguousarray(y[part], np.float64)


def _decomposing_is_cheaper(shape: tuple[int, ...], max_iter: int) -> bool:
    """Compare multiplications: an update by passes is two products with X, a decomposition about 25 m³."""
    n_samples, n_columns = shape[0], shape[1] + 1
    m = min(n_samples, n_columns)
    return n_samples * n_columns * m + 25 * m**3 < 2 * n_samples * n_columns * max_iter


@dataclass(frozen=True)
class _Updates:
    """How to descend: the parameters of the model of the same names."""

    learning_rate: float
    max_iter: int
    tol: float


# Descent in eigenvectors


@dataclass(frozen=True)
class _Spectrum:
    """The mean squared error as a bowl with m principal axes, seen from the starting point.

    Attributes
    ----------
    eigenvalues : ndarray of shape (m,)
        Curvature along each axis: the Hessian's eigenvalues, none negative.
    axes : ndarray of shape (n_features + 1, m)
        The Hessian's eigenvectors.
    slopes : ndarray of shape (m,)
        The gradient at the starting point along each axis.
    excesses : ndarray of shape (m,)
        What each axis adds there to the loss, above `lowest_loss`.
    lowest_loss : float
        The least mean squared error that any weights reach.
    """

    eigenvalues: Array
    axes: Array
    slopes: Array
    excesses: Array
    lowest_loss: float


def _descend(X: NDArray[Any], y: NDArray[Any], start: Array, updates: _Updates) -> tuple[Array, Array]:
    """Give the weights after the last update, and the loss after each."""
    spectrum = _spectrum(X, y, start, updates)
    _check_converges(updates.learning_rate, float(spectrum.eigenvalues[-1]))
    decay = 1.0 - updates.learning_rate * spectrum.eigenvalues
    n_iter = updates.max_iter
    if updates.tol > 0.0:
        squared_norms = _sums_of_powers(spectrum.slopes**2, decay**2, updates.max_iter)
        flat = squared_norms <= updates.tol**2
        n_iter = int(np.argmax(flat)) if flat.any() else n_iter
    paths = _paths(spectrum.eigenvalues, updates.learning_rate, n_iter)
    losses = spectrum.lowest_loss + _sums_of_powers(spectrum.excesses, decay**2, n_iter + 1)[1:]
    return start - spectrum.axes @ (paths * spectrum.slopes), losses


def _check_converges(learning_rate: float, largest_eigenvalue: float) -> None:
    if learning_rate * largest_eigenvalue >= 2.0:
        # Rounded down, so that the number in the message does converge.
        largest = f"{2.0 / largest_eigenvalue * (1 - 1e-5):.6g}"
        raise ValueError(
            f"learning_rate={learning_rate!r} diverges on these data: the largest that converges is {largest}"
            " (2 / the largest eigenvalue of the Hessian); take a smaller one, or standardise the features"
        )


def _paths(eigenvalues: Array, learning_rate: float, n_iter: int) -> Array:
    """Sum ``learning_rate * (1 - learning_rate * l)**k`` over all k < n_iter, for each eigenvalue l."""
    step = learning_rate * eigenvalues
    gentle = step < 0.5
    covered = np.empty_like(step)
    # 1 - (1 - step)**n_iter without the cancellation for a small step.
    covered[gentle] = -np.expm1(n_iter * np.log1p(-step[gentle]))
    covered[~gentle] = 1.0 - (1.0 - step[~gentle]) ** n_iter
    flat = np.full_like(step, learning_rate * n_iter)
    return np.divide(covered, eigenvalues, out=flat, where=eigenvalues > 0.0)


def _sums_of_powers(amounts: Array, factors: Array, count: int) -> Array:
    """Give ``sum_i amounts[i] * factors[i]**k`` for all k < count.

    With ``k = block * j + i`` two small tables of powers and their product do it.
    """
    block = math.isqrt(count) + 1
    low = factors[:, None] ** np.arange(block)
    high = amounts[:, None] * factors[:, None] ** (block * np.arange(-(-count // block)))
    return (high.T @ low).ravel()[:count]


def _spectrum(X: NDArray[Any], y: NDArray[Any], start: Array, updates: _Updates) -> _Spectrum:
    """Find the principal axes, from the Gram matrix where it is small enough and good enough."""
    n_samples, n_features = X.shape
    if n_samples < n_features + 2:
        columns = np.column_stack((X, np.ones(n_samples))).astype(np.float64, copy=False)
        targets = y.astype(np.float64, copy=False)
        if not (np.isfinite(np.vdot(columns, columns)) and np.isfinite(np.vdot(targets, targets))):
            _refuse_unusable(X, y)
        return _spectrum_of_factor(columns, targets, 0.0, n_samples, start)
    gram = _gram_matrix(X, y)
    if not np.isfinite(gram).all():
        _refuse_unusable(X, y)
    spectrum = _spectrum_of_gram(gram, n_samples, start)
    paths = _paths(spectrum.eigenvalues, updates.learning_rate, updates.max_iter)
    amplification = float(np.max(paths) * spectrum.eigenvalues[-1])
    few_digits = spectrum.lowest_loss < gram[-1, -1] / n_samples / _MOST_AMPLIFICATION
    converges = updates.learning_rate * spectrum.eigenvalues[-1] < 2.0
    if converges and (few_digits or amplification > _MOST_AMPLIFICATION):
        factor = _qr_factor(X, y)
        return _spectrum_of_factor(factor[:-1, :-1], factor[:-1, -1], float(factor[-1, -1]) ** 2, n_samples, start)
    return spectrum


def _gram_matrix(X: NDArray[Any], y: NDArray[Any]) -> Array:
    """Give ``Z'Z`` for Z of shape (n_samples, n_features + 2): X, the column of ones, y.

    Large data are shared out to one thread per processor. BLAS's own threads only wait for each other on such narrow
    chunks; where threadpoolctl, which comes with scikit-learn, cannot keep them away, one thread does it all.
    """
    if X.size < _NUMBERS_WORTH_THREADS:
        return _gram_of_rows(X, y)
    try:
        from threadpoolctl import threadpool_limits  # noqa: PLC0415
    except ModuleNotFoundError:
        return _gram_of_rows(X, y)
    n_threads = os.cpu_count() or 1
    bounds = [len(X) * part // n_threads for part in range(n_threads + 1)]
    parts = [slice(first, end) for first, end in itertools.pairwise(bounds)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_threads) as pool:
        grams = list(pool.map(lambda part: _gram_of_rows(X[part], y[part]), parts))
    total: Array = np.sum(grams, axis=0)
    return total


def _gram_of_rows(X: NDArray[Any], y: NDArray[Any]) -> Array:
    d = X.shape[1]
    gram = np.zeros((d + 2, d + 2))
    with np.errstate(over="ignore", invalid="ignore"):  # the result is looked at instead
        for rows, targets in _chunks(X, y):
            # Not `rows.T @ rows`: numpy.dot lets other threads run meanwhile, numpy.matmul does not here.
            gram[:d, :d] += np.dot(rows.T, rows)
            gram[d, :d] += np.dot(np.ones(len(rows)), rows)
            gram[d + 1, :d] += np.dot(targets, rows)
            gram[d + 1, d] += targets.sum()
            gram[d + 1, d + 1] += np.dot(targets, targets)
    gram[d, d] = len(X)
    gram[:d, d:] = gram[d:, :d].T
    gram[d, d + 1] = gram[d + 1, d]
    return gram


def _spectrum_of_gram(gram: Array, n_samples: int, start: Array) -> _Spectrum:
    hessian, right_side = gram[:-1, :-1] * (2.0 / n_samples), gram[:-1, -1] * (2.0 / n_samples)
    eigenvalues, axes = np.linalg.eigh(hessian)
    # Below that they are rounding errors: the data do not vary along these axes, and neither does the loss.
    eigenvalues[eigenvalues < eigenvalues[-1] * len(eigenvalues) * np.finfo(np.float64).eps] = 0.0
    slopes = axes.T @ (hessian @ start - right_side)
    slopes[eigenvalues == 0.0] = 0.0
    excesses = np.divide(slopes**2, 2.0 * eigenvalues, out=np.zeros_like(slopes), where=eigenvalues > 0.0)
    loss = float(start @ (hessian @ start) / 2.0 - start @ right_side + gram[-1, -1] / n_samples)
    return _Spectrum(eigenvalues, axes, slopes, excesses, loss - float(excesses.sum()))


def _qr_factor(X: NDArray[Any], y: NDArray[Any]) -> Array:
    """Give R of the QR factorisation of X, ones and y side by side, chunk by chunk.

    Source: Demmel, Grigori, Hoemmen and Langou (2012), "Communication-optimal parallel and sequential QR
    and LU factorizations", SIAM Journal on Scientific Computing 34, A206-A239.
    """
    factor: Array = np.empty((0, X.shape[1] + 2))
    for rows, targets in _chunks(X, y):
        columns = np.column_stack((rows, np.ones(len(rows)), targets))
        factor = np.asarray(np.linalg.qr(np.vstack((factor, columns)), mode="r"))
    return factor


def _spectrum_of_factor(factor: Array, targets: Array, unreachable: float, n_samples: int, start: Array) -> _Spectrum:
    """Find the principal axes of the loss ``(|factor @ w - targets|² + unreachable) / n_samples``."""
    left, singular_values, axes = np.linalg.svd(factor, full_matrices=False)
    # A wide factor has axes to spare, along which nothing changes: they are not among the rows of `axes`.
    distances = singular_values * (axes @ start) - left.T @ targets
    order = slice(None, None, -1)  # ascending, as eigh gives them
    return _Spectrum(
        eigenvalues=(2.0 / n_samples) * singular_values[order] ** 2,
        axes=axes.T[:, order],
        slopes=(2.0 / n_samples) * (singular_values * distances)[order],
        excesses=(distances**2 / n_samples)[order],
        lowest_loss=unreachable / n_samples,
    )


# Descent by passes over the data


def _descend_by_passes(X: NDArray[Any], y: NDArray[Any], start: Array, updates: _Updates) -> tuple[Array, Array]:
    """Give the weights after the last update, and the loss after each, by the textbook's loop."""
    X, y = X.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    total = float(np.vdot(X, X)) + len(X)
    if not (np.isfinite(total) and np.isfinite(np.vdot(y, y))):
        _refuse_unusable(X, y)
    # The sum of all eigenvalues bounds the largest; only when that does not settle it, it is looked for.
    if updates.learning_rate * total / len(X) >= 1.0:
        _check_converges(updates.learning_rate, _largest_eigenvalue(X))
    coef, intercept = start[:-1].copy(), float(start[-1])
    residuals = X @ coef + intercept - y
    losses = []
    for _ in range(updates.max_iter):
        slope, slope_of_intercept = (2.0 / len(X)) * (residuals @ X), 2.0 * float(residuals.mean())
        if updates.tol > 0.0 and math.hypot(float(np.linalg.norm(slope)), slope_of_intercept) <= updates.tol:
            break
        coef -= updates.learning_rate * slope
        intercept -= updates.learning_rate * slope_of_intercept
        residuals = X @ coef + intercept - y
        losses.append(float(residuals @ residuals) / len(X))
    return np.append(coef, intercept), np.array(losses)


def _largest_eigenvalue(X: Array) -> float:
    """Estimate the Hessian's largest eigenvalue from below, by power iteration, to about 1e-6."""
    vector = np.append(X.sum(axis=0), float(len(X)))
    estimate = 0.0
    for _ in range(_POWER_ITERATIONS):
        vector /= np.linalg.norm(vector)
        image = X @ vector[:-1] + vector[-1]
        vector = (2.0 / len(X)) * np.append(image @ X, image.sum())
        previous, estimate = estimate, float(np.linalg.norm(vector))
        if estimate - previous <= 1e-9 * estimate:
            break
    return estimate
