"""The algorithm's hyperparameters, as "XGBoost hyperparameters" in the SageMaker guide lists them.

All arrive as texts. A name that is not in the table, a value that is not of its type or not in its range, and values
that do not go together are the user's to change. Defaults are xgboost's own: what is not given is not passed on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ClientError
from .metric_names import NAMES as METRICS

_TREE_UPDATERS = ("grow_colmaker", "distcol", "grow_histmaker", "grow_skmaker", "grow_quantile_histmaker")
_OTHER_UPDATERS = ("sync", "refresh", "prune")
_LINEAR_UPDATERS = ("shotgun", "coord_descent")
_OBJECTIVES = [
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:linear",
    "reg:squarederror",
    "reg:logistic",
    "reg:gamma",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
]
_WITH_THRESHOLD = ("error", "ndcg", "map")
_ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}
_DEFAULT_OBJECTIVE = "reg:squarederror"
_OF_ALGORITHM = ("csv_weights", "use_dask_gpu_training", "silent")
_LAST_WITH_SILENT = (1, 0)


class Interval:
    """The numbers between two bounds; each belongs to it unless it is open.

    Parameters
    ----------
    low, high : float or None
        None for no bound.
    is_open : str
        The sides that are open: ``low``, ``high`` or both, ``low high``.
    """

    def __init__(self, low: float | None = None, high: float | None = None, is_open: str = "") -> None:
        self._low, self._high, self._open = low, high, is_open.split()

    def __contains__(self, value: float) -> bool:
        above = self._low is None or value > self._low or (value == self._low and "low" not in self._open)
        below = self._high is None or value < self._high or (value == self._high and "high" not in self._open)
        return above and below

    def __str__(self) -> str:
        left = "(-inf" if self._low is None else f"{'(' if 'low' in self._open else '['}{self._low}"
        right = "+inf)" if self._high is None else f"{self._high}{')' if 'high' in self._open else ']'}"
        return f"{left}, {right}"


class EvalMetrics:
    """The evaluation metrics: those of the table, and ``error@0.7``, ``ndcg@3``, ``map@3``."""

    def __contains__(self, value: str) -> bool:
        name, _, threshold = value.partition("@")
        if not threshold:
            return value in METRICS
        return name in _WITH_THRESHOLD and _is_number(threshold)

    def __str__(self) -> str:
        return f"[{', '.join(METRICS)}, {', '.join(f'{name}@t' for name in _WITH_THRESHOLD)}]"


@dataclass(frozen=True)
class Hyperparameter:
    """A row of the table.

    Attributes
    ----------
    parse : callable
        From the text to the value; ValueError for a text that is none.
    allowed : container
        What the value, or each of the values of a list, has to be in.
    """

    name: str
    parse: Callable[[str], Any]
    allowed: Any

    def value(self, text: str) -> Any:
        """Return the value of a text.

        Raises
        ------
        ClientError
            It is not of the type, or not in the range.
        """
        try:
            value = self.parse(text)
            wrong = [each for each in _flat(value) if each not in self.allowed]
        except (ValueError, SyntaxError, TypeError) as error:
            raise ClientError(
                f"Hyperparameter {self.name}: could not parse value '{text}' (caused by {type(error).__name__}),"
                f" which must be {_TYPES[self.parse]} in {_shown(self.allowed)}"
            ) from error
        if wrong:
            raise ClientError(f"Hyperparameter {self.name}: {text} is not in {_shown(self.allowed)}")
        return value


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        return [value]
    return [each for item in value for each in _flat(item)]


def _shown(allowed: Any) -> str:
    return f"[{', '.join(map(str, allowed))}]" if isinstance(allowed, (list, tuple)) else str(allowed)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _tuple(text: str) -> tuple[int, ...]:
    value = ast.literal_eval(text)
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _nested(text: str) -> list[list[int]]:
    value = ast.literal_eval(text)
    if not isinstance(value, list) or not all(isinstance(each, list) for each in value):
        raise ValueError(text)
    return value


_TYPES = {
    int: "an integer",
    float: "a number",
    str: "one",
    _words: "a list with commas",
    _tuple: "a tuple such as (1, 0, -1)",
    _nested: "a list of lists of integers",
}
_TRUTH = ("true", "false")
_BINARY = Interval(0, 1)

_TABLE = {
    row.name: row
    for row in (
        Hyperparameter("num_round", int, Interval(1)),
        Hyperparameter("csv_weights", int, _BINARY),
        Hyperparameter("early_stopping_rounds", int, Interval(1)),
        Hyperparameter("booster", str, ("gbtree", "gblinear", "dart")),
        Hyperparameter("silent", int, _BINARY),
        Hyperparameter("verbosity", int, Interval(0, 3)),
        Hyperparameter("nthread", int, Interval(1)),
        Hyperparameter("eta", float, _BINARY),
        Hyperparameter("gamma", float, Interval(0)),
        Hyperparameter("max_depth", int, Interval(0)),
        Hyperparameter("min_child_weight", float, Interval(0)),
        Hyperparameter("max_delta_step", float, Interval(0)),
        Hyperparameter("subsample", float, Interval(0, 1, "low")),
        Hyperparameter("colsample_bytree", float, Interval(0, 1, "low")),
        Hyperparameter("colsample_bylevel", float, Interval(0, 1, "low")),
        Hyperparameter("colsample_bynode", float, Interval(0, 1, "low")),
        Hyperparameter("lambda", float, Interval(0)),
        Hyperparameter("alpha", float, Interval(0)),
        Hyperparameter("tree_method", str, ("auto", "exact", "approx", "hist", "gpu_hist")),
        Hyperparameter("sketch_eps", float, Interval(0, 1, "low high")),
        Hyperparameter("scale_pos_weight", float, Interval(0, None, "low")),
        Hyperparameter("updater", _words, (*_TREE_UPDATERS, *_OTHER_UPDATERS, *_LINEAR_UPDATERS)),
        Hyperparameter("dsplit", str, ("row", "col")),
        Hyperparameter("refresh_leaf", int, _BINARY),
        Hyperparameter("process_type", str, ("default", "update")),
        Hyperparameter("grow_policy", str, ("depthwise", "lossguide")),
        Hyperparameter("max_leaves", int, Interval(0)),
        Hyperparameter("max_bin", int, Interval(0)),
        Hyperparameter("predictor", str, ("auto", "cpu_predictor", "gpu_predictor")),
        Hyperparameter("monotone_constraints", _tuple, (-1, 0, 1)),
        Hyperparameter("interaction_constraints", _nested, Interval(1)),
        Hyperparameter("sample_type", str, ("uniform", "weighted")),
        Hyperparameter("normalize_type", str, ("tree", "forest")),
        Hyperparameter("rate_drop", float, _BINARY),
        Hyperparameter("one_drop", int, _BINARY),
        Hyperparameter("skip_drop", float, _BINARY),
        Hyperparameter("lambda_bias", float, _BINARY),
        Hyperparameter("tweedie_variance_power", float, Interval(1, 2, "low high")),
        Hyperparameter("objective", str, _OBJECTIVES),
        Hyperparameter("num_class", int, Interval(2)),
        Hyperparameter("base_score", float, Interval(0)),
        Hyperparameter("_kfold", int, Interval(2)),
        Hyperparameter("_num_cv_round", int, Interval(1)),
        Hyperparameter("_tuning_objective_metric", str, [f"validation:{name}" for name in METRICS]),
        Hyperparameter("eval_metric", _words, EvalMetrics()),
        Hyperparameter("seed", int, Interval(-(2**31), 2**31 - 1, "low high")),
        Hyperparameter("num_parallel_tree", int, Interval(1)),
        Hyperparameter("save_model_on_termination", str, _TRUTH),
        Hyperparameter("aft_loss_distribution", str, ("normal", "logistic", "extreme")),
        Hyperparameter("aft_loss_distribution_scale", float, Interval(0)),
        Hyperparameter("deterministic_histogram", str, _TRUTH),
        Hyperparameter("sampling_method", str, ("uniform", "gradient_based")),
        Hyperparameter("prob_buffer_row", int, Interval(1, None, "low")),
        Hyperparameter("use_dask_gpu_training", str, _TRUTH),
    )
}


@dataclass(frozen=True)
class Settings:
    """What the hyperparameters mean.

    Attributes
    ----------
    parameters : mapping
        What xgboost gets.
    eval_metrics : sequence of str
        The metrics of eval_metric and of the tuning's objective; empty for xgboost's choice.
    stopping_metric : str or None
        The metric that early stopping follows: the tuning's objective, or the last one; None for xgboost's choice.
    """

    parameters: Mapping[str, Any]
    num_round: int
    eval_metrics: Sequence[str]
    stopping_metric: str | None
    early_stopping_rounds: int | None
    csv_weights: bool
    save_model_on_termination: bool
    kfold: int | None
    num_cv_round: int

    @property
    def objective(self) -> str:
        """The learning objective."""
        name: str = self.parameters.get("objective", _DEFAULT_OBJECTIVE)
        return name


def settings(texts: Mapping[str, str], version: str = "") -> Settings:
    """Check a job's hyperparameters.

    Parameters
    ----------
    texts : mapping of str to str
    version : str
        The image's, such as ``1.7-1``: hyperparameters have gone with time.

    Raises
    ------
    ClientError
        The first that is missing, unknown, or not in its range, or does not go with the others.
    """
    given = {_ALIASES.get(name, name): str(text) for name, text in texts.items()}
    if "num_round" not in given:
        raise ClientError("Missing required hyperparameter: num_round")
    unknown = [name for name in given if name not in _TABLE or (name == "silent" and not _has_silent(version))]
    if unknown:
        raise ClientError(f"Extraneous hyperparameter found: {unknown[0]} (its value is '{given[unknown[0]]}')")
    values = {name: _TABLE[name].value(text) for name, text in given.items()}
    _check_together(values)
    if values.get("silent") == 1:
        values.setdefault("verbosity", 0)
    return _settings(values)


def _has_silent(version: str) -> bool:
    """Return whether an image takes `silent`, which is in AWS's abalone template: up to 1.0-1."""
    parts = version.replace("-", ".").split(".")[:2]
    return len(parts) == 2 and all(part.isdigit() for part in parts) and tuple(map(int, parts)) <= _LAST_WITH_SILENT


def _settings(values: dict[str, Any]) -> Settings:
    take = values.pop
    tuned = take("_tuning_objective_metric", "").partition(":")[2]
    named: list[str] = take("eval_metric", [])
    rounds = {name: take(name, None) for name in ("num_round", "early_stopping_rounds", "_kfold", "_num_cv_round")}
    saved = take("save_model_on_termination", "false") == "true"
    weights = take("csv_weights", 0) == 1
    return Settings(
        parameters={name: _passed(value) for name, value in values.items() if name not in _OF_ALGORITHM},
        num_round=rounds["num_round"],
        eval_metrics=sorted({*named, tuned}) if named and tuned else named or [tuned] * bool(tuned),
        stopping_metric=tuned or (named[-1] if named else None),
        early_stopping_rounds=rounds["early_stopping_rounds"],
        csv_weights=weights,
        save_model_on_termination=saved,
        kfold=rounds["_kfold"],
        num_cv_round=rounds["_num_cv_round"] or 1,
    )


def _passed(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], str):
        return ",".join(value)
    return str(value) if isinstance(value, (list, tuple)) else value


def _check_together(values: Mapping[str, Any]) -> None:
    if values.get("use_dask_gpu_training") == "true":
        raise ClientError(
            "Hyperparameter use_dask_gpu_training: true is not supported here: there is no GPU to train on"
        )
    objective = values.get("objective", _DEFAULT_OBJECTIVE)
    if objective.startswith("multi:") and "num_class" not in values:
        raise ClientError(f"Hyperparameter num_class is required for multi-class classification, objective {objective}")
    if not objective.startswith("multi:") and "num_class" in values:
        raise ClientError(f"Hyperparameter num_class is for multi-class classification only, not objective {objective}")
    if "auc" in values.get("eval_metric", []) and not objective.startswith(("binary:", "rank:")):
        raise ClientError(f"Metric 'auc' can only be applied for classification and ranking problems, not {objective}")
    if "aft-nloglik" in values.get("eval_metric", []) and objective != "survival:aft":
        raise ClientError(f"Metric 'aft-nloglik' can only be applied for the objective survival:aft, not {objective}")
    _check_constraints(values)
    if "updater" in values:
        _check_updater(values)


def _check_constraints(values: Mapping[str, Any]) -> None:
    method = values.get("tree_method")
    for name, methods in (
        ("monotone_constraints", ("exact", "hist")),
        ("interaction_constraints", ("exact", "hist", "approx")),
    ):
        if name in values and method not in methods:
            raise ClientError(
                f"Hyperparameter {name} can be used only when tree_method is one of {_shown(methods)}; it is {method}"
            )


def _check_updater(values: Mapping[str, Any]) -> None:
    chosen = values["updater"]
    text = ",".join(chosen)
    if values.get("booster") == "gblinear":
        if len(chosen) != 1 or chosen[0] not in _LINEAR_UPDATERS:
            raise ClientError(f"Hyperparameter updater: {text} is not one of {_shown(_LINEAR_UPDATERS)}, for gblinear")
    elif values.get("process_type") == "update":
        if not set(chosen) <= {"refresh", "prune"}:
            raise ClientError(f"Hyperparameter updater: process_type 'update' takes refresh and prune, not {text}")
    elif not set(chosen) <= {*_TREE_UPDATERS, *_OTHER_UPDATERS}:
        raise ClientError(f"Hyperparameter updater: {text} is not of {_shown((*_TREE_UPDATERS, *_OTHER_UPDATERS))}")
    elif len(set(chosen) & set(_TREE_UPDATERS)) > 1:
        raise ClientError(f"Hyperparameter updater: {text} has more than one of {_shown(_TREE_UPDATERS)}")
