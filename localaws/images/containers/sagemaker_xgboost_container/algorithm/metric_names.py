"""The metrics that can be named in eval_metric, and be the objective of a tuning job as ``validation:<name>``.

Source: "Tune an XGBoost Model" in the SageMaker guide, and ``xgb_constants.py`` of AWS's container.
"""

MAXIMIZED = [
    "accuracy",
    "auc",
    "aucpr",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
    "precision",
    "precision_macro",
    "precision_micro",
    "r2",
    "recall",
    "recall_macro",
    "recall_micro",
]
MINIMIZED = [
    "aft-nloglik",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "mse",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
]
NAMES = sorted([*MAXIMIZED, *MINIMIZED])
