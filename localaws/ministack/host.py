"""MiniStack in this process: its environment, its application, its state."""

import os
import shutil
from pathlib import Path

from localaws.ministack.private import private
from localaws.ministack.s3.writes import Writes
from localaws.protocol.asgi import Application
from localaws.settings import HOST, REGION, iam_enforced


def configuration(port: int, data_dir: Path) -> dict[str, str]:
    """Return the environment variables by which MiniStack is configured.

    Parameters
    ----------
    port : int
        The port that it is served on. It only tells MiniStack which URLs to hand out.
    data_dir : Path
        Where everything that it stores goes, its temporary files too.
    """
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data_dir / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data_dir / "s3"),
        "TMPDIR": str(data_dir / "tmp"),
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # A socket that is never there: MiniStack would remove containers of the user's Docker at every start.
        "DOCKER_HOST": f"unix://{data_dir}/no-docker.sock",
        "AUTH": str(iam_enforced()).lower(),
    }


def configure(port: int, data_dir: Path) -> None:
    """Set `configuration` in this process and make its folders; the temporary files of an earlier run go."""
    variables = configuration(port, data_dir)
    os.environ.update(variables)
    shutil.rmtree(variables["TMPDIR"], ignore_errors=True)
    for variable in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"):
        Path(variables[variable]).mkdir(parents=True, exist_ok=True)
    Writes(writes_dir(data_dir)).recover()  # S3's objects are read when MiniStack is imported


def writes_dir(data_dir: Path) -> Path:
    """Return where S3's objects are written before they take their places."""
    return data_dir / "s3-writes"


def load_application() -> Application:
    """Import MiniStack, which reads its environment at that moment, and return its ASGI application.

    Hook ``ministack.app.app``: the name that MiniStack's own Docker image serves.
    """
    application: Application = private("ministack.app", "app")
    return application
