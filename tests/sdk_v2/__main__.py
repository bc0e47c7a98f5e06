"""``python -m tests.sdk_v2``: programs for version 2 of SageMaker's SDK, in an environment of their own.

environment   .../sdk-v2 beside this interpreter's packages, by uv, with constraints.txt
local AWS     this environment's, as its user starts it; deleted at the end
tests         run with the environment's Python: it has pytest and the SDK, and of this project nothing

The arguments are pytest's.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import local_aws_command, start_local_aws

_HERE = Path(__file__).parent
_ENVIRONMENT = Path(sys.prefix, "sdk-v2")
_PYTHON = _ENVIRONMENT / "bin" / "python"
_UV = (sys.executable, "-m", "uv")
# Each is a process of the SDK, 250 MB, that waits for its jobs most of the time.
_PARALLEL = ("--numprocesses", "3", "--dist", "worksteal")


def main(arguments: list[str]) -> int:
    """Install, start, test, delete; return pytest's exit code."""
    install()
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder, "state")
        try:
            started = start_local_aws(state_dir)
            command = [_PYTHON, "-m", "pytest", *_PARALLEL, _HERE, *arguments]
            return subprocess.run(command, env=started.env, check=False).returncode
        finally:
            local_aws_command("reset", "--yes", state_dir=state_dir)


def install() -> None:
    """Make the environment, or bring it up to date."""
    if not _PYTHON.exists():
        subprocess.run([*_UV, "venv", "--quiet", "--python", sys.executable, _ENVIRONMENT], check=True)
    requirements = ["--requirements", _HERE / "requirements.txt", "--constraints", _HERE / "constraints.txt"]
    subprocess.run([*_UV, "pip", "install", "--quiet", "--python", _PYTHON, *requirements], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
