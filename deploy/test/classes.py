"""Metrics of classification, under the names and by the definitions of SageMaker Model Monitor's model quality.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html

A share of nothing (precision, where nothing was predicted to be of a class) is 0, as scikit-learn has it by default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.errors import DeployError

# What a probability says that is not high enough: the other class, whatever its label is.
NEGATIVE = ""
# f0_5, f1 and f2: by how much recall weighs more than precision.
_BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
_SHOWN = 5


@dataclass(frozen=True)
class Counts:
    """What the metrics of some records are made of; the counts of parts of a set, added, are those of the set.

    Attributes
    ----------
    labels : mapping of str to sequence of three int
        Of each label: how often it was predicted rightly, how often it was predicted, how many records have it.
    positive_label : str or None
        The label that is looked for; None when there are more than two, and none is before the others.
    """

    labels: Mapping[str, Sequence[int]]
    positive_label: str | None

    @property
    def n_samples(self) -> int:
        """How many records there are."""
        return sum(actual for _, _, actual in self.labels.values())

    def __add__(self, other: "Counts") -> "Counts":
        names = {*self.labels, *other.labels}
        summed = {name: tuple(map(sum, zip(self._of(name), other._of(name), strict=True))) for name in sorted(names)}
        return Counts(summed, self.positive_label)

    def _of(self, label: str) -> Sequence[int]:
        return self.labels.get(label, (0, 0, 0))

    def metrics(self) -> dict[str, float]:
        """Return the metrics of a binary classification, or of one with more classes.

        Raises
        ------
        DeployError
            When labels that were predicted and those of the records have nothing to do with each other.
        """
        return self._weighted() if self.positive_label is None else self._binary(self.positive_label)

    def _binary(self, positive: str) -> dict[str, float]:
        names = [name for name in self.labels if name != NEGATIVE]
        if len(names) > 2:
            raise DeployError(f"a binary classification has two labels, and here are {_listed(names)}")
        right, predicted, actual = self._of(positive)
        if not actual:
            raise DeployError(
                f"no record has the positive label {positive!r}; the labels are {_listed(names)}. Name the one that is "
                "looked for as PositiveLabel in the version's CustomerMetadataProperties"
            )
        negatives, false_positives = self.n_samples - actual, predicted - right
        recall = _share(right, actual)
        return {
            "accuracy": (right + negatives - false_positives) / self.n_samples,
            **_scores(_share(right, predicted), recall),
            "true_positive_rate": recall,
            "true_negative_rate": _share(negatives - false_positives, negatives),
            "false_positive_rate": _share(false_positives, negatives),
            "false_negative_rate": _share(actual - right, actual),
        }

    def _weighted(self) -> dict[str, float]:
        """Average over the classes, each by its share of the records."""
        actual = [name for name, (_, _, count) in self.labels.items() if count]
        predicted = [name for name, (_, count, _) in self.labels.items() if count]
        if not set(actual) & set(predicted):
            raise DeployError(
                f"the endpoint predicts {_listed(predicted)}, and the records' labels are {_listed(actual)}: none is "
                "the same. A model that answers with a probability of each class has to number its classes from 0"
            )
        found = {
            name: _scores(_share(right, guessed), _share(right, count))
            for name, (right, guessed, count) in self.labels.items()
        }
        weights = {name: count / self.n_samples for name, (_, _, count) in self.labels.items()}
        averages = {
            f"weighted_{score}": sum(weights[name] * scores[score] for name, scores in found.items())
            for score in ("precision", "recall", *_BETAS)
        }
        return {"accuracy": sum(right for right, _, _ in self.labels.values()) / self.n_samples, **averages}


def counts(targets: Sequence[str], predictions: Sequence[str], positive_label: str | None) -> Counts:
    """Count labels; a prediction may be `NEGATIVE`, too, where there is a positive label."""
    found = {name: [0, 0, 0] for name in sorted({*targets, *predictions})}
    for target, prediction in zip(targets, predictions, strict=True):
        found[prediction][0] += target == prediction
        found[prediction][1] += 1
        found[target][2] += 1
    return Counts(found, positive_label)


def _scores(precision: float, recall: float) -> dict[str, float]:
    weighed = {name: beta * beta for name, beta in _BETAS.items()}
    combined = {
        name: _share((1 + weight) * precision * recall, weight * precision + recall) for name, weight in weighed.items()
    }
    return {"precision": precision, "recall": recall, **combined}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(map(repr, labels[:_SHOWN]))
    return f"{shown} and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else shown
