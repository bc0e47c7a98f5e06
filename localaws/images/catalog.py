"""The images of AWS that an environment can be made of.

Which images there are is in the SageMaker SDK (``image_uri_config``); what is in them in AWS's repositories:
``aws/sagemaker-scikit-learn-container``, and since 2026 ``aws/deep-learning-containers``. Each file in
``requirements/`` names the one it is from.

The PyTorch images are not among them: their torch is from PyTorch's own index and conda, and what serves them,
TorchServe, is a Java program of their Dockerfile.
"""

import re
from collections.abc import Sequence

from localaws.errors import ImageError
from localaws.images.definition import Definition, Framework

_SKLEARN = Framework(
    container="sagemaker_sklearn_container",
    train="sagemaker_training.cli.train",
    imports=("numpy", "scipy", "sklearn", "pandas", "flask", "gevent", "sagemaker_containers", "sagemaker_training"),
    compared=("numpy", "scikit-learn", "scipy", "pandas"),
)
_XGBOOST = Framework(
    container="sagemaker_xgboost_container",
    train="sagemaker_containers.cli.train",
    imports=("numpy", "scipy", "sklearn", "pandas", "xgboost", "flask", "gevent", "sagemaker_containers"),
    compared=("xgboost", "numpy", "scikit-learn", "scipy", "pandas"),
)
# The Dockerfiles of newer images: names that Python 3.10 does not have any more, and objects that were unpickled
# from a request.
_MAPPING = {"sagemaker_containers/_mapping.py": ("collections.Mapping", "collections.abc.Mapping")}
_DECODER = {"sagemaker_inference/decoder.py": ("allow_pickle=True", "allow_pickle=False")}

DEFINITIONS: Sequence[Definition] = (
    Definition("sagemaker-scikit-learn", "1.9-0", "3.12", _SKLEARN, _MAPPING | _DECODER),
    Definition("sagemaker-scikit-learn", "1.4-2-py312", "3.12", _SKLEARN, _MAPPING | _DECODER),
    Definition("sagemaker-scikit-learn", "1.4-2", "3.10", _SKLEARN, _MAPPING),
    Definition("sagemaker-scikit-learn", "1.2-1", "3.9", _SKLEARN),
    Definition("sagemaker-scikit-learn", "1.0-1", "3.8", _SKLEARN),
    Definition("sagemaker-scikit-learn", "0.23-1", "3.7", _SKLEARN),
    Definition("sagemaker-xgboost", "3.2-0", "3.12", _XGBOOST, _MAPPING | _DECODER),
    Definition("sagemaker-xgboost", "3.0-5", "3.10", _XGBOOST, _MAPPING | _DECODER),
    Definition("sagemaker-xgboost", "1.7-1", "3.8", _XGBOOST),
    Definition("sagemaker-xgboost", "1.5-1", "3.8", _XGBOOST),
)

_URI = re.compile(r"(?:[^/]+\.[^/]+/)?(?P<repository>[^:@]+):(?P<tag>[\w.-]+)")


def of_uri(uri: str) -> Definition | None:
    """Return the image that a URI or a name means; None for one that is not in the catalog."""
    match = _URI.fullmatch(uri)
    if match is None:
        return None
    meant = [each for each in DEFINITIONS if each.stands_for(match["repository"], match["tag"])]
    return max(meant, key=lambda each: len(each.version), default=None)


def named(name: str) -> Definition:
    """Return the image of a name, or of a URI.

    Raises
    ------
    ImageError
        There is none; the message lists those that there are.
    """
    found = of_uri(name)
    if found is None:
        known = ", ".join(each.name for each in DEFINITIONS)
        raise ImageError(f"There is no image {name!r} to install. There are: {known}.")
    return found
