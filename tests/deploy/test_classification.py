"""How the tests of an endpoint judge a classifier: labels, probabilities, metrics, and what is refused."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from deploy.errors import DeployError
from deploy.test import invocation, problems, records
from deploy.test.classes import counts
from deploy.test.metrics import regression_metrics
from deploy.test.prediction import label
from deploy.test.problems import BinaryClassification, MulticlassClassification, Problem
from model_road import quality

MULTICLASS = MulticlassClassification()
BINARY = BinaryClassification("1", 0.5)
WORDS = BinaryClassification("ill", 0.5)
CUTS = (0, 1, 1, 17, 60)


def drawn(labels: list[str], predicted: list[str]) -> tuple[list[str], list[str]]:
    generator = np.random.default_rng(0)
    targets, predictions = generator.choice(labels, 60).tolist(), generator.choice(predicted, 60).tolist()
    return targets, [target if index % 3 else predictions[index] for index, target in enumerate(targets)]


@pytest.mark.parametrize("predicted", [["a", "b", "c"], ["a", "b", "never seen"], ["a"]])
def test_metrics_of_several_classes_are_scikit_learns_in_parts_and_as_a_whole(predicted: list[str]):
    targets, predictions = drawn(["a", "b", "c"], predicted)
    told = {"average": "weighted", "zero_division": 0}
    expected = {
        "accuracy": reference.accuracy_score(targets, predictions),
        "weighted_precision": reference.precision_score(targets, predictions, **told),
        "weighted_recall": reference.recall_score(targets, predictions, **told),
        **{
            f"weighted_{name}": reference.fbeta_score(targets, predictions, beta=beta, **told)
            for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))
        },
    }
    assert MULTICLASS.summed(targets, predictions).metrics() == pytest.approx(expected, rel=1e-12)
    parts = MULTICLASS.summed([], [])
    for start, end in pairwise(CUTS):
        parts += MULTICLASS.restored(vars(MULTICLASS.summed(targets[start:end], predictions[start:end])))
    assert (parts.n_samples, parts.metrics()) == (60, pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize("predicted", [["0", "1"], ["0"], ["1"]])
def test_metrics_of_two_classes_are_scikit_learns(predicted: list[str]):
    targets, _ = drawn(["0", "1"], ["0"])
    predictions = np.random.default_rng(1).choice(predicted, 60).tolist()
    told = {"pos_label": "1", "zero_division": 0}
    matrix = reference.confusion_matrix(targets, predictions, labels=["0", "1"])
    [[true_negative, false_positive], [false_negative, true_positive]] = matrix / matrix.sum(axis=1, keepdims=True)
    expected = {
        "accuracy": reference.accuracy_score(targets, predictions),
        "precision": reference.precision_score(targets, predictions, **told),
        "recall": reference.recall_score(targets, predictions, **told),
        **{
            name: reference.fbeta_score(targets, predictions, beta=beta, **told)
            for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))
        },
        "true_positive_rate": true_positive,
        "true_negative_rate": true_negative,
        "false_positive_rate": false_positive,
        "false_negative_rate": false_negative,
    }
    outcomes = [BINARY.outcome([float(each)]) for each in predictions]
    assert BINARY.summed(targets, outcomes).metrics() == pytest.approx(expected, rel=1e-12)


def test_the_binary_metrics_are_those_of_model_monitors_own_example():
    """Of the confusion matrix in "Model quality metrics": {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}."""
    found = counts(["0", "0", "0", "1"], ["0", "1", "1", "1"], "1").metrics()
    names = ("recall", "precision", "accuracy", "true_negative_rate", "false_positive_rate", "false_negative_rate")
    assert [found[name] for name in names] == pytest.approx([1, 1 / 3, 0.5, 1 / 3, 2 / 3, 0])


@pytest.mark.parametrize(
    ("written", "one"),
    [
        *((each, "1") for each in (1.0, "1", " 1.0", "1e0", "true", "True")),
        *((each, "0") for each in (0.0, "-0", "false", "FALSE")),
        (2.5, "2.5"),
        ("-1", "-1"),
        (" Iris setosa ", "Iris setosa"),
        ("None", "None"),
    ],
)
def test_a_label_has_one_spelling(written: float | str, one: str):
    assert label(written) == one


@pytest.mark.parametrize(
    ("problem", "body", "content_type", "labels"),
    [
        (MULTICLASS, b"setosa\n virginica\n", "text/csv", ["setosa", "virginica"]),
        (MULTICLASS, b'"a, b"\nc\n', "text/csv", ["a, b", "c"]),
        (MULTICLASS, b"0,2.0", "text/csv", ["0", "2"]),
        (MULTICLASS, b"0.1,0.7,0.2\n0.4,0.4,0.2\n", "text/csv", ["1", "0"]),
        (MULTICLASS, b'{"predictions": [[0.1, 0.9], [0.8, 0.2]]}', "application/json", ["1", "0"]),
        (MULTICLASS, b'["a", "b"]', "application/json", ["a", "b"]),
        (
            MULTICLASS,
            b'{"predictions": [{"score": [0.2, 0.8], "predicted_label": 1}, {"score": [1, 0], "predicted_label": 0}]}',
            "application/json",
            ["1", "0"],
        ),
        (
            WORDS,
            b'[{"label": "ill", "score": 0.9}, {"label": "well", "score": 0.8}]',
            "application/json",
            ["ill", "well"],
        ),
        (WORDS, b"0.5\n0.51", "text/csv", ["", "ill"]),
        (WORDS, b"1.0\n0.0", "text/csv", ["ill", ""]),
        (BINARY, b"[true, false]", "application/json", ["1", "0"]),
        (BINARY, b"[0.3, 0.7]", "application/json", ["", "1"]),
        (BINARY, b"[[0.7, 0.3], [0.2, 0.8]]", "application/json", ["", "1"]),
        (BINARY, b"-1\n1", "text/csv", ["-1", "1"]),
        (BinaryClassification("1", 0.2), b"0.2\n0.21", "text/csv", ["", "1"]),
        # Where 0 and 1 may be labels themselves, only labels are taken.
        (BinaryClassification("2", 0.5), b"1\n2", "text/csv", ["1", "2"]),
        (BinaryClassification("0", 0.5), b"1\n0", "text/csv", ["1", "0"]),
    ],
)
def test_an_answer_is_a_label_or_probabilities(problem: Problem, body: bytes, content_type: str, labels: list[str]):
    found = invocation.read(body, content_type, 2, problem)
    assert [prediction.outcome for prediction in found] == labels


@pytest.mark.parametrize(
    ("problem", "body", "why"),
    [
        (MULTICLASS, b"a\nb\nc", r"2 record\(s\) were sent and 3 prediction\(s\) came back: 'a"),
        (MULTICLASS, b"0.1,0.9\n0.1,b", "not labels: 'b' is not a probability"),
        (BINARY, b"0.1,0.2,0.7\n0.1,0.2,0.7", r"2 record\(s\) were sent and 6 prediction\(s\) came back"),
        (BINARY, b"-3.1,3.1\n2,-2", r"not labels: 3\.1 is not a probability"),
        (BINARY, b"", r"2 record\(s\) were sent and 0 prediction\(s\) came back"),
        (BINARY, b'a\n"' + b"b" * 200_000, "not labels: field larger than field limit"),
    ],
)
def test_an_answer_that_is_neither_is_refused(problem: Problem, body: bytes, why: str):
    with pytest.raises(DeployError, match=why):
        invocation.read(body, "text/csv", 2, problem)


def test_a_prediction_that_is_not_finite_is_seen():
    assert [each.is_finite for each in invocation.read(b"nan\n1\na", "text/csv", 3, MULTICLASS)] == [False, True, True]


def test_probabilities_are_compared_as_they_were_answered():
    """Not the labels that they come to: a model whose probability depends on the neighbours is wrong."""
    one, other, third = invocation.read(b"0.7\n0.8\n0.70000000001", "text/csv", 3, BINARY)
    assert (one.same_as(other), one.same_as(third)) == (False, True)
    [short], [long] = invocation.read(b"1", "text/csv", 1, BINARY), invocation.read(b"1,1", "text/csv", 1, BINARY)
    assert not short.same_as(long)


def test_targets_are_labels():
    found = records.parse("a,kind\n1,setosa\n2,3.0\n", "kind", "x", MULTICLASS)
    assert found == records.Records(("1", "2"), ("setosa", "3"))
    with pytest.raises(DeployError, match="x: a value of 'kind' is not a label: it is empty"):
        records.parse("a,kind\n1,\n", "kind", "x", MULTICLASS)


@pytest.mark.parametrize(
    ("problem", "targets", "predictions", "why"),
    [
        (BINARY, ["0", "1"], ["0", "2"], "a binary classification has two labels, and here are '0', '1', '2'"),
        (BINARY, ["a", "b"], ["a", "b"], "no record has the positive label '1'; the labels are 'a', 'b'. Name the one"),
        (MULTICLASS, ["a", "b"], ["0", "1"], "predicts '0', '1', and the records' labels are 'a', 'b': none is the sa"),
        (MULTICLASS, list("abcdefg"), ["x"] * 7, "labels are 'a', 'b', 'c', 'd', 'e' and 2 more"),
    ],
)
def test_labels_that_do_not_fit_are_no_bad_model(
    problem: Problem, targets: list[str], predictions: list[str], why: str
):
    with pytest.raises(DeployError, match=why):
        problem.summed(targets, predictions).metrics()


@pytest.mark.parametrize(
    ("report", "metadata", "problem"),
    [
        (None, {}, problems.Regression()),
        ({"my_metrics": {}}, {}, problems.Regression()),
        ({"regression_metrics": {}}, {"PositiveLabel": "x"}, problems.Regression()),
        ({"dataset": {}, "multiclass_classification_metrics": {}}, {}, MULTICLASS),
        ({"binary_classification_metrics": {}}, {}, BINARY),
        ({"binary_classification_metrics": {}}, {"PositiveLabel": "ill"}, WORDS),
        (
            {"binary_classification_metrics": {}},
            {"PositiveLabel": "True", "ProbabilityThreshold": "0.2"},
            BinaryClassification("1", 0.2),
        ),
    ],
)
def test_the_evaluation_says_which_problem_it_is(report: object, metadata: dict[str, str], problem: Problem):
    assert problems.read(problems.describe(report, metadata)) == problem


@pytest.mark.parametrize(
    ("report", "metadata", "why"),
    [
        (
            {"regression_metrics": {}, "binary_classification_metrics": {}},
            {},
            "has regression_metrics and binary_classification_metrics: one of them is expected",
        ),
        ({"binary_classification_metrics": {}}, {"PositiveLabel": " "}, "PositiveLabel is ' ': it is empty"),
        *(
            (
                {"binary_classification_metrics": {}},
                {"ProbabilityThreshold": wrong},
                f"is '{wrong}', not a number from 0",
            )
            for wrong in ("high", "1", "-0.1", "nan")
        ),
    ],
)
def test_what_a_version_says_of_its_problem_may_be_wrong(report: object, metadata: dict[str, str], why: str):
    with pytest.raises(DeployError, match=why):
        problems.read(problems.describe(report, metadata))


def test_the_documents_table_of_metrics_is_the_truth():
    text = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
    rows = re.findall(r"^\| `(\w+_metrics)` \| (.*) \|$", text, re.MULTILINE)
    assert {group: set(re.findall(r"`(\w+)`", metrics)) for group, metrics in rows} == {
        "regression_metrics": set(regression_metrics([1, 2], [1, 2])),
        "binary_classification_metrics": set(counts(["1", "0"], ["1", "0"], "1").metrics()),
        "multiclass_classification_metrics": set(counts(["a"], ["a"], None).metrics()),
    }


def test_the_direction_of_every_metric_that_is_compared_is_known():
    binary, weighted = counts(["1", "0"], ["1", "0"], "1").metrics(), counts(["a"], ["a"], None).metrics()
    names = {*binary, *weighted, *regression_metrics([1, 2], [1, 2])}
    assert len(names) == 19
    lower = {name for name in names if quality.higher_is_better(name) is False}
    assert lower == {"mae", "mse", "rmse", "false_positive_rate", "false_negative_rate"}
    assert all(quality.higher_is_better(name) for name in names - lower)
