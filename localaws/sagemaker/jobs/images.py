"""From a container image's URI to its substitute on this host.

An image is a file system with an interpreter and a `serve` program. Here the interpreter is one of the host's, by
default the one that runs this server, whose environment has what SageMaker's framework images have; `serve` is the
project's own model server, `train` its own training toolkit (`training/train.py`), with the image's contracts.

``images.json`` in the state directory maps more images, or other interpreters, by the beginning of the repository's
name::

    {"my-team/torch-training": "/home/me/torch-env/bin/python"}
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from localaws.sagemaker.errors import ValidationError
from training import train

_URI = re.compile(r"(?:(?P<registry>[^/]+\.[^/]+)/)?(?P<repository>[^:@]+)(?:[:@].+)?")
_FRAMEWORKS = (
    "sagemaker-scikit-learn",
    "pytorch-training",
    "pytorch-inference",
    "sagemaker-distribution",
    "python",
)
_MAP_FILE = "images.json"


@dataclass(frozen=True)
class Image:
    """The substitute of an image on this host.

    Attributes
    ----------
    interpreter : Path
        The Python that `python3` means inside the container.
    """

    uri: str
    interpreter: Path

    @property
    def serve(self) -> list[str]:
        """The command line of the image's model server."""
        return [str(self.interpreter), "-m", "serving", "--host", "127.0.0.1"]

    @property
    def train(self) -> list[str]:
        """The command line of the image's `train` program, which runs if a job does not name an entry point."""
        return [str(self.interpreter), train.__file__]

    @property
    def protected(self) -> list[Path]:
        """The folders that a container must not write to: the environment of the interpreter."""
        return [self.interpreter.parent.parent]


def find(uri: str, state_dir: Path) -> Image:
    """Return the image that stands for this URI.

    Parameters
    ----------
    uri : str
        A URI such as ``683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3``.
    state_dir : Path
        The folder that contains ``images.json``.

    Raises
    ------
    ValidationError
        If nothing on this host stands for it; the message says what to add where.
    """
    match = _URI.fullmatch(uri)
    repository = match["repository"] if match else uri
    known = dict.fromkeys(_FRAMEWORKS, sys.executable) | _mapped(state_dir / _MAP_FILE)
    candidates = [name for name in known if repository.startswith(name)]
    if not candidates:
        raise ValidationError(
            f"No interpreter on this host stands for the image '{uri}'. Known: {', '.join(known)}. Add the repository"
            f' to {state_dir / _MAP_FILE}, such as {{"{repository}": "/path/to/bin/python"}}.'
        )
    interpreter = Path(known[max(candidates, key=len)])
    if not interpreter.is_file():
        raise ValidationError(f"The interpreter {interpreter}, which stands for the image '{uri}', does not exist")
    return Image(uri, interpreter)


def _mapped(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        mapped = json.loads(path.read_text())
    except ValueError as error:
        raise ValidationError(f"{path} is not JSON: {error}") from error
    if not isinstance(mapped, dict) or not all(isinstance(value, str) for value in mapped.values()):
        raise ValidationError(f"{path} must map repository names to paths of interpreters")
    return mapped
