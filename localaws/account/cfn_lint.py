"""The data that cfn-lint brings along: CloudFormation's schemas, and IAM's actions and resources.

Only the files are read; importing cfn-lint takes half a second.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from localaws.errors import LocalAwsError


@cache
def data_folder() -> Path:
    """Return the folder of the data.

    Raises
    ------
    LocalAwsError
        cfn-lint is not installed.
    """
    found = find_spec("cfnlint")
    if found is None or found.origin is None:
        raise LocalAwsError("cfn-lint, whose data are needed, is not installed: pip install 'model-road[local]'")
    return Path(found.origin).parent / "data"
