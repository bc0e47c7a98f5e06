"""Where nothing may make Linux namespaces, as in a build without privileges, the models' tests do without local AWS."""

import subprocess
from pathlib import Path

import pytest

_MODELS = Path(__file__).parent
_NAMESPACES = ["unshare", "--map-root-user", "--mount", "--propagation", "slave", "true"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs local AWS, if that could not start."""
    own = (item for item in items if _MODELS in item.path.parents)
    needing = [item for item in own if any(name.endswith("local_aws") for name in item.fixturenames)]
    if needing and subprocess.run(_NAMESPACES, capture_output=True, check=False).returncode != 0:
        for item in needing:
            item.add_marker(pytest.mark.skip(reason="local AWS runs in Linux namespaces, which cannot be made here"))
