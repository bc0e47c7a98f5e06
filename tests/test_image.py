"""The Dockerfile, taken at its word: its build stage is carried out, and what it built trains and serves.

Without Docker, the instructions are parsed, and the build stage's ENV, WORKDIR, COPY and RUN are done below a folder
that stands for the file system's root, with this interpreter in place of the base image's. Then `train` and `serve` run
from there in one of the project's own containers, as the user that the Dockerfile names. What this cannot show is the
base image and what `useradd` does in it.
"""

import configparser
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localaws.containers.container import Command, Container, Limits
from pipelines import code
from pipelines.lr.pipeline import ROAD
from tests.conftest import free_ports

ROOT = Path(__file__).parent.parent
ANSWER = 434.0765649977469


@dataclass
class Stage:
    """One stage of the Dockerfile: its instructions in order, and its environment."""

    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [argument for instruction, argument in self.instructions if instruction == name]

    @property
    def environment(self) -> dict[str, str]:
        pairs = (pair for line in self.all("ENV") for pair in line.split())
        return dict(pair.split("=", 1) for pair in pairs)


def parse(path: Path) -> list[Stage]:
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, argument = line.partition(" ")
            if name == "FROM":
                stages.append(Stage())
            stages[-1].instructions.append((name, argument.strip()))
    return stages


BUILD, FINAL = parse(ROOT / "Dockerfile")


def carry_out(stage: Stage, root: Path) -> None:
    """Do what the instructions say, below `root` where they say /opt."""
    here = root
    # Pip may keep what it downloads on this machine: the layer that it would make larger is none.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for name, argument in stage.instructions:
        inside = argument.replace("/opt/", f"{root}/opt/")
        if name == "ENV":
            pairs = dict(pair.split("=", 1) for pair in inside.split())
            paths = {key: value.replace("$PATH", environment["PATH"]) for key, value in pairs.items()}
            environment |= {key: value for key, value in paths.items() if key != "PIP_NO_CACHE_DIR"}
        elif name == "WORKDIR":
            here = Path(inside)
            here.mkdir(parents=True)
        elif name == "COPY":
            copy(inside.split(), here)
        elif name == "RUN":
            done = subprocess.run(
                ["/bin/sh", "-ec", inside], cwd=here, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"RUN {argument}\n{done.stdout}\n{done.stderr}"
        else:
            assert name == "FROM", f"this test cannot carry out {name}"


def copy(arguments: list[str], here: Path) -> None:
    *sources, target = arguments
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, here / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, here / target)


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """The folder that stands for the image's root."""
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        carry_out(BUILD, Path(folder))
        yield Path(folder)


@pytest.fixture(scope="module")
def ml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What SageMaker puts into /opt/ml for a training job, the code in it as an image would have it."""
    from sklearn.datasets import load_diabetes  # noqa: PLC0415 - half a second

    folder = tmp_path_factory.mktemp("ml")
    X, y = load_diabetes(return_X_y=True)
    data = folder / "input" / "data" / "train"
    data.mkdir(parents=True)
    rows = "".join(f"{bmi!r},{target!r}\n" for bmi, target in zip(X[:-20, 2].tolist(), y[:-20].tolist(), strict=True))
    (data / "diabetes.csv").write_text(f"bmi,target\n{rows}")
    instances = {
        "current_host": "algo-1",
        "hosts": ["algo-1"],
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "network_interface_name": "eth0",
    }
    config = folder / "input" / "config"
    config.mkdir()
    for name, document in {
        "hyperparameters": {},
        "resourceconfig": instances,
        "inputdataconfig": {"train": {}},
    }.items():
        (config / f"{name}.json").write_text(json.dumps(document))
    (folder / "model").mkdir()
    (folder / "output").mkdir()
    code.write(folder / "code", ROAD.training_code())
    return folder


def start(built: Path, ml: Path, program: list[str], **environment: str) -> Container:
    """A program of the image, found on its PATH, as its user."""
    user = FINAL.all("USER")[0]
    venv = built / "opt" / "venv"
    command = Command(
        ["unshare", "--user", f"--map-user={user}", f"--map-group={user}", *program],
        {"PYTHONUNBUFFERED": FINAL.environment["PYTHONUNBUFFERED"], **environment},
        venv / "bin" / "python",
        protected=[venv],
    )
    return Container(ml, command, ml / "log")


@pytest.mark.timeout(600)
def test_the_image_trains_and_serves(built: Path, ml: Path) -> None:
    with start(built, ml, ["train"], SAGEMAKER_PROGRAM="train.py") as training:
        assert training.wait(Limits(60)) == 0, (ml / "log").read_text()
    assert (ml / "model" / "model.dill").is_file()

    port = free_ports().gateway
    health = json.loads(FINAL.all("HEALTHCHECK")[0].partition("CMD ")[2])
    settings = {"SAGEMAKER_BIND_TO_PORT": str(port)}
    assert ask_health(built, health, settings) != 0
    with start(built, ml, json.loads(FINAL.all("CMD")[0]), **settings):
        deadline = time.monotonic() + 60
        while ask_health(built, health, settings) != 0:
            assert time.monotonic() < deadline, (ml / "log").read_text()
            time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/invocations", b'{"x": [[0.3]]}', {"Content-Type": "application/json"})
        predictions = json.load(connection.getresponse())["predictions"]
        assert predictions == pytest.approx([ANSWER], abs=1e-6)


def test_a_training_job_without_a_script_fails_with_what_to_set(built: Path, ml: Path) -> None:
    with start(built, ml, ["train"]) as training:
        assert training.wait(Limits(60)) == 1
    assert "set the hyperparameter sagemaker_program, or SAGEMAKER_PROGRAM" in (ml / "output" / "failure").read_text()


def ask_health(built: Path, command: list[str], environment: dict[str, str]) -> int:
    program = built / "opt" / "venv" / "bin" / command[0]
    return subprocess.run([program, *command[1:]], env=environment, capture_output=True, check=False).returncode


def test_the_image_has_no_program_that_cannot_run(built: Path) -> None:
    programs = {path.name for path in (built / "opt" / "venv" / "bin").iterdir()}
    assert {"serve", "serving", "train"} <= programs
    assert not programs & {"local-aws", "run-pipeline", "get-pipeline-definition"}


def test_the_image_is_what_sagemaker_and_fargate_start() -> None:
    for stage in (BUILD, FINAL):
        assert re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", stage.all("FROM")[0])
    assert BUILD.all("FROM")[0].split()[0] == FINAL.all("FROM")[0]
    assert FINAL.all("EXPOSE") == ["8080"]
    assert int(FINAL.all("USER")[0]) > 0
    assert FINAL.all("ENTRYPOINT") == []
    assert json.loads(FINAL.all("CMD")[0]) == ["serve"]
    assert "com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true" in FINAL.all("LABEL")[0]
    assert FINAL.environment["PATH"].startswith("/opt/venv/bin:")
    assert FINAL.all("COPY") == ["--from=build /opt/venv /opt/venv"]


def test_the_image_has_what_the_server_needs() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needed = {re.split(r"[><=\[]", line)[0] for line in setup["options.extras_require"]["serving"].split()}
    installed = next(line for line in BUILD.all("RUN") if "--constraint constraints.txt" in line).split()
    assert needed <= set(installed)


def test_what_is_copied_reaches_the_build() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for line in BUILD.all("COPY") for source in line.split()[:-1]}
    assert copied == allowed
