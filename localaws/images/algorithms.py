"""The images that are an algorithm as well as a framework: a training job or a model of theirs needs no script.

Their algorithm is a module of what the image has beside its toolkit (``containers/``), so it runs in an installed
image, and in any other interpreter that has the framework.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localaws.images.definition import CONTAINERS

_URI = re.compile(r"(?:[^/]+\.[^/]+/)?(?P<repository>[^:@/]+)(?::(?P<tag>[\w.-]+))?")
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class Algorithm:
    """The algorithm of an image's repository.

    Attributes
    ----------
    repository : str
    entry : str
        Its ``module:function`` in `CONTAINERS`, which trains.
    handlers : str
        Its module there that serves.
    version_variable : str
        The environment variable that tells it the image's version, where another interpreter stands for the image.
    metrics : sequence of str
        The names of the metrics that it prints for its data sets.
    data_sets : sequence of str
    """

    repository: str
    entry: str
    handlers: str
    version_variable: str
    metrics: Sequence[str]
    data_sets: Sequence[str]

    def variables(self, uri: str) -> dict[str, str]:
        """Return the environment variables of an interpreter that stands for an image of this repository."""
        match = _URI.fullmatch(uri)
        version = {self.version_variable: match["tag"]} if match and match["tag"] else {}
        modules = {"SAGEMAKER_TRAINING_MODULE": self.entry, "SAGEMAKER_SERVING_MODULE": self.handlers}
        return {**modules, "PYTHONPATH": str(CONTAINERS), **version}

    @property
    def metric_definitions(self) -> list[dict[str, str]]:
        """The ``MetricDefinitions`` that AWS gives its training jobs, and that a request must not override."""
        return [
            {"Name": f"{data_set}:{metric}", "Regex": f"#011{data_set}-{re.escape(metric)}:{_NUMBER}"}
            for data_set in self.data_sets
            for metric in self.metrics
        ]


XGBOOST = Algorithm(
    repository="sagemaker-xgboost",
    entry="sagemaker_xgboost_container.algorithm.job:main",
    handlers="sagemaker_xgboost_container.handlers",
    version_variable="SAGEMAKER_XGBOOST_VERSION",
    metrics=[
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
    ],
    data_sets=("train", "validation"),
)
_ALGORITHMS: Mapping[str, Algorithm] = {XGBOOST.repository: XGBOOST}


def of_uri(uri: str) -> Algorithm | None:
    """Return the algorithm of an image; None for an image that runs scripts only."""
    match = _URI.fullmatch(uri)
    return _ALGORITHMS.get(match["repository"]) if match else None
