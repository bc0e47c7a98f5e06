"""The servers: how each is started, and which protocol it speaks.

A peer's files are in ``peers/<folder>``; each run gets a copy of them, in which ``@PORT@``, ``@WORKERS@`` and the like
are replaced except in Python files, which read them as environment variables. ``{port}`` and ``{workers}`` in a command
are replaced as well, and its program is looked up in the peer's own environment first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.workloads import Request, Workload, as_json, as_sagemaker, as_tensor

PEERS = Path(__file__).parent / "peers"
OURS = "serving"
ECHO = "echo"
MMS = "multi-model-server"


@dataclass(frozen=True)
class Server:
    """A server.

    Attributes
    ----------
    commands : tuple of str
        Its programs with their arguments, started in this order; no shell reads them.
    folder : str, optional
        Its files in ``peers``.
    request : callable
        Converts a workload to a request in this server's protocol.
    debian : mapping of str to str
        Programs that no environment provides, and the Debian packages that do.
    ready_made : bool
        Whether it is a model server rather than a web framework.
    echoes : bool
        Whether it sends the body back, without a model: a limit, not a peer.
    """

    title: str
    commands: tuple[str, ...]
    folder: str | None = None
    request: Callable[[Workload], Request] = as_sagemaker
    environment: Mapping[str, str] = field(default_factory=dict)
    debian: Mapping[str, str] = field(default_factory=dict)
    ready_made: bool = False
    echoes: bool = False

    @property
    def requirements(self) -> Path | None:
        """The peer's pinned requirements; None for a server that runs in this interpreter's environment."""
        path = PEERS / (self.folder or "") / "requirements.txt"
        return path if path.is_file() else None


_UVICORN = "python -m uvicorn --host 127.0.0.1 --port {port} --workers {workers} --no-access-log app:app"

SERVERS: dict[str, Server] = {
    OURS: Server(
        "serving (this project)",
        ("python -m serving --model-dir {model_dir} --host 127.0.0.1 --port {port}",),
        environment={"SAGEMAKER_MODEL_SERVER_WORKERS": "{workers}"},
    ),
    "flask": Server(
        "Flask, gunicorn sync, nginx",
        ("gunicorn -c gunicorn.conf.py wsgi:app", "nginx -p {run} -c {run}/nginx.conf"),
        folder="flask",
        debian={"nginx": "nginx-light"},
    ),
    "fastapi": Server("FastAPI, uvicorn", (_UVICORN,), folder="fastapi"),
    MMS: Server(
        "multi-model-server, sagemaker-inference",
        (
            "multi-model-server --start --foreground --model-store / --models model={run}/ml/model "
            "--mms-config mms.properties --log-config {site_packages}/sagemaker_inference/etc/log4j2.xml",
        ),
        folder="mms",
        environment={
            "SAGEMAKER_BASE_DIR": "{run}/ml",
            "SAGEMAKER_PROGRAM": "inference.py",
            "PYTHONPATH": "{model_dir}/code",
            "TMPDIR": "{run}",  # the file in which it records that it is running
        },
        debian={"java": "default-jre-headless"},
        ready_made=True,
    ),
    "mlserver": Server("MLServer", ("mlserver start .",), folder="mlserver", request=as_tensor, ready_made=True),
    "bentoml": Server(
        "BentoML",
        ("bentoml serve service:LinearRegression --host 127.0.0.1 --port {port}",),
        folder="bentoml",
        request=as_json,
        environment={"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{run}/home"},
        ready_made=True,
    ),
    "litserve": Server("LitServe", ("python server.py",), folder="litserve", request=as_json, ready_made=True),
    ECHO: Server(
        "echo: bare asyncio protocol, httptools, uvloop",
        ("python protocol.py {port} {workers}",),
        folder="echo",
        echoes=True,
    ),
    "asgi-echo": Server("echo: bare ASGI, uvicorn", (_UVICORN,), folder="echo", echoes=True),
}
