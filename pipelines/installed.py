"""Whether the extra `pipelines` is there, without which `local-aws` and `deploy-model` do."""

from collections.abc import Callable
from importlib import metadata

from model_road.errors import RoadError


def check_sdk(version: Callable[[str], str] = metadata.version) -> None:
    """Refuse to go on without version 3 of SageMaker's SDK.

    Raises
    ------
    RoadError
        It is not installed, or another version is.
    """
    install = "pip install 'model-road[pipelines]'"
    try:
        found = version("sagemaker")
    except metadata.PackageNotFoundError:
        raise RoadError(f"SageMaker's SDK, which defines pipelines, is not installed: {install}") from None
    if found.partition(".")[0] != "3":
        raise RoadError(f"SageMaker's SDK is version {found} here, and version 3 defines these pipelines: {install}")
