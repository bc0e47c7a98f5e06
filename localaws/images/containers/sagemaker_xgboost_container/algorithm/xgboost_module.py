"""xgboost, without the seconds that it takes to import pandas and scikit-learn, which it does when they are there."""

from __future__ import annotations

import sys
from typing import Any

from .errors import ClientError

_LEFT_OUT = ("pandas", "sklearn")


def load() -> Any:
    """Return the module.

    Raises
    ------
    ClientError
        It is not installed; says what to install.
    """
    # While a name in sys.modules is None, its import fails; xgboost then does without, and nothing here needs it.
    hidden = [name for name in _LEFT_OUT if name not in sys.modules and "xgboost" not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import xgboost  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ClientError(
            f"{sys.executable} has no {error.name}, which the XGBoost algorithm needs: pip install"
            " 'model-road[xgboost]', or make the image's own environment: local-aws images install"
            " sagemaker-xgboost:3.2-0"
        ) from error
    finally:
        for name in hidden:
            del sys.modules[name]
    return xgboost


def version(xgboost: Any) -> tuple[int, int]:
    """Return its version's first two numbers."""
    major, minor = xgboost.__version__.split(".")[:2]
    return int(major), int(minor)
