"""When a server that ended is started again: only the decision."""

from collections.abc import Sequence

WINDOW_SECONDS = 60.0
GIVE_UP_AT = 6
_FIRST_DELAY_SECONDS = 0.1


def restart_delay(deaths: Sequence[float], now: float) -> float | None:
    """Return how long to wait before the next start.

    Parameters
    ----------
    deaths : sequence of float
        When the server ended, in seconds of one clock, the last one included.
    now : float
        The time on that clock.

    Returns
    -------
    float or None
        Seconds: 0.1 after the first death within a minute, then twice as long each time. None to give up, at
        the sixth.
    """
    recent = sum(1 for death in deaths if now - death < WINDOW_SECONDS)
    if recent >= GIVE_UP_AT:
        return None
    return float(_FIRST_DELAY_SECONDS * 2 ** max(recent - 1, 0))
