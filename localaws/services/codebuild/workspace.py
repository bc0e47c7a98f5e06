"""The folder that a build's container sees as /opt/ml.

::

    codebuild/output/src      the primary source: CODEBUILD_SRC_DIR
    codebuild/output/src-<id> a secondary source: CODEBUILD_SRC_DIR_<id>
    codebuild/python          a virtual environment over the host's
    codebuild/package-cache   what pip and uv have downloaded or built before
    codebuild/agent           the agent, its plan and its reports
    tmp                       HOME and TMPDIR

AWS's images have many packages installed; here the host's interpreter has them. A build gets a virtual environment
that sees those packages, so that ``pip install`` finds its requirements satisfied, and that receives what the build
installs: the host's own environment never changes. The package cache is passed from build to build; of concurrent
builds, one has it.
"""

import json
import os
import re
import shutil
import site
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws.containers.container import Command
from localaws.services.codebuild import agent

_INSIDE = "/opt/ml"
_HEAD_BYTES = 512
# Variables of the host that let a build use the SDK as `local-aws env` sets it up, and reach registries.
_PASSED = re.compile(
    r"SAGEMAKER_(?:VALIDATE_ROLE|USER_CONFIG_OVERRIDE)|(?i:(?:https?|no|all)_proxy)"
    r"|PIP_(?:INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CONFIG_FILE)"
    r"|UV_(?:DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INSECURE_HOST|SYSTEM_CERTS|CONFIG_FILE)"
    r"|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
)


class Workspace:
    """One build's folder.

    Parameters
    ----------
    folder : Path
        Contains the workspaces of all builds, and the package cache.
    """

    def __init__(self, folder: Path) -> None:
        builds = folder / "builds"
        builds.mkdir(parents=True, exist_ok=True)
        self._cache = folder / "package-cache"
        self.home = Path(tempfile.mkdtemp(prefix="build-", dir=builds))
        self.home.chmod(0o755)
        self.root = self.home / "ml"
        self.log = self.home / "build.log"
        self.log.touch()
        self.source = self.root / "codebuild" / "output" / "src"
        self._agent = self.root / "codebuild" / "agent"
        self._agent.mkdir(parents=True)
        self.source.mkdir(parents=True)
        self.status = self._agent / "status.jsonl"

    def source_of(self, identifier: str) -> Path:
        """Return the folder of a secondary source."""
        return self.root / "codebuild" / "output" / f"src-{identifier}"

    def inside(self, path: Path) -> str:
        """Return a path as the container sees it."""
        return f"{_INSIDE}/{path.relative_to(self.root).as_posix()}"

    def say(self, line: str) -> None:
        """Write a line of CodeBuild's own to the log."""
        with self.log.open("a") as file:
            file.write(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {line}\n")

    def prepare(self) -> None:
        """Create the Python environment, and take over the package cache."""
        python = self.root / "codebuild" / "python"
        venv.EnvBuilder(symlinks=True, with_pip=False).create(python)
        [packages] = python.glob("lib/python*/site-packages")
        hosts = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
        (packages / "host.pth").write_text(f"import site; list(map(site.addsitedir, {hosts!r}))\n")
        # The programs of packages are installed in a folder beside theirs.
        beside = [Path(path).parents[2] / "bin" for path in sys.path if path.endswith("site-packages")]
        for scripts in dict.fromkeys([Path(sysconfig.get_path("scripts")), *beside]):
            _copy_programs(scripts, python / "bin", f"{self.inside(python)}/bin/python")
        with suppress(OSError):
            self._cache.rename(self._package_cache)
        self._package_cache.mkdir(exist_ok=True)

    def command(self, plan: Mapping[str, Any], environment: Mapping[str, str]) -> Command:
        """Return the command that runs in the container: the agent, with its plan."""
        program, plan_path = self._agent / "agent.py", self._agent / "plan.json"
        shutil.copy(agent.__file__, program)
        plan_path.touch(mode=0o600)
        plan_path.write_text(json.dumps(plan))
        passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
        own = {
            **passed,
            "PIP_CACHE_DIR": self.inside(self._package_cache / "pip"),
            "UV_CACHE_DIR": self.inside(self._package_cache / "uv"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "VIRTUAL_ENV": self.inside(self.root / "codebuild" / "python"),
        }
        return Command(
            argv=[sys.executable, "-I", "-S", *(self.inside(path) for path in (program, plan_path, self.status))],
            environment={**own, **environment},
            interpreter=Path(self.inside(self.root / "codebuild" / "python" / "bin" / "python")),
            protected=[Path(sys.prefix)],
        )

    def close(self) -> None:
        """Return the package cache to its place, and remove the folder."""
        _give_back(self._package_cache, self._cache)
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def _package_cache(self) -> Path:
        return self.root / "codebuild" / "package-cache"


def notices(runtimes: Mapping[str, str]) -> list[str]:
    """Return the log lines about the runtimes that a buildspec asks for: a host only has its own Python."""
    own = ".".join(map(str, sys.version_info[:2]))
    return [
        f"Selecting '{language}' runtime version '{version}': this host's {own} is used instead"
        for language, version in runtimes.items()
    ]


def clear(folder: Path) -> None:
    """Remove what builds that did not end by themselves left behind."""
    for left in folder.glob("builds/*/ml/codebuild/package-cache"):
        _give_back(left, folder / "package-cache")
    shutil.rmtree(folder / "builds", ignore_errors=True)


def _give_back(used: Path, cache: Path) -> None:
    """Move a cache back, unless another build has returned one meanwhile: that one stays then."""
    with suppress(OSError):
        used.rename(cache)


def _copy_programs(scripts: Path, target: Path, interpreter: str) -> None:
    """Give the environment the programs of the host's packages, run by its own interpreter."""
    named = re.compile(re.escape(f"{scripts}/python").encode() + rb"[\d.]*")
    for path in scripts.glob("*"):
        if not path.is_file() or path.is_symlink() or (target / path.name).exists():
            continue
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head.startswith(b"#!") and named.search(head):
                own = target / path.name
                own.write_bytes(named.sub(interpreter.encode(), head, count=1) + file.read())
                own.chmod(0o755)
