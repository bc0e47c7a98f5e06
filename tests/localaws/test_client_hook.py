"""boto3's clients stay on local AWS, whatever URL a program names: the SDK's Session, and anything like it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import localaws
from localaws.settings import with_client_hook

HOOK = Path(localaws.__file__).parent / "account" / "client_hook"
SESSION = """
import logging; logging.disable(50)
from sagemaker.core.helper.session_helper import Session
session = Session()
print(session.account_id(), session.default_bucket(), session.get_caller_identity_arn())
"""
STS = """
import boto3
client = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com", region_name="us-east-1")
print(client.get_caller_identity()["Account"], client.meta.endpoint_url)
"""
ELSEWHERE = """
import boto3, botocore.exceptions
try:
    boto3.client("sts", endpoint_url="http://192.0.2.1:9").get_caller_identity()
except botocore.exceptions.HTTPClientError as error:
    print(error)
"""

# As MLflow's plug-in for SageMaker signs the requests that `requests` sends.
SIGNED_ELSEWHERE = """
import botocore.session, botocore.exceptions
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
keys = botocore.session.get_session().get_credentials()
def sign(signer, *more):
    request = AWSRequest("GET", "https://us-east-1.experiments.sagemaker.aws/api")
    signer(keys, "sagemaker-mlflow", "us-east-1", *more).add_auth(request)
    return request
assert "X-Amz-Signature" in sign(S3SigV4QueryAuth).url
try:
    sign(SigV4Auth)
except botocore.exceptions.HTTPClientError as error:
    print(error)
"""


def run(source, environ, python=sys.executable, *options):
    done = subprocess.run(
        [python, *options, "-c", source], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def environ(local_aws):
    """What `local-aws env` sets, in a shell that leads nowhere else."""
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **nowhere, **local_aws.env}


def test_the_sdks_session_finds_bucket_account_and_caller_here(environ):
    account = "000000000000"
    assert run(SESSION, environ) == f"{account} sagemaker-us-east-1-{account} arn:aws:iam::{account}:root"


def test_an_endpoint_of_aws_is_the_one_of_the_environment(environ):
    assert run(STS, environ) == f"000000000000 {environ['AWS_ENDPOINT_URL']}"


@pytest.mark.parametrize("source", [ELSEWHERE, SIGNED_ELSEWHERE])
def test_nothing_is_sent_to_another_machine(environ, source):
    assert "what is signed with local keys stays here" in run(source, environ)


@pytest.mark.parametrize(
    "changed", [{"LOCALAWS_CLIENT_HOOK": "off"}, {"AWS_ENDPOINT_URL": ""}, {"AWS_ENDPOINT_URL": "https://aws.example"}]
)
def test_it_acts_on_local_aws_alone(environ, changed):
    url = STS.replace("client.get_caller_identity()", '{"Account": "-"}')
    assert run(url, environ | changed) == "- https://sts.us-east-1.amazonaws.com"


def test_another_sitecustomize_is_imported_too(environ, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.seen = __name__\n")
    path = f"{HOOK}{os.pathsep}{tmp_path}"
    assert run("print(seen)" + STS, environ | {"PYTHONPATH": path}).startswith("sitecustomize")


def test_two_copies_of_it_do_not_import_each_other(environ, tmp_path):
    copy = tmp_path / "client_hook"
    copy.mkdir()
    (copy / "sitecustomize.py").write_text((HOOK / "sitecustomize.py").read_text())
    path = f"{copy}{os.pathsep}{HOOK}"
    assert run(STS, environ | {"PYTHONPATH": path}) == f"000000000000 {environ['AWS_ENDPOINT_URL']}"


def test_it_imports_little(environ):
    """Every Python of the shell pays for it."""
    hooked = f"import sys; sys.path.insert(0, {str(HOOK)!r}); import sitecustomize; print(*sys.modules)"
    imported = set(run(hooked, environ, sys.executable, "-S").split())
    assert "sitecustomize" in imported
    assert imported & {"re", "typing", "urllib.parse", "importlib.util", "contextlib", "botocore"} == set()


def test_the_path_has_it_once_and_last():
    assert with_client_hook("") == str(HOOK)
    assert with_client_hook(with_client_hook(f"a{os.pathsep}b")) == os.pathsep.join(["a", "b", str(HOOK)])
