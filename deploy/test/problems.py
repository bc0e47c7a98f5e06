"""What kind of problem a model solves: how targets and answers are read, and which metrics measure it.

The kinds and their names are those of SageMaker Model Monitor's `ProblemType`. The version's evaluation says which one
it is, by the group that its metrics are in:

| group of the report | ProblemType | an answer to one record |
|---|---|---|
| `regression_metrics`, or none of these | Regression | a number |
| `binary_classification_metrics` | BinaryClassification | a label, or the probability of the positive one, or of both |
| `multiclass_classification_metrics` | MulticlassClassification | a label, or the probability of each class |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deploy.errors import DeployError
from deploy.test import classes, metrics
from deploy.test.classes import Counts
from deploy.test.metrics import Sums
from deploy.test.prediction import Cell, label, number

_GROUPS = {
    "regression_metrics": "Regression",
    "binary_classification_metrics": "BinaryClassification",
    "multiclass_classification_metrics": "MulticlassClassification",
}
# What a version may say in its CustomerMetadataProperties, and what holds when it does not.
_DEFAULTS = {"PositiveLabel": "1", "ProbabilityThreshold": "0.5"}


class Problem(Protocol):
    """A kind of problem.

    Attributes
    ----------
    noun : str
        What is predicted.
    """

    noun: str

    def takes(self, width: int) -> bool:
        """Return whether an answer to one record may have that many values."""

    def target(self, text: str) -> Cell:
        """Read a target, or raise ValueError."""

    def outcome(self, cells: Sequence[Cell]) -> Cell:
        """Read what an answer to one record says, or raise ValueError."""

    def summed(self, targets: Sequence[Any], outcomes: Sequence[Any]) -> Any:
        """Sum up records to what their metrics are made of: sums can be added, and have `metrics()`."""

    def restored(self, document: Mapping[str, Any]) -> Any:
        """Make such a sum of its attributes."""


@dataclass(frozen=True)
class Regression:
    """A number is predicted."""

    noun = "number"

    def takes(self, width: int) -> bool:
        return width == 1

    def target(self, text: str) -> Cell:
        return float(text)

    def outcome(self, cells: Sequence[Cell]) -> Cell:
        if isinstance(cells[0], str):
            raise ValueError(f"{cells[0]!r} is not a number")
        return cells[0]

    def summed(self, targets: Sequence[float], outcomes: Sequence[float]) -> Sums:
        return metrics.sums(targets, outcomes)

    def restored(self, document: Mapping[str, Any]) -> Sums:
        return Sums(**document)


@dataclass(frozen=True)
class MulticlassClassification:
    """One of several labels is predicted."""

    noun = "label"

    def takes(self, width: int) -> bool:
        return width >= 1

    def target(self, text: str) -> Cell:
        return label(text)

    def outcome(self, cells: Sequence[Cell]) -> Cell:
        """Return the label, or the number of the most probable class, the first of equals."""
        if len(cells) == 1:
            return label(cells[0])
        values = [_number(cell) for cell in cells]
        return str(values.index(max(values)))

    def summed(self, targets: Sequence[str], outcomes: Sequence[str]) -> Counts:
        return classes.counts(targets, outcomes, None)

    def restored(self, document: Mapping[str, Any]) -> Counts:
        return Counts(**document)


@dataclass(frozen=True)
class BinaryClassification:
    """One of two labels is predicted, and one of them is looked for.

    Attributes
    ----------
    positive_label : str
    threshold : float
        A probability above it says that it is the positive one.
    """

    positive_label: str
    threshold: float

    noun = "label"

    def takes(self, width: int) -> bool:
        return width in (1, 2)

    def target(self, text: str) -> Cell:
        return label(text)

    def outcome(self, cells: Sequence[Cell]) -> Cell:
        """Return the label.

        Of two values the second is the positive label's probability. One value from 0 to 1 is its probability as well,
        unless the positive label is a number other than 1: then 0 and 1 may be labels, and only labels are taken.
        """
        value = number(cells[-1])
        if len(cells) == 1 and not self._may_be_probability(value):
            return label(cells[0])
        probability = _number(cells[-1])
        if not 0 <= probability <= 1:
            raise ValueError(f"{probability!r} is not a probability")
        return self.positive_label if probability > self.threshold else classes.NEGATIVE

    def _may_be_probability(self, value: float | None) -> bool:
        is_one_or_text = self.positive_label == "1" or number(self.positive_label) is None
        return is_one_or_text and value is not None and 0 <= value <= 1

    def summed(self, targets: Sequence[str], outcomes: Sequence[str]) -> Counts:
        return classes.counts(targets, outcomes, self.positive_label)

    def restored(self, document: Mapping[str, Any]) -> Counts:
        return Counts(**document)


def describe(report: Any, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return in SageMaker's words which problem a version's evaluation is about.

    Parameters
    ----------
    report : object
        The evaluation's report; None when the version was registered without.
    metadata : mapping of str to str
        The version's CustomerMetadataProperties.

    Raises
    ------
    DeployError
        When it speaks of several.
    """
    named = [group for group in _GROUPS if isinstance(report, dict) and group in report]
    if len(named) > 1:
        raise DeployError(f"the version's evaluation has {' and '.join(named)}: one of them is expected")
    problem_type = _GROUPS[named[0]] if named else "Regression"
    given = {name: metadata.get(name, default) for name, default in _DEFAULTS.items()}
    return {"ProblemType": problem_type, **(given if problem_type == "BinaryClassification" else {})}


def read(document: Mapping[str, str]) -> Problem:
    """Make a problem of its description.

    Raises
    ------
    DeployError
        When what a version says about it cannot be.
    """
    if document["ProblemType"] == "Regression":
        return Regression()
    if document["ProblemType"] == "MulticlassClassification":
        return MulticlassClassification()
    threshold = number(document["ProbabilityThreshold"])
    if threshold is None or not 0 <= threshold < 1:
        raise DeployError(
            f"the version's ProbabilityThreshold is {document['ProbabilityThreshold']!r}, not a number from 0 to less "
            "than 1"
        )
    try:
        return BinaryClassification(label(document["PositiveLabel"]), threshold)
    except ValueError as error:
        raise DeployError(f"the version's PositiveLabel is {document['PositiveLabel']!r}: {error}") from error


def _number(cell: Cell) -> float:
    value = number(cell)
    if value is None:
        raise ValueError(f"{cell!r} is not a probability")
    return value
