"""xgboost.train with what SageMaker adds: its log, checkpoints, early stopping, a model at each round.

A line of the log is ``[12]\ttrain-rmse:1.23456\tvalidation-rmse:2.34567``; SageMaker's log has ``#011`` for a tab.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import checkpoints, custom_metrics, model_file
from .hyperparameters import Settings
from .metric_names import MAXIMIZED


@dataclass(frozen=True)
class Places:
    """Where a training writes.

    Attributes
    ----------
    model : Path
        The model's file.
    checkpoints : Path or None
        The folder; None without a CheckpointConfig.
    is_master : bool
        Whether this instance writes and logs: one of several does.
    """

    model: Path
    checkpoints: Path | None
    is_master: bool


def boost(xgboost: Any, settings: Settings, matrices: dict[str, Any], places: Places) -> tuple[Any, dict[str, Any]]:
    """Return a trained model, the best of its rounds with early stopping, and the metrics of each round.

    Parameters
    ----------
    xgboost : module
    settings : Settings
    matrices : dict of str to DMatrix
        ``train``, and ``validation`` if there is one.
    places : Places
    """
    start, done = checkpoints.latest(xgboost, places.checkpoints)
    results: dict[str, Any] = {}
    own = [name for name in settings.eval_metrics if name not in custom_metrics.NAMES]
    more = {"eval_metric": own} if settings.eval_metrics else {}
    booster = xgboost.train(
        {**settings.parameters, **more},
        matrices["train"],
        num_boost_round=max(0, settings.num_round - done),
        evals=[(matrix, name) for name, matrix in matrices.items()],
        evals_result=results,
        verbose_eval=False,
        xgb_model=start,
        callbacks=_callbacks(xgboost, settings, places, done, has_validation="validation" in matrices),
        **custom_metrics.arguments(xgboost, settings.eval_metrics, settings.objective),
    )
    return booster, results


def _callbacks(xgboost: Any, settings: Settings, places: Places, done: int, *, has_validation: bool) -> list[Any]:
    class Round(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        """What happens after each round, on the instance that writes."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            """Log the metrics, and write the checkpoint and the model that there are to be."""
            print(line(epoch + done, evals_log), flush=True)
            if places.checkpoints is not None:
                checkpoints.save(model, places.checkpoints, epoch + done)
            if settings.save_model_on_termination:
                model_file.save(model, places.model)
            return False

    found: list[Any] = [Round()] if places.is_master else []
    if settings.early_stopping_rounds and has_validation:
        metric = settings.stopping_metric
        found.append(
            xgboost.callback.EarlyStopping(
                rounds=settings.early_stopping_rounds,
                data_name="validation",
                metric_name=metric,
                maximize=metric.partition("@")[0] in MAXIMIZED if metric else None,
                # A linear model has no rounds that could be taken away again.
                save_best=places.is_master and settings.parameters.get("booster") != "gblinear",
            )
        )
    return found


def line(number: int, evals_log: Any) -> str:
    """Return the log's line of a round."""
    values = (
        f"{data}-{name}:{scores[-1]:.5f}" for data, metrics in evals_log.items() for name, scores in metrics.items()
    )
    return "\t".join([f"[{number}]", *values])
