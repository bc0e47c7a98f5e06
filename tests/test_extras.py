"""What each extra stands for: local AWS does without SageMaker's SDK and what models import."""

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata

import pytest

from model_road.errors import RoadError
from pipelines.installed import check_sdk

# Imports every module of local AWS and its servers while what another extra brings cannot be imported.
_WITHOUT = """
import importlib, pkgutil, sys
for name in ("sagemaker", "pandas", "sklearn", "scipy", "matplotlib", "dill"):
    sys.modules[name] = None
import localaws, model_road
for package in (localaws, model_road):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".images.containers" not in module.name and "client_hook" not in module.name:
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
"""


def test_local_aws_imports_nothing_of_the_sdk_and_of_models() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _missing(name: str) -> str:
    raise metadata.PackageNotFoundError(name)


@pytest.mark.parametrize("version", [_missing, lambda _name: "2.245.0"])
def test_without_version_3_of_the_sdk_it_says_what_to_install(version: Callable[[str], str]) -> None:
    with pytest.raises(RoadError, match=r"pip install 'model-road\[pipelines\]'$"):
        check_sdk(version)
