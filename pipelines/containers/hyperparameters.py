"""The hyperparameters of a training job: strings, as SageMaker passes them, into values.

They come from /opt/ml/input/config/hyperparameters.json. AWS's training toolkit, which tuning jobs use, repeats them as
options of the script. Those which SageMaker's own tools add (`sagemaker_...`, `_tuning_...`) are left alone, any other
that is not known is refused.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NOT_OURS = ("sagemaker_", "_tuning_")


@dataclass(frozen=True)
class Kind:
    """What a hyperparameter is.

    Attributes
    ----------
    parse : callable
        Makes the value of the string; ValueError or TypeError where it is none.
    expected : str
        What a string has to say, in words.
    """

    parse: Callable[[str], Any]
    expected: str


TEXT = Kind(str, "a text")


def options(
    description: str, names: Sequence[str], arguments: Sequence[str] | None = None
) -> tuple[Path, dict[str, str]]:
    """Read the command line of a training script.

    Returns
    -------
    tuple of (Path, dict)
        SageMaker's folder, /opt/ml unless `--prefix` says otherwise, and the hyperparameters among the options.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--prefix", type=Path, default=Path("/opt/ml"), help="SageMaker's folder (/opt/ml)")
    # SageMaker starts its own images with the word `train`; it says nothing that is not known.
    parser.add_argument("command", nargs="?", choices=["train"], help=argparse.SUPPRESS)
    for name in names:
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    given = vars(parser.parse_args(arguments))
    prefix, _ = given.pop("prefix"), given.pop("command")
    return prefix, given


def read(prefix: Path, given: Mapping[str, str], known: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the values of the hyperparameters that a job was given, by name.

    Parameters
    ----------
    prefix : Path
        SageMaker's /opt/ml.
    given : mapping of str to str
        Those of the command line, which take precedence.
    known : mapping of str to Kind

    Raises
    ------
    ValueError
        Names the hyperparameter, the value and what was expected.
    """
    config = prefix / "input" / "config" / "hyperparameters.json"
    of_job = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    return parse({**of_job, **given}, known)


def parse(given: Mapping[str, str], known: Mapping[str, Kind]) -> dict[str, Any]:
    """Make values of the strings, as `read` does."""
    ours = {name: value for name, value in given.items() if not name.startswith(_NOT_OURS)}
    for name, value in ours.items():
        if name not in known:
            raise ValueError(f"hyperparameter {name!r} (value {value!r}) is not known; known are {', '.join(known)}")
    return {name: _value(name, value, known[name]) for name, value in ours.items()}


def _value(name: str, value: str, kind: Kind) -> Any:
    try:
        return kind.parse(value)
    except (TypeError, ValueError):
        raise ValueError(f"hyperparameter {name!r} has the value {value!r}; expected {kind.expected}") from None
