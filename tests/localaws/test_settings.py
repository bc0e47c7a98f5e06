"""Settings from the environment: a wrong value is named, with what to set instead."""

import pytest

from localaws.errors import LocalAwsError
from localaws.settings import serverless_idle_seconds, time_scale


@pytest.mark.parametrize(
    ("read", "variable", "default"),
    [(time_scale, "LOCALAWS_TIME_SCALE", 1.0), (serverless_idle_seconds, "LOCALAWS_SERVERLESS_IDLE_SECONDS", 300.0)],
)
def test_a_number_above_zero_or_the_default(read, variable, default):
    assert read({}) == read({variable: ""}) == default
    assert read({variable: "0.5"}) == 0.5
    for wrong in ("0", "-1", "soon", "nan", "inf"):
        with pytest.raises(LocalAwsError, match=f"{variable} has the value '{wrong}'. Set it to a number above 0"):
            read({variable: wrong})
