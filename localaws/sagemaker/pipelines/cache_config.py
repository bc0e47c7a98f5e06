"""The CacheConfig of a step, checked when the pipeline is created. Pure functions."""

import re
from typing import Any

from localaws.sagemaker.errors import ValidationError

_DURATION = re.compile(r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.I)
_SECONDS = (31_536_000, 2_592_000, 604_800, 86_400, 3_600, 60, 1)


def check(step_name: str, config: Any) -> None:
    """Refuse a CacheConfig that is not ``{"Enabled": true or false, "ExpireAfter": a duration}``.

    Raises
    ------
    ValidationError
        Names the step and the value.
    """
    if not isinstance(config, dict) or not isinstance(config.get("Enabled", False), bool):
        raise ValidationError(f"Step '{step_name}': CacheConfig.Enabled must be true or false")
    if "ExpireAfter" in config:
        try:
            duration(str(config["ExpireAfter"]))
        except ValidationError as error:
            raise ValidationError(f"Step '{step_name}': {error.message}") from error


def duration(text: str) -> int:
    """Return the seconds of an ISO 8601 duration such as ``P30D`` or, as AWS's guide writes it, ``30dT5h``.

    Raises
    ------
    ValidationError
        If it is not a duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValidationError(f"ExpireAfter '{text}' is not an ISO 8601 duration such as P30D or PT1H")
    return sum(int(count or 0) * unit for count, unit in zip(match.groups(), _SECONDS, strict=True))
