"""A peer's own virtual environment, kept in the cache until its requirements change."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_READY = ".ready"


def default_cache() -> Path:
    """Return the cache folder according to the XDG Base Directory Specification."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "model-road" / "benchmarks"


def ensure(cache: Path, name: str, requirements: Path) -> Path:
    """Install the pinned requirements, with uv if available, otherwise with pip; return the environment's folder.

    Raises
    ------
    OSError
        If the installation fails; the text ends with the installer's last output.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256(requirements.read_bytes() + version.encode()).hexdigest()[:12]
    folder = cache / f"{name}-{key}"
    if not (folder / _READY).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for command in _commands(folder, requirements):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise OSError(f"{name} cannot be installed: {' '.join(command)}: {done.stderr.strip()[-500:]}")
        (folder / _READY).touch()
    return folder


def _commands(folder: Path, requirements: Path) -> list[list[str]]:
    python = str(folder / "bin" / "python")
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--python", python, "-r", str(requirements)],
        ]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", "-r", str(requirements)],
    ]
