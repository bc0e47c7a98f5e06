"""The README's commands, in the order in which they stand, as a reader types them: the demo at the end included."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LocalAws
from tests.deploy.conftest import hasty_local_aws
from tests.shown import write_files

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
# What `tox run -e lint` does in tox's environment, which a build would have to fetch. A build does not find the host's.
RUFF = Path(sys.executable).parent / "ruff"
LINT = f"{RUFF} check && {RUFF} format --check"


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One in which production is watched for three seconds, not for five minutes."""
    yield from hasty_local_aws(tmp_path_factory.mktemp("readme") / "state", 0.01)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The reader's clone, with the files that the README has them write; however this checkout came about."""
    folder, unwanted = (
        tmp_path / "model-road",
        shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__"),
    )
    shutil.copytree(ROOT, folder, ignore=unwanted)
    # What a build makes beside the code is not linted.
    shutil.copy(ROOT / ".gitignore", folder)
    git = ["git", "-C", str(folder), "-c", "user.name=Reader", "-c", "user.email=reader@example.com"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    write_files(README, folder)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "Mine"], check=True)
    return folder


def commands() -> str:
    """The `sh` blocks and the demo, but for tox in a build, which would have to fetch what it runs."""
    either = r"^```sh\n(.*?)^```|^((?:    (?:deploy-model|local-aws) [^\n]*\n)+)"
    blocks = re.findall(either, README.read_text(), re.DOTALL | re.MULTILINE)
    text = "\n".join(map("".join, blocks))
    assert len(blocks) >= 6
    assert "TestCommand=tox run -e lint" in text
    return text.replace("tox run -e lint", LINT)


@pytest.mark.timeout(900)
def test_the_readmes_commands_run(local_aws: LocalAws, clone: Path, tmp_path: Path) -> None:
    """All of them, one after the other in one shell, in the folder of the clone."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        "HOME": str(tmp_path),
        "PATH": path,
        "LOCALAWS_STATE_DIR": str(local_aws.state_dir),
        "LOCALAWS_TIME_SCALE": "0.01",
    }
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", commands()],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Model package  arn:aws:sagemaker:us-east-1:000000000000:model-package/linearregression/" in done.stdout
    assert "LinearRegression/batch/output/bmi-1.csv.out" in done.stdout
    assert (clone / "definition.json").stat().st_size > 1000
    assert "Production     serves model-road/" in done.stdout
    assert "`deploy-model` means the group model-road from now on" in done.stdout
