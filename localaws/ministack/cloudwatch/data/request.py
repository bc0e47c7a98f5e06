"""What the operations that read have in common: metric, periods, times and statistics of a request."""

from collections.abc import Iterable

from localaws.api_errors import ApiError
from localaws.document import Document
from localaws.ministack.cloudwatch.data.metric import Metric, Scope, Window, sorted_dimensions
from localaws.ministack.cloudwatch.data.retention import rounded_start
from localaws.ministack.cloudwatch.data.statistic import Statistic, UnknownStatistic, statistic

_SHORT_PERIODS = (1, 5, 10, 20, 30)

Refusal = type[ApiError]


def metric_of(scope: Scope, members: Document) -> Metric:
    """Return the metric that members name."""
    pairs = [(each["Name"], each["Value"]) for each in members.get("Dimensions") or []]
    return Metric(scope, members["Namespace"], members["MetricName"], sorted_dimensions(pairs))


def window_of(members: Document, period: int, now: float, refusal: Refusal, path: str = "Period") -> Window:
    """Return the periods that a request asks for.

    Parameters
    ----------
    members : dict
        With ``StartTime`` and ``EndTime``.
    period : int
        In seconds.
    now : float
    refusal : type of ApiError
        What a wrong one is refused with.
    path : str, default="Period"
        What the period is called.
    """
    if period not in _SHORT_PERIODS and (period < 1 or period % 60):
        raise refusal(f"The parameter {path} must be 1, 5, 10, 20, 30 or a multiple of 60: {period}.")
    if members["StartTime"] >= members["EndTime"]:
        raise refusal("The parameter StartTime must be less than the parameter EndTime.")
    start = rounded_start(members["StartTime"], period, now)
    return Window(start, int(members["EndTime"] * 1000), period * 1000)


def periods_in(window: Window) -> int:
    """Return the number of periods."""
    return -(-(window.end - window.start) // window.period)


def statistics_of(names: Iterable[str], refusal: Refusal) -> dict[str, Statistic]:
    """Return statistics by their names."""
    try:
        return {name: statistic(name) for name in names}
    except UnknownStatistic as error:
        raise refusal(str(error)) from error
