"""How long data stay, and how finely: seconds for 3 hours, minutes for 15 days, five minutes for 63 days, then hours.

Source: GetMetricData in the CloudWatch API Reference.
"""

from dataclasses import dataclass

HOUR, DAY = 3600, 86_400


@dataclass(frozen=True)
class Level:
    """A resolution in which data are kept for a while.

    Attributes
    ----------
    number : int
    seconds : float
        What a row comprises.
    lasting : int
        The age in seconds at which rows go up to the next level, or away.
    most_values : int
        How many different values a row's distribution has before it is rounded. Of a datum, CloudWatch takes 150.
    """

    number: int
    seconds: float
    lasting: int
    most_values: int

    @property
    def milliseconds(self) -> int:
        """What a row comprises."""
        return round(self.seconds * 1000)


def levels(scale: float) -> tuple[Level, ...]:
    """Return all levels, the finest first.

    Parameters
    ----------
    scale : float
        What a second of an alarm's period takes here. Where it takes less than one, tenths of a second are kept.
    """
    return (
        Level(0, 1 if scale >= 1 else 0.1, 3 * HOUR, 150),
        Level(1, 60, 15 * DAY, 32),
        Level(2, 300, 63 * DAY, 32),
        Level(3, HOUR, 455 * DAY, 32),
    )


def rounded_start(start: float, period: int, now: float) -> int:
    """Return where the first period of a request begins, in milliseconds since the epoch.

    Parameters
    ----------
    start : float
        StartTime, in seconds since the epoch.
    period : int
        In seconds.
    now : float
    """
    if period < 60:
        step = period
    elif now - start < 15 * DAY:
        step = 60
    else:
        step = 300 if now - start < 63 * DAY else HOUR
    return int(start // step) * step * 1000
