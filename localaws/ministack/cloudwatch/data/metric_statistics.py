"""GetMetricStatistics: some statistics of one metric."""

from localaws.document import Document
from localaws.ministack.cloudwatch.data.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from localaws.ministack.cloudwatch.data.metric import Scope
from localaws.ministack.cloudwatch.data.request import metric_of, periods_in, statistics_of, window_of
from localaws.ministack.cloudwatch.data.store import MetricStore

_MOST_DATAPOINTS = 1440


def get_metric_statistics(store: MetricStore, scope: Scope, members: Document, now: float) -> Document:
    """Answer GetMetricStatistics: a datapoint for each period that has data, and each unit that they had.

    Parameters
    ----------
    store : MetricStore
    scope : Scope
    members : dict
    now : float
        Seconds since the epoch.
    """
    names, extended_names = members.get("Statistics") or [], members.get("ExtendedStatistics") or []
    if bool(names) == bool(extended_names):
        if names:
            raise InvalidParameterCombination(
                "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
            )
        raise MissingParameter("One of the parameters Statistics and ExtendedStatistics must be specified.")
    wanted = statistics_of([*names, *extended_names], InvalidParameterValue)
    if any(statistic.basic for name, statistic in wanted.items() if name in extended_names):
        raise InvalidParameterValue("The parameter ExtendedStatistics takes no basic statistic: use Statistics.")
    window = window_of(members, members["Period"], now, InvalidParameterValue)
    if (number := periods_in(window)) > _MOST_DATAPOINTS:
        raise InvalidParameterCombination(
            f"You have requested up to {number:,} datapoints, which exceeds the limit of {_MOST_DATAPOINTS:,}. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    found = store.read(metric_of(scope, members), window, unit=members.get("Unit"), values=bool(extended_names))
    datapoints = []
    for unit, periods in found.items():
        for period, aggregate in sorted(periods.items()):
            values = {name: value for name, each in wanted.items() if (value := each.of(aggregate)) is not None}
            shown = {"ExtendedStatistics": values} if extended_names else values
            if values:
                datapoints.append({"Timestamp": (window.start + period * window.period) / 1000, **shown, "Unit": unit})
    return {"Label": members["MetricName"], "Datapoints": datapoints}
