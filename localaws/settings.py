"""Where local AWS listens and where its state is."""

import math
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import LocalAwsError

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
# MiniStack takes any; these are the usual ones, and recognizably not real.
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
MOST_ACCOUNTS = 16
"""Each has a store and threads of its own in our servers."""
SERVER_NAMES = ("ministack", "sagemaker", "services")
"""In the order of their start."""
TRACE_SIGNAL = signal.SIGUSR1
"""Has a server write to its log what its threads are doing."""
DEFAULT_PORT = 4566
DEFAULT_STATE_DIR = ".localaws"
STATE_DIR_VARIABLE = "LOCALAWS_STATE_DIR"
PORT_VARIABLE = "LOCALAWS_PORT"
TIME_SCALE_VARIABLE = "LOCALAWS_TIME_SCALE"
SERVERLESS_IDLE_VARIABLE = "LOCALAWS_SERVERLESS_IDLE_SECONDS"
WARM_FUNCTIONS_VARIABLE = "LOCALAWS_WARM_FUNCTIONS"
WARM_MEGABYTES_VARIABLE = "LOCALAWS_WARM_FUNCTIONS_MB"
LOG_GIGABYTES_VARIABLE = "LOCALAWS_LOG_GIGABYTES"
IAM_VARIABLE = "LOCALAWS_IAM"
HOSTS_VARIABLE = "LOCALAWS_ALLOWED_HOSTS"
_CLIENT_HOOK = Path(__file__).parent / "account" / "client_hook"
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.:_-]*[a-z0-9])?")


@dataclass(frozen=True)
class Ports:
    """The ports of one local AWS.

    Attributes
    ----------
    gateway : int
        The endpoint URL's port: every service.
    sagemaker : int
        The local SageMaker's own.
    services : int
        That of `localaws.services`.
    """

    gateway: int
    sagemaker: int
    services: int

    @property
    def endpoint_url(self) -> str:
        """The endpoint URL for every service."""
        return f"http://{HOST}:{self.gateway}"

    @property
    def sagemaker_url(self) -> str:
        """The local SageMaker, straight."""
        return f"http://{HOST}:{self.sagemaker}"

    @property
    def services_url(self) -> str:
        """The server of the services that MiniStack lacks, straight."""
        return f"http://{HOST}:{self.services}"

    @property
    def options(self) -> dict[str, int]:
        """The ports by the command-line option that sets each."""
        return {"--port": self.gateway, "--sagemaker-port": self.sagemaker, "--services-port": self.services}


def root_credentials(account_id: str) -> dict[str, str]:
    """The credentials of an account's root user: MiniStack takes an access key of 12 digits for the account's."""
    return CREDENTIALS if account_id == ACCOUNT_ID else {**CREDENTIALS, "aws_access_key_id": account_id}


def state_path(option: str | None, environ: Mapping[str, str]) -> Path:
    """The state folder: the option, else LOCALAWS_STATE_DIR, else ``.localaws`` here."""
    return Path(option or environ.get(STATE_DIR_VARIABLE) or DEFAULT_STATE_DIR).absolute()


def requested_ports(
    port: int | None, sagemaker_port: int | None, services_port: int | None, environ: Mapping[str, str]
) -> Ports | None:
    """The ports that were asked for by option or LOCALAWS_PORT; None when nothing was said.

    Raises
    ------
    LocalAwsError
        An invalid port, or one port for two servers.
    """
    text = environ.get(PORT_VARIABLE)
    if port is None and text:
        if not text.isdecimal():
            raise LocalAwsError(f"{PORT_VARIABLE} has the value {text!r}. Set it to a port number, such as 4566.")
        port = int(text)
    if port is None and sagemaker_port is None and services_port is None:
        return None
    gateway = DEFAULT_PORT if port is None else port
    following = Ports(gateway, gateway + 1, gateway + 2)
    ports = Ports(gateway, sagemaker_port or following.sagemaker, services_port or following.services)
    chosen: dict[int, str] = {}
    for option, number in ports.options.items():
        if not 1 <= number <= 65535:
            raise LocalAwsError(f"{number} is not a port. Choose {option} from 1 to 65535.")
        if number in chosen:
            raise LocalAwsError(f"{chosen[number]} and {option} are both {number}. Choose different ports.")
        chosen[number] = option
    return ports


def default_ports() -> Ports:
    """Ports for when nothing was said."""
    return Ports(DEFAULT_PORT, DEFAULT_PORT + 1, DEFAULT_PORT + 2)


def time_scale(environ: Mapping[str, str] = os.environ) -> float:
    """What a second of a configured wait takes here, in seconds: 1, or what LOCALAWS_TIME_SCALE says.

    With 0.01 the bake of five minutes in a production configuration can be looked at in three seconds.

    Raises
    ------
    LocalAwsError
        The variable is not a number above 0.
    """
    return _positive(TIME_SCALE_VARIABLE, "1", "0.01", environ)


def serverless_idle_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """How long a serverless endpoint's server stays without a request: 300, or what the variable says.

    Raises
    ------
    LocalAwsError
        LOCALAWS_SERVERLESS_IDLE_SECONDS is not a number above 0.
    """
    return _positive(SERVERLESS_IDLE_VARIABLE, "300", "60", environ)


def warm_functions(environ: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """How many environments of Lambda functions stay warm, and how many MB of memory they may use: 24, and 1,024.

    Raises
    ------
    LocalAwsError
        LOCALAWS_WARM_FUNCTIONS or LOCALAWS_WARM_FUNCTIONS_MB is not a number above 0.
    """
    number = _positive(WARM_FUNCTIONS_VARIABLE, "24", "8", environ)
    return max(1, int(number)), int(_positive(WARM_MEGABYTES_VARIABLE, "1024", "512", environ))


def log_bytes(environ: Mapping[str, str] = os.environ) -> float:
    """Return how many bytes of log events an account keeps: 20 GB, or what LOCALAWS_LOG_GIGABYTES says.

    Raises
    ------
    LocalAwsError
        The variable is not a number above 0.
    """
    return _positive(LOG_GIGABYTES_VARIABLE, "20", "5", environ) * 1e9


def iam_enforced(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether requests are checked against their caller's policies: what LOCALAWS_IAM says, no by default.

    Raises
    ------
    LocalAwsError
        The variable is neither ``enforce`` nor ``off``.
    """
    text = environ.get(IAM_VARIABLE) or "off"
    if text not in ("enforce", "off"):
        raise LocalAwsError(f"{IAM_VARIABLE} has the value {text!r}. Set it to enforce or to off.")
    return text == "enforce"


def allowed_hosts(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Names by which local AWS may be called beside localhost: what LOCALAWS_ALLOWED_HOSTS says, with commas between.

    Raises
    ------
    LocalAwsError
        What stands there is no name of a host.
    """
    text = environ.get(HOSTS_VARIABLE) or ""
    names = frozenset(filter(None, (name.strip().lower() for name in text.split(","))))
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise LocalAwsError(f"{HOSTS_VARIABLE} names {name!r}. Write names without a port: box.lan,192.168.1.7")
    return names


def with_client_hook(python_path: str) -> str:
    """Return a PYTHONPATH by which boto3's clients stay on local AWS: see ``account/client_hook/sitecustomize.py``."""
    others = [folder for folder in python_path.split(os.pathsep) if folder and folder != str(_CLIENT_HOOK)]
    return os.pathsep.join([*others, str(_CLIENT_HOOK)])


def _positive(variable: str, default: str, example: str, environ: Mapping[str, str]) -> float:
    text = environ.get(variable) or default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise LocalAwsError(f"{variable} has the value {text!r}. Set it to a number above 0, such as {example}.")
    return number
