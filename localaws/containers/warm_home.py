"""The home folder that a container begins with: caches that every job would create anew, created once.

A container's home is empty and is discarded with it. Matplotlib, for one, then scans all fonts of the host before it
draws (0.1 s); carefully built images contain its cache. So does every interpreter that stands for an image here: the
cache is created once in the background, and a job that starts before it is ready begins with an empty home.

The same process writes the bytecode of the packages that most scripts import. uv does not compile what it installs, and
a container's own bytecode is discarded with its layer: every job would compile them anew (1.3 s for matplotlib and
pandas).
"""

import hashlib
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

_PACKAGES = ("matplotlib.pyplot", "pandas", "sklearn.linear_model", "scipy.stats", "boto3")
_MAKE_CACHES = f"""
import contextlib, importlib
for name in {_PACKAGES}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
_BOUND_SECONDS = 120


class WarmHome:
    """The home folder of an interpreter's containers.

    Parameters
    ----------
    interpreter : Path
    state_dir : Path
        One folder for each interpreter is kept in ``homes`` below it.
    """

    def __init__(self, interpreter: Path, state_dir: Path) -> None:
        self._interpreter = interpreter
        name = hashlib.sha256(str(interpreter).encode()).hexdigest()[:16]
        self._folder = state_dir / "homes" / name

    def prepare(self) -> None:
        """Create the caches in the background if they do not exist."""
        if not self._folder.exists():
            threading.Thread(target=self._make, name="warm home", daemon=True).start()

    def copy_to(self, home: Path) -> None:
        """Copy the home into a container's folder."""
        if self._folder.exists():
            shutil.copytree(self._folder, home, dirs_exist_ok=True)
        else:
            home.mkdir(exist_ok=True)

    def _make(self) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder.parent) as unfinished:
            home = Path(unfinished) / "home"
            home.mkdir()
            subprocess.run(
                ["nice", str(self._interpreter), "-c", _MAKE_CACHES],
                env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_BOUND_SECONDS,
                check=False,
            )
            home.rename(self._folder)
