"""Where the AWS API is: an account, or this machine. Nothing past this file can tell the difference.

`account` uses what the AWS SDKs find by themselves and checks that there is something to find. `laptop` uses the AWS on
this machine that the environment names, as the variables of `local-aws env` do; where they name none, or it has ended,
it has the `local-aws` command start one, and sets the variables itself. It provides what an account has already: a
bucket, an execution role, and data to try the pipeline on.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from model_road import aws, proposals
from model_road.errors import LocalAwsError, UsageError

# Uploads sample data; called with an S3 client and a bucket.
SampleData = Callable[[Any, str], object]

ROLE_NAME = "AmazonSageMakerProjectsExecutionRole"

_HEALTH_PATH = "/_localaws/health"
_ANSWER_SECONDS = 10.0
# What the SDKs need beside the URL.
_DEFAULTS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAGEMAKER_VALIDATE_ROLE": "false",
}


@dataclass(frozen=True)
class Environment:
    """An AWS API ready for use.

    Attributes
    ----------
    arguments : mapping of str to str
        Arguments that get_pipeline() is called with, where it takes them and the user gave no others.
    role_arn : str or None
        Execution role that was given or created; None for the caller's.
    shell_setup : str
        What to run in a shell to reach the same API; empty if a shell reaches it anyway.
    offer_sample_data : function of what uploads sample data, or of None
        Uploads sample data, where that is wanted.
    """

    arguments: Mapping[str, str]
    role_arn: str | None
    shell_setup: str
    offer_sample_data: Callable[[SampleData | None], None]


def account(region: str | None, role_arn: str | None) -> Environment:
    """Use the AWS account of the environment's credentials.

    Raises
    ------
    UsageError
        When there are no credentials or no region.
    """
    # boto3 alone of the AWS SDKs does not know AWS_REGION.
    session = aws.session(region or os.environ.get("AWS_REGION"))
    if session.get_credentials() is None:
        raise UsageError(
            "no AWS credentials found. To run on this machine, without an account: add --local. To use an "
            "account: run `aws configure` or `aws sso login`, or set AWS_PROFILE."
        )
    # An empty variable is none.
    if not session.region_name:
        raise UsageError("no AWS region: give --region, for example --region eu-west-1, or set AWS_REGION.")
    os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = session.region_name
    arguments = {"region": session.region_name}
    if role_arn:
        arguments["role"] = role_arn
    return Environment(arguments, role_arn, shell_setup="", offer_sample_data=_leave_data_alone)


def laptop(region: str | None, role_arn: str | None) -> Environment:
    """Use AWS on this machine: the one that the environment names, or else one that is started unless it runs.

    Raises
    ------
    LocalAwsError
        When it is not installed or does not start, or when something else answers in its place.
    """
    shell_setup = ""
    if _is_there(os.environ.get("AWS_ENDPOINT_URL")):
        _enter({**_DEFAULTS, **{name: os.environ[name] for name in _DEFAULTS if os.environ.get(name)}}, region)
    else:
        command = _local_aws_command()
        _run(command, "start")
        _enter(json.loads(_run(command, "env", "--format", "json")), region)
        shell_setup = f'eval "$({proposals.command("local-aws", "env")})"'
    session = aws.session()
    bucket = _bucket(session)
    role = role_arn or _role(session.client("iam"))

    def upload(sample_data: SampleData | None) -> None:
        if sample_data is not None:
            sample_data(session.client("s3"), bucket)

    arguments = {"region": session.region_name, "role": role, "default_bucket": bucket}
    return Environment(arguments, role, shell_setup, upload)


ENVIRONMENTS: Mapping[str, Callable[[str | None, str | None], Environment]] = {
    "account": account,
    "laptop": laptop,
}


def reachable_api(url: str, api_id: str) -> str:
    """Return the URL at which an API of API Gateway can be reached from here.

    Where AWS_ENDPOINT_URL names another address for all services, the API's own host name is still AWS's and does not
    lead there; under that address the API is a path.

    Parameters
    ----------
    url : str
        https://ID.execute-api.REGION.amazonaws.com/STAGE
    api_id : str
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return f"{endpoint}/_aws/execute-api/{api_id}/{url.rpartition('/')[2]}" if endpoint else url


def _leave_data_alone(sample_data: SampleData | None) -> None:
    """Upload nothing: an account's data are its owner's."""


def _is_there(url: str | None) -> bool:
    """Return whether the local AWS that a URL names runs; False, too, for a URL of another machine, or for none.

    Raises
    ------
    LocalAwsError
        When another program answers there.
    """
    place = urlsplit(url or "")
    if not aws.is_this_machine(url or ""):
        return False
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", _HEALTH_PATH)
        answer = connection.getresponse()
        is_ours = answer.status == http.client.OK and "pid" in json.loads(answer.read())
    except ConnectionError:
        return False
    except (OSError, http.client.HTTPException, ValueError):
        is_ours = False
    finally:
        connection.close()
    if not is_ours:
        raise LocalAwsError(
            f"AWS_ENDPOINT_URL is {url}, and what answers there is not AWS of this machine, or hangs: stop that "
            "program and run `local-aws start`, or unset AWS_ENDPOINT_URL"
        )
    return True


def _local_aws_command() -> str:
    """Find `local-aws`, preferably that of the Python that runs this."""
    beside = Path(sys.executable).parent
    command = shutil.which("local-aws", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if command is None or find_spec("ministack") is None:
        raise LocalAwsError("AWS for this machine is not installed: pip install 'model-road[local]'")
    return command


def _run(command: str, *arguments: str) -> str:
    """Run `local-aws`; return its standard output."""
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise LocalAwsError(f"`local-aws {' '.join(arguments)}` failed (status {done.returncode}):\n{said}")
    return done.stdout


def _enter(variables: Mapping[str, str], region: str | None) -> None:
    """Point this process and its children to AWS on this machine, and away from any account."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(variables)
    if region is not None:
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = region


def _bucket(session: Any) -> str:
    """Make the account's default bucket, unless it is there."""
    s3 = session.client("s3")
    bucket = aws.default_bucket_name(session)
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError:
        # us-east-1 is the one region that S3 refuses to be told.
        place = {"CreateBucketConfiguration": {"LocationConstraint": session.region_name}}
        s3.create_bucket(Bucket=bucket, **({} if session.region_name == "us-east-1" else place))
    return bucket


def _role(iam: Any) -> str:
    """Make the execution role, unless it is there; return its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    try:
        role = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=ROLE_NAME)
    return str(role["Role"]["Arn"])
