"""The environment variables that point boto3, the AWS CLI and the SageMaker SDK at local AWS only."""

import shlex
from collections.abc import Mapping

from localaws.settings import ACCOUNT_ID, REGION, STATE_DIR_VARIABLE, Ports, root_credentials, with_client_hook
from localaws.supervision.state_dir import StateDir

# Of no use here, and they would be sent along or name a profile that asks for other credentials.
_UNSET = ("AWS_SESSION_TOKEN", "AWS_PROFILE")

# https://sagemaker.readthedocs.io/en/stable/overview.html#configuring-and-using-defaults-with-the-sagemaker-python-sdk
# Otherwise the SDK sends the account's id and ARNs to an S3 address of AWS, from a thread, at every call.
SDK_CONFIG = """\
SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""


def variables(
    ports: Ports, state: StateDir, environ: Mapping[str, str], account_id: str = ACCOUNT_ID
) -> dict[str, str]:
    """Return the variables to set.

    Parameters
    ----------
    ports : Ports
    state : StateDir
        Its folder: with it, `local-aws` means the same from every folder.
    environ : mapping of str to str
        The environment so far. Where it sends HTTP through a proxy, 127.0.0.1 is excepted.
    account_id : str
        The account whose root user's credentials they are.
    """
    found = {
        "AWS_ENDPOINT_URL": ports.endpoint_url,
        "AWS_ENDPOINT_URL_SAGEMAKER": ports.sagemaker_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": ports.sagemaker_url,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        **{name.upper(): value for name, value in root_credentials(account_id).items()},
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_VALIDATE_ROLE": "false",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(state.sdk_config_path),
        STATE_DIR_VARIABLE: str(state.path),
        "PYTHONPATH": with_client_hook(environ.get("PYTHONPATH", "")),
    }
    if any(name.lower() in ("http_proxy", "all_proxy") for name in environ):
        excepted = environ.get("no_proxy") or environ.get("NO_PROXY")
        hosts = excepted.split(",") if excepted else []
        value = ",".join(hosts if "127.0.0.1" in hosts else [*hosts, "127.0.0.1"])
        found |= {"NO_PROXY": value, "no_proxy": value}
    return found


def variables_to_unset(environ: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return the variables to unset: the endpoint of one service, for instance, overrides the general one."""
    endpoints = (name for name in environ if name.startswith("AWS_ENDPOINT_URL_") and name not in found)
    return [*_UNSET, *sorted(endpoints)]


def shell_lines(found: Mapping[str, str], unset: list[str]) -> list[str]:
    """Return lines that a POSIX shell evaluates."""
    return [
        *(f"export {name}={shlex.quote(value)}" for name, value in found.items()),
        f"unset {' '.join(unset)}",
    ]


def server_environment(found: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the servers, without anything of the user's own AWS configuration."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return {**kept, **found, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
