"""What the XGBoost algorithm takes and refuses, and how it says so."""

import pytest
from sagemaker_xgboost_container.algorithm import custom_metrics, metric_names
from sagemaker_xgboost_container.algorithm.errors import ClientError
from sagemaker_xgboost_container.algorithm.hyperparameters import settings

from localaws.images.algorithms import XGBOOST


def test_what_is_given_reaches_xgboost_in_its_types_and_nothing_else_does() -> None:
    texts = {
        "num_round": "20",
        "objective": "multi:softprob",
        "num_class": "3",
        "learning_rate": "0.2",
        "reg_alpha": "1",
        "tree_method": "hist",
        "monotone_constraints": "(1, 0, -1)",
        "interaction_constraints": "[[1, 2], [3, 4]]",
        "updater": "grow_colmaker,prune",
        "csv_weights": "1",
        "early_stopping_rounds": "5",
        "use_dask_gpu_training": "false",
    }
    found = settings(texts)
    assert found.parameters == {
        "objective": "multi:softprob",
        "num_class": 3,
        "eta": 0.2,
        "alpha": 1.0,
        "tree_method": "hist",
        "monotone_constraints": "(1, 0, -1)",
        "interaction_constraints": "[[1, 2], [3, 4]]",
        "updater": "grow_colmaker,prune",
    }
    assert (found.num_round, found.early_stopping_rounds, found.csv_weights) == (20, 5, True)
    assert (found.eval_metrics, found.stopping_metric) == ([], None)


@pytest.mark.parametrize(
    ("texts", "metrics", "stopping"),
    [
        ({"eval_metric": "rmse, mae"}, ["rmse", "mae"], "mae"),
        ({"_tuning_objective_metric": "validation:mse"}, ["mse"], "mse"),
        ({"eval_metric": "rmse", "_tuning_objective_metric": "validation:mae"}, ["mae", "rmse"], "mae"),
        ({"eval_metric": "error@0.7,ndcg@3", "objective": "rank:ndcg"}, ["error@0.7", "ndcg@3"], "ndcg@3"),
    ],
)
def test_the_metrics_are_those_of_the_job_and_of_its_tuning(
    texts: dict[str, str], metrics: list[str], stopping: str
) -> None:
    found = settings({"num_round": "1", **texts})
    assert (found.eval_metrics, found.stopping_metric) == (metrics, stopping)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({}, "Missing required hyperparameter: num_round"),
        ({"num_round": "1", "trees": "7"}, "Extraneous hyperparameter found: trees (its value is '7')"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"num_round": "ten"}, "Hyperparameter num_round: could not parse value 'ten' (caused by ValueError)"),
        ({"num_round": "1", "eta": "2"}, "Hyperparameter eta: 2 is not in [0, 1]"),
        ({"num_round": "1", "eta": "nan"}, "Hyperparameter eta: nan is not in [0, 1]"),
        ({"num_round": "1", "subsample": "0"}, "Hyperparameter subsample: 0 is not in (0, 1]"),
        ({"num_round": "1", "booster": "tree"}, "Hyperparameter booster: tree is not in [gbtree, gblinear, dart]"),
        (
            {"num_round": "1", "objective": "reg:huber"},
            "Hyperparameter objective: reg:huber is not in [binary:logistic",
        ),
        ({"num_round": "1", "eval_metric": "rmse,mine"}, "Hyperparameter eval_metric: rmse,mine is not in [accuracy, "),
        ({"num_round": "1", "eval_metric": "error@x"}, "Hyperparameter eval_metric: error@x is not in"),
        ({"num_round": "1", "eval_metric": "rmse@2"}, "Hyperparameter eval_metric: rmse@2 is not in"),
        ({"num_round": "1", "objective": "multi:softmax"}, "Hyperparameter num_class is required"),
        ({"num_round": "1", "num_class": "3"}, "Hyperparameter num_class is for multi-class classification only"),
        ({"num_round": "1", "eval_metric": "auc"}, "Metric 'auc' can only be applied"),
        (
            {"num_round": "1", "monotone_constraints": "(1)"},
            "Hyperparameter monotone_constraints can be used only when",
        ),
        ({"num_round": "1", "monotone_constraints": "(2, 1)"}, "Hyperparameter monotone_constraints: (2, 1) is not in"),
        (
            {"num_round": "1", "monotone_constraints": "open('x')"},
            "Hyperparameter monotone_constraints: could not parse",
        ),
        ({"num_round": "1", "updater": "shotgun"}, "Hyperparameter updater: shotgun is not of"),
        (
            {"num_round": "1", "updater": "refresh", "booster": "gblinear"},
            "Hyperparameter updater: refresh is not one of",
        ),
        ({"num_round": "1", "updater": "grow_colmaker,distcol"}, "Hyperparameter updater: grow_colmaker,distcol has"),
        ({"num_round": "1", "use_dask_gpu_training": "true"}, "Hyperparameter use_dask_gpu_training: true is not"),
        (
            {"num_round": "1", "_tuning_objective_metric": "train:mae"},
            "Hyperparameter _tuning_objective_metric: train:",
        ),
    ],
)
def test_a_bad_hyperparameter_is_named_with_its_value_and_range(texts: dict[str, str], said: str) -> None:
    with pytest.raises(ClientError) as failure:
        settings(texts)
    assert str(failure.value).startswith(said)


@pytest.mark.parametrize(
    ("version", "known"), [("1.0-1", True), ("1.0-1-cpu-py3", True), ("1.2-2", False), ("", False)]
)
def test_silent_is_of_the_images_up_to_1_0(version: str, known: bool) -> None:
    texts = {"num_round": "1", "silent": "0"}
    if known:
        assert settings(texts, version).parameters == {}
        return
    with pytest.raises(ClientError, match="Extraneous hyperparameter found: silent"):
        settings(texts, version)


def test_the_metrics_that_the_server_looks_for_are_those_that_the_algorithm_prints() -> None:
    assert sorted(XGBOOST.metrics) == metric_names.NAMES
    assert set(metric_names.NAMES) >= custom_metrics.NAMES
