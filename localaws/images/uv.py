"""uv, which makes environments and installs into them, as a child process.

What the caller's environment says about another project's installation (constraints, an active environment) does not
hold for an image's; what it says about the index, proxies and certificates does.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence

from localaws.errors import ImageError

_ANOTHERS = (
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_BUILD_CONSTRAINT",
    "UV_CONSTRAINT",
    "UV_EXCLUDE_NEWER",
    "UV_OVERRIDE",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
)
# A kill -9 of this process ends uv, which would otherwise go on writing into a folder that the next attempt deletes.
_WITH_US = ("setpriv", "--pdeathsig", "SIGKILL")
_LAST_LINES = 15


def run_uv(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> str:
    """Run uv to its end; return its standard output.

    Parameters
    ----------
    arguments : sequence of str
    environ : mapping of str to str, default=os.environ

    Raises
    ------
    ImageError
        It failed; with the end of what it said.
    """
    environment = {name: value for name, value in environ.items() if name not in _ANOTHERS}
    done = subprocess.run(
        [*_WITH_US, program(), "--no-progress", "--color", "never", *arguments],
        env=environment,
        cwd="/",  # not in a project, whose settings uv would take
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ImageError("\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:]))
    return done.stdout


def program() -> str:
    """Return the path of uv, which the extra `local` brings along.

    Raises
    ------
    ImageError
        It is not installed.
    """
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - one command needs it

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise ImageError(
            "uv is not installed. Install it: pip install 'model-road[local]', or pip install uv"
        ) from error
