"""From a container image's URI to its substitute on this host.

An image is a file system with an interpreter and the programs `serve` and `train`. What stands for one, the first of:

1. what ``images.json`` in the state directory maps, by the beginning of the repository's name::

       {"my-team/torch-training": "/home/me/torch-env/bin/python"}

2. the image's own environment, once `local-aws images install` has made it (`localaws.images`), with AWS's `serve` and
   `train`;
3. the interpreter that runs this server, whose environment has what SageMaker's framework images have, in other
   versions, which a line in the job's log says.

With 1 and 3, `serve` is the project's own model server and `train` its own training toolkit (`training/train.py`), with
the image's contracts.
"""

import functools
import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from localaws.images import algorithms, catalog, environment
from localaws.images.definition import Definition
from localaws.images.environment import Environment
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.jobs import other_images
from training import train

_URI = re.compile(r"(?:(?P<registry>[^/]+\.[^/]+)/)?(?P<repository>[^:@]+)(?:[:@].+)?")
FRAMEWORKS = (
    "sagemaker-scikit-learn",
    "sagemaker-xgboost",
    "pytorch-training",
    "pytorch-inference",
    "sagemaker-distribution",
    "python",
)
_MAP_FILE = "images.json"
# Packages that are published under several names.
_DISTRIBUTIONS = {"xgboost": ["xgboost", "xgboost-cpu"]}


@dataclass(frozen=True)
class Image:
    """The substitute of an image on this host.

    Attributes
    ----------
    interpreter : Path
        The Python that `python3` means inside the container.
    serve, train : list of str
        The command lines of the image's model server, and of its `train` program, which runs if a job does not name an
        entry point.
    variables : mapping of str to str
        The environment variables that the image sets.
    notice : str or None
        The line about what differs from AWS's image, for the job's log.
    start_seconds : float
        How long its model server may take to become ready: AWS's first installs the model's code, and answers /ping
        when a worker has loaded the model.
    """

    uri: str
    interpreter: Path
    serve: list[str]
    train: list[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None
    start_seconds: float = 60.0

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a container: the image's variables, overridden by its own.

        The toolkits of older images fetch code with a boto3 that does not read AWS_ENDPOINT_URL; they have a variable
        for it.
        """
        endpoint_url = own.get("AWS_ENDPOINT_URL") if self.variables else None
        both = {**self.variables, **({"S3_ENDPOINT_URL": endpoint_url} if endpoint_url else {}), **own}
        paths = [each["PYTHONPATH"] for each in (own, self.variables) if each.get("PYTHONPATH")]
        return both | ({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})

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
        If nothing on this host stands for it; the message says what to add where, or to install.
    """
    match = _URI.fullmatch(uri)
    repository = match["repository"] if match else uri
    mapped = mapped_images(state_dir)
    if own := _longest(repository, mapped):
        return _of_host(uri, Path(mapped[own]))
    definition = catalog.of_uri(uri)
    if definition and (made := environment.find(definition, environment.images_dir())) and made.is_whole:
        return _of_environment(uri, made)
    if _longest(repository, FRAMEWORKS):
        return _of_host(uri, Path(sys.executable), difference(definition) if definition else None)
    install = f" Or install it: `local-aws images install {definition.name}`." if definition else ""
    other = other_images.of_uri(uri)
    if other and other.is_algorithm:
        raise ValidationError(f"The image '{uri}' cannot run here: {other.sentence}")
    known = other.sentence if other else f"Known: {', '.join([*FRAMEWORKS, *mapped])}."
    raise ValidationError(
        f"No interpreter on this host stands for the image '{uri}'. {known} Add the"
        f' repository to {state_dir / _MAP_FILE}, such as {{"{repository}": "/path/to/bin/python"}}.{install}'
    )


def _longest(repository: str, names: Iterable[str]) -> str | None:
    return max((name for name in names if repository.startswith(name)), key=len, default=None)


def _of_host(uri: str, interpreter: Path, notice: str | None = None) -> Image:
    if not interpreter.is_file():
        raise ValidationError(f"The interpreter {interpreter}, which stands for the image '{uri}', does not exist")
    algorithm = algorithms.of_uri(uri)
    return Image(
        uri,
        interpreter,
        serve=[str(interpreter), "-m", "serving", "--host", "127.0.0.1"],
        train=[str(interpreter), train.__file__],
        variables=algorithm.variables(uri) if algorithm else {},
        notice=notice,
    )


def _of_environment(uri: str, made: Environment) -> Image:
    programs = made.python.parent
    return Image(
        uri,
        made.python,
        serve=[str(programs / "serve")],
        train=[str(programs / "train")],
        variables=made.definition.framework.variables,
        notice=_prefixed(made.difference),
        start_seconds=180.0,
    )


def difference(definition: Definition) -> str | None:
    """Return the line about what this server's own interpreter has that an image has not; None if there is nothing."""
    versions = {"Python": definition.python, **{name: definition.pins[name] for name in definition.framework.compared}}
    here = {"Python": ".".join(platform.python_version_tuple()[:2])} | versions_here(definition.framework.compared)
    other = [
        f"{name} {here[name]} for {version}" if here[name] else f"no {name} for {version}"
        for name, version in versions.items()
        if here[name] != version
    ]
    if not other:
        return None
    return _prefixed(
        f"not {definition.name} itself but this machine's Python environment stands for it: {', '.join(other)}."
        f" With its own versions: local-aws images install {definition.name}"
    )


@functools.cache
def versions_here(names: tuple[str, ...]) -> dict[str, str | None]:
    """Return the versions of these packages beside this interpreter; None for one that is not there."""
    return {name: _version_here(name) for name in names}


def _version_here(name: str) -> str | None:
    for distribution in _DISTRIBUTIONS.get(name, [name]):
        with suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(distribution)
    return None


def _prefixed(line: str | None) -> str | None:
    return f"local-aws: {line}" if line else None


def mapped_images(state_dir: Path) -> dict[str, str]:
    """Return the interpreters that ``images.json`` maps, by the beginning of the repository's name."""
    path = state_dir / _MAP_FILE
    if not path.exists():
        return {}
    try:
        mapped = json.loads(path.read_text())
    except ValueError as error:
        raise ValidationError(f"{path} is not JSON: {error}") from error
    if not isinstance(mapped, dict) or not all(isinstance(value, str) for value in mapped.values()):
        raise ValidationError(f"{path} must map repository names to paths of interpreters")
    return mapped
