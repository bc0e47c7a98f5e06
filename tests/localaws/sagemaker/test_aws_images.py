"""Every image that the SageMaker SDK knows: there is something here for it, or it is refused by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sagemaker.core
from sagemaker.core import image_uris

from localaws.images import algorithms, catalog
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.jobs import images

CONFIGS = Path(sagemaker.core.__file__).parent / "image_uri_config"
NEWER = ("1.5-1", "1.7-1", "3.0-5", "3.2-0")
# A prefix that takes part of another image's name.
STOOD_FOR = {"sagemaker-scikit-learn", "sagemaker-xgboost", "sagemaker-distribution-prod"}


def versions(document: Any) -> Iterator[dict[str, Any]]:
    """The versions in a file of the SDK, wherever it has them."""
    if isinstance(document, dict):
        if "repository" in document:
            yield document
        for value in document.values():
            yield from versions(value)


REPOSITORIES = {
    version["repository"]
    for path in CONFIGS.glob("*.json")
    if path.name != "instance_gpu_info.json"
    for version in versions(json.loads(path.read_text()))
}


@pytest.mark.parametrize("repository", sorted(REPOSITORIES))
def test_an_image_is_stood_for_or_refused_by_what_does_its_work(repository: str, tmp_path: Path) -> None:
    uri = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{repository}:1.0-cpu-py3"
    if repository in STOOD_FOR or repository.startswith(("pytorch-training", "pytorch-inference")):
        assert images.find(uri, tmp_path).uri == uri
        return
    with pytest.raises(ValidationError) as refused:
        images.find(uri, tmp_path)
    text = str(refused.value)
    assert uri in text
    assert " is not here. Instead: " in text


def test_the_built_in_algorithms_are_refused_without_advice_that_cannot_help(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        images.find("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", tmp_path)
    assert str(refused.value) == (
        "The image '382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1' cannot run here: Linear Learner is a"
        " built-in algorithm whose code AWS does not publish, and is not here. Instead: LinearRegression or"
        " LogisticRegression of scikit-learn in a script for the image sagemaker-scikit-learn."
    )


def test_an_image_that_is_mapped_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "images.json").write_text(json.dumps({"linear-learner": "/usr/bin/env"}))
    assert images.find("linear-learner:1", tmp_path).interpreter == Path("/usr/bin/env")


@pytest.mark.parametrize("version", NEWER)
def test_xgboost_is_known_by_its_uri_in_every_region(version: str) -> None:
    known = json.loads((CONFIGS / "xgboost.json").read_text())
    for scope in ("training", "inference"):
        for region in known[scope]["versions"][version]["registries"]:
            uri = image_uris.retrieve("xgboost", region, version=version, image_scope=scope)
            found = algorithms.of_uri(uri)
            assert found is algorithms.XGBOOST, uri
            assert found.variables(uri)[found.version_variable].startswith(version)
            definition = catalog.of_uri(uri)
            assert definition is not None, uri
            assert definition.version == version


def test_xgboosts_images_of_the_sdk_are_all_known() -> None:
    known = json.loads((CONFIGS / "xgboost.json").read_text())
    listed = {version for scope in ("training", "inference") for version in known[scope]["versions"]}
    older = {"1", "0.90-1", "0.90-2", "1.0-1", "1.2-1", "1.2-2", "1.3-1"}
    assert listed - older == set(NEWER)
