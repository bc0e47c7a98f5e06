"""The documentation keeps its promises: `sh` blocks run, files shown are used, tables are complete."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.account.clients import Aws
from localaws.metrics.namespace import Namespace
from localaws.sagemaker.lineage.trial_metrics import SageMakerMetrics
from localaws.sagemaker.service import SageMaker
from localaws.service.context import Context
from localaws.service.service import Service
from localaws.services.catalog import SERVICES
from tests.localaws.measured import PUBLISHED
from tests.shown import write_files

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
LOCALAWS = ROOT / "docs" / "localaws"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "your-model.md"], ids=lambda page: page.name)
def test_the_files_that_a_page_shows_pass_the_projects_own_lint(page: Path, tmp_path: Path) -> None:
    """They go into the reader's repository, whose builds may lint it: the README's own demo does."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in write_files(page, tmp_path)]
    assert len(names) >= 2
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_the_readmes_two_commands() -> None:
    commands = re.findall(r"^    ((?:pip install tox && )?tox run.*)$", README.read_text(), re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands == ["pip install tox && tox run -e local", "tox run"]
    assert [line for line in ci if "tox run" in line] == commands


def nowhere(folder: Path) -> Context:
    """The context of services that nobody answers."""
    return Context.of(folder / "store.sqlite", Aws("http://127.0.0.1:9", "us-east-1", "000000000000"), folder)


def operations(page: Path) -> list[str]:
    """The operations that a page lists, each as often as it does."""
    section = page.read_text().partition("\n## Operations\n")[2].partition("\n## ")[0]
    return re.findall(r"`([A-Z][A-Za-z]+)`", section.partition("\n\n")[0])


def test_sagemakers_pages_list_its_operations(tmp_path: Path) -> None:
    documented = [name for page in LOCALAWS.glob("sagemaker*.md") for name in operations(page)]
    context = nowhere(tmp_path)
    assert sorted(documented) == sorted({**SageMaker(context).operations, **SageMakerMetrics(context).operations})


def test_the_readmes_demo_is_that_of_tox() -> None:
    tox = re.findall(r"^    automation: ((?:deploy-model|local-aws) .*)$", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    demo = re.search(r"^    deploy-model project --local.*\n(?:    .*\n)+", README.read_text(), re.MULTILINE)
    assert demo is not None
    assert [line.strip() for line in demo[0].splitlines()] == tox[: tox.index("deploy-model demo --local") + 1]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_services_page_lists_its_operations(service: type[Service], tmp_path: Path) -> None:
    assert sorted(operations(LOCALAWS / f"{service.name}.md")) == sorted(service(nowhere(tmp_path)).operations)


@pytest.mark.parametrize("namespace", PUBLISHED.values(), ids=lambda namespace: namespace.name)
def test_the_lists_of_metrics_are_the_truth(namespace: Namespace) -> None:
    text = "".join(f"{page.read_text()}\n\n" for page in LOCALAWS.glob("*.md"))
    item = rf"^- `{namespace.name}`([^:]*): (.*?)(?=^- |\n\n)"  # its dimensions, its metrics
    items = re.findall(item, text, re.DOTALL | re.MULTILINE)
    metrics = {metric for _, listed in items for metric in re.findall(r"`(\w+)`", listed)}
    assert metrics == set(namespace.metrics)
    named = {name for metric in namespace.metrics.values() for names in metric.dimensions for name in names}
    dimensions = "".join(dimensions for dimensions, _ in items)
    assert all(f"`{name}`" in dimensions for name in named)


def test_the_page_on_local_aws_leads_to_all_others() -> None:
    index = (LOCALAWS / "README.md").read_text()
    pages = {path.name for path in LOCALAWS.glob("*.md")} - {"README.md"}
    assert len(pages) >= 18
    assert pages == set(re.findall(r"^\| \[[^]]+\]\((\S+\.md)\)", index, re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_row_of_a_table_is_longer_than_a_reader_bears(path: Path) -> None:
    rows = [line for line in path.read_text().splitlines() if line.startswith("|")]
    assert [row for row in rows if len(row) > 200] == []


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
        ["serve"],
        ["train"],
        ["local-aws", "start"],
        ["local-aws", "images"],
        ["local-aws", "mail"],
    ],
)
def test_every_command_has_help_worth_reading(command: list[str]) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:], "-h"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 8
    assert "%(" not in done.stdout


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        if not target.startswith(("http:", "https:")):
            file, _, anchor = target.partition("#")
            linked = path.parent / file if file else path
            assert linked.exists(), f"{path.name}: {target}"
            headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in [heading.lower().replace(" ", "-") for heading in headings], target
