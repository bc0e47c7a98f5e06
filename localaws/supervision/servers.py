"""The servers that make up local AWS: how each is started and asked for its health."""

import sys
from dataclasses import dataclass

from localaws.settings import HOST, SERVER_NAMES, Ports
from localaws.supervision.state_dir import StateDir

# Answered by localaws.ministack.gateway, with the process that answers: {"status": "ok", "pid": 123}.
GATEWAY_HEALTH_PATH = "/_localaws/health"


@dataclass(frozen=True)
class Server:
    """A server program.

    Attributes
    ----------
    name : str
    port : int
    command : tuple of str
        The program and its arguments.
    health_path : str
        Answers 200 to a GET once the server is ready.
    """

    name: str
    port: int
    command: tuple[str, ...]
    health_path: str


def servers(ports: Ports, state: StateDir) -> tuple[Server, ...]:
    """Return the servers in the order of their start; they stop in reverse, as the others need S3 to the end."""
    # -P: a file named like a module, in the folder where the user happens to be, must not be imported.
    python = (sys.executable, "-P", "-m")
    ministack = f"localaws.ministack --port {ports.gateway} --sagemaker-url {ports.sagemaker_url}"
    ministack += f" --services-url {ports.services_url}"
    sagemaker = f"localaws.sagemaker --host {HOST} --port {ports.sagemaker} --endpoint-url {ports.endpoint_url}"
    services = f"localaws.services --port {ports.services} --endpoint-url {ports.endpoint_url}"
    data = {name: ["--state-dir", str(state.data_path(name))] for name in SERVER_NAMES}
    data["ministack"] += ["--outbox", str(state.outbox_path)]
    lines = {"ministack": ministack, "sagemaker": sagemaker, "services": services}
    return tuple(
        Server(name, port, (*python, *lines[name].split(), *data[name]), health_path)
        for name, port, health_path in (
            ("ministack", ports.gateway, GATEWAY_HEALTH_PATH),
            ("sagemaker", ports.sagemaker, "/health"),
            ("services", ports.services, "/health"),
        )
    )
