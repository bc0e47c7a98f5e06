"""What PutMetricData brings: checked as CloudWatch checks it, and read.

Source: PutMetricData and MetricDatum in the CloudWatch API Reference.
"""

import math
from collections.abc import Iterator
from typing import Any

from localaws.api_errors import SerializationError
from localaws.document import Document
from localaws.ministack.cloudwatch.data.aggregate import Aggregate, single, together
from localaws.ministack.cloudwatch.data.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from localaws.ministack.cloudwatch.data.metric import Datum, Metric, Scope, sorted_dimensions
from localaws.ministack.cloudwatch.data.retention import DAY, HOUR

MOST_DATA, MOST_VALUES = 1000, 150
_FURTHEST = 2.0**360
_WAYS = ("Value", "StatisticValues", "Values")


def data_of(scope: Scope, members: Document, now: float) -> list[Datum]:
    """Return the data of a request.

    Parameters
    ----------
    scope : Scope
    members : dict
        The request's, of the types that they have to have.
    now : float
        Seconds since the epoch.

    Raises
    ------
    ApiError
        Naming what is wrong with which datum.
    """
    if "EntityMetricData" in members:
        raise InvalidParameterValue("Local AWS keeps no entities: send MetricData without EntityMetricData")
    documents = members.get("MetricData") or []
    if not documents:
        raise MissingParameter("The parameter MetricData is required.")
    if len(documents) > MOST_DATA:
        raise InvalidParameterValue(f"The collection MetricData must not have a size greater than {MOST_DATA}.")
    return [
        datum
        for number, document in enumerate(documents, start=1)
        for datum in _data(scope, members["Namespace"], document, f"MetricData.member.{number}", now)
    ]


def _data(scope: Scope, namespace: str, document: Document, path: str, now: float) -> Iterator[Datum]:
    metric = Metric(scope, namespace, document["MetricName"], _dimensions(document, path))
    aggregate = _aggregate(document, path)
    resolution = document.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise InvalidParameterValue(f"The value {resolution} for parameter {path}.StorageResolution is invalid.")
    seconds = _time(document.get("Timestamp"), path, now)
    if aggregate.count > 0:
        yield Datum(metric, int(seconds * 1000), aggregate, document.get("Unit", "None"), resolution)


def read(scope: Scope, namespace: str, document: Document) -> Datum:
    """Return a datum of PutMetricData that this process made, unchecked.

    Parameters
    ----------
    scope : Scope
    namespace : str
    document : dict
        With ``Values``, ``Counts`` and ``Timestamp``.
    """
    metric = Metric(scope, namespace, document["MetricName"], _dimensions(document, ""))
    aggregate = _of_values(document["Values"], document["Counts"])
    return Datum(metric, int(document["Timestamp"] * 1000), aggregate, document["Unit"], document["StorageResolution"])


def _dimensions(document: Document, path: str) -> tuple[tuple[str, str], ...]:
    pairs = [(each["Name"], each["Value"]) for each in document.get("Dimensions") or []]
    if len(dict(pairs)) < len(pairs):
        raise InvalidParameterValue(f"No duplicate dimension names are allowed in {path}.Dimensions.")
    for name, value in pairs:
        if name.startswith(":") or not all(
            text.isascii() and text.isprintable() and text.strip() for text in (name, value)
        ):
            raise InvalidParameterValue(
                f"The dimension {name!r} = {value!r} of {path} is invalid: a name and a value are of printable ASCII "
                "characters, not all of them spaces, and a name does not begin with a colon."
            )
    return sorted_dimensions(pairs)


def _time(given: float | None, path: str, now: float) -> float:
    if given is None:
        return now
    if not now - 14 * DAY <= given:
        raise InvalidParameterValue(f"The parameter {path}.Timestamp must specify a time within the past two weeks.")
    if given > now + 2 * HOUR:
        raise InvalidParameterValue(
            f"The parameter {path}.Timestamp must specify a time no more than two hours in the future."
        )
    return given


def _aggregate(document: Document, path: str) -> Aggregate:
    given = [way for way in _WAYS if way in document]
    if not given:
        named = ", ".join(f"{path}.{way}" for way in _WAYS)
        raise MissingParameter(f"At least one of the parameters {named} must be specified.")
    if len(given) > 1:
        raise InvalidParameterCombination(
            f"The parameters {path}.{given[0]} and {path}.{given[1]} are mutually exclusive and you have specified "
            "both."
        )
    if "Counts" in document and "Values" not in document:
        raise InvalidParameterCombination(f"The parameter {path}.Counts goes with {path}.Values only.")
    if given == ["Value"]:
        return single(_number(document["Value"], f"{path}.Value"), 1.0)
    if given == ["StatisticValues"]:
        return _of_set(document["StatisticValues"], f"{path}.StatisticValues")
    return _of_values(*_values(document, path))


def _values(document: Document, path: str) -> tuple[list[float], list[float]]:
    for name in ("Values", "Counts"):
        if not isinstance(document.get(name, []), list):
            raise SerializationError(f"{document[name]!r} at '{path}.{name}' can not be converted to a list")
    values = [_number(value, f"{path}.Values.member.{n}") for n, value in enumerate(document["Values"], start=1)]
    counts = document.get("Counts", [1.0] * len(values))
    counts = [_number(count, f"{path}.Counts.member.{n}") for n, count in enumerate(counts, start=1)]
    if len(values) != len(counts):
        raise InvalidParameterValue(f"The parameters {path}.Values and {path}.Counts must be of the same size.")
    if not values:
        raise MissingParameter(f"The parameter {path}.Values must not be empty.")
    if len(set(values)) > MOST_VALUES:
        raise InvalidParameterValue(
            f"The collection {path}.Values must not have a size greater than {MOST_VALUES}: {len(set(values))}."
        )
    for number, count in enumerate(counts, start=1):
        if count < 0:
            raise InvalidParameterValue(f"The value {count} for parameter {path}.Counts.member.{number} is invalid.")
    return values, counts


def _of_values(values: list[float], counts: list[float]) -> Aggregate:
    seen = [single(float(value), float(count)) for value, count in zip(values, counts, strict=True) if count > 0]
    return together(seen) if seen else single(0.0, 0.0)


def _of_set(document: Document, path: str) -> Aggregate:
    names = ("SampleCount", "Sum", "Minimum", "Maximum")
    count, total, least, most = (_number(document[name], f"{path}.{name}") for name in names)
    if count < 0:
        raise InvalidParameterValue(f"The value {count} for parameter {path}.SampleCount is invalid.")
    if least > most:
        raise InvalidParameterCombination(f"The parameter {path}.Minimum must not be greater than {path}.Maximum.")
    # Percentiles are to be had of a set that can only be one value, seen SampleCount times.
    return single(least, count) if least == most and total == least * count else Aggregate(count, total, least, most)


def _number(value: Any, path: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SerializationError(f"{value!r} at '{path}' can not be converted to a double")
    if not (math.isfinite(value) and -_FURTHEST <= value <= _FURTHEST):
        raise InvalidParameterValue(f"The value {value} for parameter {path} is invalid.")
    return float(value)
