"""What programs for version 2 of SageMaker's SDK begin with. Local AWS runs, and this shell's variables point there."""

import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest

if not os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://127.0.0.1"):
    pytest.exit('No local AWS: run these by `tox run -e sdk-v2`, or after `eval "$(local-aws env)"`.', returncode=2)

import sagemaker
import sagemaker.session
from sagemaker.sklearn import SKLearn

_HASTE = 30
# The SDK asks every 5 to 30 seconds whether a job is done. Those of the tests take one.
sagemaker.session.time = SimpleNamespace(
    time=lambda: time.time() * _HASTE, sleep=lambda seconds: time.sleep(seconds / _HASTE)
)

ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
HERE = Path(__file__).parent
# Not the folder itself: the SDK's Repack step writes a script of its own there.
_COPY = tempfile.TemporaryDirectory()
CODE = Path(shutil.copytree(HERE / "code", Path(_COPY.name, "code")))
IMAGE = {"framework_version": "1.2-1", "py_version": "py3"}
ROWS = "".join(f"{2 * x + 1},{x}\n" for x in range(20))
"""Label first: y = 2 x + 1."""


def unique(word):
    """Return a name that nothing else in this local AWS has."""
    return f"v2-{word}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def session():
    """As the SDK makes it when nobody hands it anything."""
    return sagemaker.Session()


@pytest.fixture(scope="session")
def data(session):
    """An S3 prefix with train.csv."""
    return session.upload_string_as_file_body(ROWS, session.default_bucket(), f"{unique('data')}/train.csv").rpartition(
        "/"
    )[0]


def estimator(session, **options):
    """An estimator of the scikit-learn image, with the script in code/."""
    settings = {
        "entry_point": "train.py",
        "source_dir": str(CODE),
        "role": ROLE,
        "instance_count": 1,
        "instance_type": "ml.m5.large",
        "hyperparameters": {"alpha": 0.0},
        "metric_definitions": [{"Name": "r2", "Regex": "r2=(.*?);"}],
        "sagemaker_session": session,
    }
    return SKLearn(**IMAGE, **{**settings, **options})


@pytest.fixture(scope="session")
def trained(session, data):
    """An estimator whose training job is done."""
    fitted = estimator(session)
    fitted.fit({"train": data}, logs=False)
    return fitted
