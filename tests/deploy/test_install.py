"""deploy/install.sh, which each buildspec reads, with the real pip and a package index on loopback."""

import base64
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "install.sh"
USERNAME, PASSWORD = "reader@example.com", "p@ss word/%:"
WHEEL = "dependency_of_mine-1.0-py3-none-any.whl"


class Handler(SimpleHTTPRequestHandler):
    """A folder, to those who say who they are where the index asks for it."""

    server: Any

    def do_GET(self) -> None:
        own = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if self.server.asks and self.headers.get("Authorization") != own:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        self.server.asked.append(self.path)


class Server(ThreadingHTTPServer):
    """An index, and what it was asked for."""

    asks = False

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))


@dataclass
class Build:
    """What a build has: a working copy, a Python of its own, and an index."""

    source: Path
    python: Path
    server: Server
    digest: str
    index: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Without what this machine's pip and uv are told otherwise."""
        passed = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        return passed | {
            "PATH": os.pathsep.join([f"{self.python}/bin", str(Path(sys.executable).parent), os.environ["PATH"]]),
            "VIRTUAL_ENV": str(self.python),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CACHE": "1",
            "UV_NO_CONFIG": "1",
            "no_proxy": "*",
        }

    def run(self, after: str = "true", **variables: str) -> subprocess.CompletedProcess[str]:
        """The install phase, and a command after it in the same shell, as CodeBuild has it."""
        return subprocess.run(
            ["sh", "-c", f". deploy/install.sh && {after}"],
            cwd=self.source,
            env=self.environment | {"PACKAGE_INDEX_URL": f"http://{self.host}/simple/"} | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def require(self, digest: str) -> None:
        (self.source / "requirements.txt").write_text(f"dependency-of-mine==1.0 --hash=sha256:{digest}\n")


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    source, python, pages = (
        tmp_path / "source",
        tmp_path / "python",
        tmp_path / "index" / "simple" / "dependency-of-mine",
    )
    (source / "deploy").mkdir(parents=True)
    pages.mkdir(parents=True)
    shutil.copy(SCRIPT, source / "deploy")
    (source / "constraints.txt").write_text("dependency-of-mine==1.0\n")
    (source / "mine.py").touch()
    (source / "setup.py").write_text(
        "from setuptools import setup\n"
        'setup(name="mine", version="1", py_modules=["mine"], install_requires=["dependency-of-mine"])\n'
    )
    with zipfile.ZipFile(pages / WHEEL, "w") as wheel:
        info = "dependency_of_mine-1.0.dist-info"
        wheel.writestr("dependency_of_mine.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: dependency-of-mine\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    # Of the newer version there is no more than a link: who takes it, unpinned, fails.
    links = (WHEEL, WHEEL.replace("1.0", "2.0"))
    (pages / "index.html").write_text("".join(f'<a href="{name}">{name}</a>' for name in links))
    # As in CodeBuild's image: pip is there. So is setuptools, which the index here does not have.
    venv.EnvBuilder(symlinks=True, with_pip=False).create(python)
    [packages] = python.glob("lib/python*/site-packages")
    for name in ("pip", "setuptools"):
        host = Path(str(distribution(name).locate_file("")))
        for path in [host / name, *host.glob(f"{name}-*.dist-info"), host / "_distutils_hack"]:
            if path.exists() and not (packages / path.name).exists():
                (packages / path.name).symlink_to(path)
    program = python / "bin" / "pip"
    program.write_text(f'#!/bin/sh\nexec {python}/bin/python -m pip "$@"\n')
    program.chmod(0o755)
    server = Server(tmp_path / "index")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Build(source, python, server, hashlib.sha256((pages / WHEEL).read_bytes()).hexdigest(), pages.parent)
    server.shutdown()
    server.server_close()
    thread.join()


PAGE = Path(__file__).parents[2] / "docs" / "project.md"
IMPORT = "python -c 'import mine, dependency_of_mine; print(\"both are there\")'"


def test_what_a_build_installs_is_pinned_and_comes_from_the_index(build: Build) -> None:
    # The environment for the project's own build needs setuptools, which this index has not.
    done = build.run(IMPORT, PIP_NO_BUILD_ISOLATION="0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("both are there\n")
    assert f"/simple/dependency-of-mine/{WHEEL}" in build.server.asked


def test_the_right_hash_is_installed_and_nothing_without_one_later_on(build: Build) -> None:
    build.require(build.digest)
    done = build.run(f"{IMPORT} && pip download dependency-of-mine==1.0", REQUIRE_HASHES="true")
    assert "both are there" in done.stdout, done.stderr
    assert done.returncode == 1
    assert "Hashes are required in --require-hashes mode, but they are missing" in done.stderr


def test_a_wrong_hash_fails_and_says_which(build: Build) -> None:
    build.require("0" * 64)
    done = build.run(IMPORT, REQUIRE_HASHES="true")
    assert done.returncode == 1
    assert "dependency-of-mine==1.0" in done.stderr
    assert build.digest in done.stderr
    assert "both are there" not in done.stdout


def test_hashes_without_a_file_of_them_fail_in_one_sentence(build: Build) -> None:
    done = build.run("echo never", REQUIRE_HASHES="true")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "there is no requirements.txt" in line
    assert build.server.asked == []


def test_an_index_that_asks_gets_the_secret_and_shows_nobody_the_password(build: Build) -> None:
    build.server.asks = True
    build.require(build.digest)
    secret = {"PACKAGE_INDEX_USERNAME": USERNAME, "PACKAGE_INDEX_PASSWORD": PASSWORD}
    uv = "uv pip install --reinstall --requirement requirements.txt"
    done = build.run(f"{IMPORT} && {uv}", REQUIRE_HASHES="true", **secret)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dependency-of-mine==1.0" in done.stderr
    said = done.stdout + done.stderr
    assert PASSWORD not in said
    assert quote(PASSWORD, safe="") not in said


def test_the_documented_command_makes_the_file_that_installs(build: Build) -> None:
    command = re.search(
        r"^    (echo setuptools \| uv pip compile .*\n(?:        .*\n)*)", PAGE.read_text(), re.MULTILINE
    )
    assert command is not None
    (build.source / "setup.cfg").write_text("[options.extras_require]\npipelines =\nlocal =\ntest =\n")
    pages = build.index / "setuptools"
    pages.mkdir()
    name, own = f"setuptools-{version('setuptools')}", f"setuptools-{version('setuptools')}-py3-none-any.whl"
    with zipfile.ZipFile(pages / own, "w") as wheel:
        wheel.writestr(
            f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: setuptools\nVersion: {version('setuptools')}\n"
        )
        wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}.dist-info/RECORD", "")
    (pages / "index.html").write_text(f'<a href="{own}">{own}</a>')
    made = subprocess.run(
        ["sh", "-c", command[1]],
        cwd=build.source,
        env=build.environment | {"UV_DEFAULT_INDEX": f"http://{build.host}/simple/", "UV_NO_BUILD_ISOLATION": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert f"--hash=sha256:{build.digest}" in (build.source / "requirements.txt").read_text()
    done = build.run(IMPORT, REQUIRE_HASHES="true")
    assert "both are there" in done.stdout, done.stderr
