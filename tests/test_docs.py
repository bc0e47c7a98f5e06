"""The documentation keeps its promises: `sh` blocks run, files shown are used, tables are complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.account.clients import Aws
from localaws.metrics.namespace import Namespace
from localaws.sagemaker.service import SageMaker
from localaws.service.context import Context
from localaws.service.service import Service
from localaws.services.catalog import SERVICES
from tests.conftest import LocalAws
from tests.localaws.measured import PUBLISHED

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
_SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^`([\w/]+\.py)`[^\n]*:\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.timeout(600)
def test_the_readmes_commands_run(local_aws: LocalAws, tmp_path: Path) -> None:
    """All `sh` blocks, one after the other in one shell, in an empty folder with the files that the README shows."""
    text = README.read_text()
    for name, content in _FILE.findall(text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    blocks = _SHELL.findall(text)
    assert len(blocks) >= 5
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"HOME": str(tmp_path), "PATH": path, "LOCALAWS_STATE_DIR": str(local_aws.state_dir)}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Model package  arn:aws:sagemaker:us-east-1:000000000000:model-package/linearregression/" in done.stdout
    assert "LinearRegression/batch/output/bmi-1.csv.out" in done.stdout
    assert (tmp_path / "definition.json").stat().st_size > 1000


def test_ci_runs_the_readmes_two_commands() -> None:
    commands = re.findall(r"^    ((?:pip install tox && )?tox run.*)$", README.read_text(), re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands == ["pip install tox && tox run -e local", "tox run"]
    assert [line for line in ci if "tox run" in line] == commands


def nowhere(folder: Path) -> Context:
    """The context of services that nobody answers."""
    return Context.of(folder / "store.sqlite", Aws("http://127.0.0.1:9", "us-east-1", "000000000000"), folder)


def test_the_table_of_operations_is_the_truth(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "localaws.md").read_text()
    table = text.partition("| family | operations |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"`([A-Za-z]+)`", table))
    assert documented == set(SageMaker(nowhere(tmp_path)).operations)


def test_the_readmes_tour_is_that_of_tox() -> None:
    tox = re.findall(r"^    automation: ((?:deploy-model|local-aws) .*)$", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    tour = re.search(r"^    deploy-model project --local.*\n(?:    .*\n)+", README.read_text(), re.MULTILINE)
    assert tour is not None
    assert [line.strip() for line in tour[0].splitlines()] == tox[: tox.index("deploy-model tour --local") + 1]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_table_of_services_is_the_truth(service: type[Service], tmp_path: Path) -> None:
    text = (ROOT / "docs" / "localaws.md").read_text()
    table = text.partition("| service | operations |")[2].partition("\n\n")[0]
    [row] = [line for line in table.splitlines() if line.startswith(f"| {service.name} |")]
    assert set(re.findall(r"`([A-Za-z]+)`", row)) == set(service(nowhere(tmp_path)).operations)


@pytest.mark.parametrize("namespace", PUBLISHED.values(), ids=lambda namespace: namespace.name)
def test_the_tables_of_metrics_are_the_truth(namespace: Namespace) -> None:
    text = "".join((ROOT / "docs" / name).read_text() for name in ("localaws.md", "runtime.md"))
    rows = [line.split("|") for line in text.splitlines() if line.startswith(f"| `{namespace.name}`")]
    above = "the same, of asynchronous endpoints"  # a row of its own, which begins so
    rows += [line.split("|") for line in text.splitlines() if above in line and "SageMaker" in namespace.name]
    metrics = {metric for row in rows for metric in re.findall(r"`(\w+)`", row[-2])}
    assert metrics == set(namespace.metrics)
    named = {name for metric in namespace.metrics.values() for names in metric.dimensions for name in names}
    assert all(name in str(rows) for name in named)


@pytest.mark.parametrize(
    "command",
    [
        ["local-aws"],
        ["run-pipeline"],
        ["deploy-model"],
        ["check-project"],
        ["deploy-model", "staging"],
        ["get-pipeline-definition"],
        ["serving"],
        ["local-aws", "start"],
        ["local-aws", "mail"],
    ],
)
def test_every_command_has_help_worth_reading(command: list[str]) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:], "-h"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 8
    assert "%(" not in done.stdout


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        if not target.startswith(("http:", "https:")):
            file, _, anchor = target.partition("#")
            linked = path.parent / file if file else path
            assert linked.exists(), f"{path.name}: {target}"
            headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], target
