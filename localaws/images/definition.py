"""What an image of AWS is made of."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_HERE = Path(__file__).parent
CONTAINERS = _HERE / "containers"
SCRIPT_SERVER = CONTAINERS / "script_server.py"


@dataclass(frozen=True)
class Framework:
    """What the images of a framework have in common.

    Attributes
    ----------
    container : str
        The package in ``containers/`` with the framework's `training` and `serving` modules.
    train : str
        The toolkit's module whose `main` is the program `train`.
    imports : sequence of str
        The modules that an environment must be able to import: otherwise it is not that image.
    compared : tuple of str
        The packages whose versions decide whether something that works here works in the image.
    """

    container: str
    train: str
    imports: Sequence[str]
    compared: tuple[str, ...]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that the Dockerfiles of its images set."""
        return {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "UTF-8",
            "SAGEMAKER_SERVING_MODULE": f"{self.container}.serving:main",
            "SAGEMAKER_TRAINING_MODULE": f"{self.container}.training:main",
            "SM_INPUT": "/opt/ml/input",
            "SM_INPUT_DATA_CONFIG_FILE": "/opt/ml/input/config/inputdataconfig.json",
            "SM_INPUT_TRAINING_CONFIG_FILE": "/opt/ml/input/config/hyperparameters.json",
            "SM_CHECKPOINT_CONFIG_FILE": "/opt/ml/input/config/checkpointconfig.json",
            "SM_MODEL_DIR": "/opt/ml/model",
        }


@dataclass(frozen=True)
class Definition:
    """An image that can be installed.

    Attributes
    ----------
    repository, version : str
        The repository in ECR, such as ``sagemaker-scikit-learn``, and the tag up to the processor: ``1.4-2``.
    python : str
        The image's own Python, such as ``3.12``.
    edits : mapping of str to (str, str)
        What AWS's Dockerfile replaces in installed files: by path in site-packages, the text and what takes its place.
    """

    repository: str
    version: str
    python: str
    framework: Framework
    edits: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that commands take: ``sagemaker-scikit-learn:1.4-2``."""
        return f"{self.repository}:{self.version}"

    @property
    def folder_name(self) -> str:
        """The name for files and folders."""
        return f"{self.repository}-{self.version}"

    @property
    def requirements_path(self) -> Path:
        """The file of all its packages."""
        return _HERE / "requirements" / f"{self.folder_name}.txt"

    @property
    def container_path(self) -> Path:
        """The folder of the package that PyPI does not have."""
        return CONTAINERS / self.framework.container

    @property
    def container_files(self) -> list[Path]:
        """The modules of that package, and what the frameworks share."""
        return [*sorted(self.container_path.rglob("*.py")), SCRIPT_SERVER]

    @property
    def pins(self) -> dict[str, str]:
        """The version of each package in the image, by name."""
        return pins(self.requirements_path.read_text())

    @property
    def source(self) -> str:
        """The address of AWS's own file of requirements."""
        return self.requirements_path.read_text().split(maxsplit=2)[1]

    @property
    def digest(self) -> str:
        """What tells an environment that was made from this definition from one made from an earlier one."""
        digest = hashlib.sha256(repr((self.name, self.python, sorted(self.edits.items()))).encode())
        for path in [self.requirements_path, *self.container_files]:
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def stands_for(self, repository: str, tag: str) -> bool:
        """Return whether a tag such as ``1.4-2-cpu-py3`` of a repository means this image."""
        return repository == self.repository and (tag == self.version or tag.startswith(f"{self.version}-"))


def pins(requirements: str) -> dict[str, str]:
    """Return the versions that a file of requirements pins; of several for different Pythons the last."""
    lines = [line.partition(";")[0].strip() for line in requirements.splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines if line)
