"""The layout's rules: who imports whom, that no definition knows where it runs, what names and docstrings say."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "model_road": ("localaws", "serving", "pipelines", "deploy", "tests"),
    "pipelines": ("localaws", "serving", "deploy", "tests"),
    "deploy": ("localaws", "serving", "pipelines", "tests"),
    "serving": ("localaws", "pipelines", "deploy", "training", "tests"),
    "training": ("localaws", "pipelines", "deploy", "serving", "tests"),
    "localaws": ("pipelines", "deploy", "serving", "tests"),
    "localaws/sagemaker": ("ministack", "localaws.ministack", "localaws.services", "localaws.supervision"),
    "localaws/services": ("ministack", "localaws.ministack", "localaws.sagemaker", "localaws.supervision"),
}

FLOORS = (
    ("document", "errors", "api_errors", "settings"),
    ("storage",),
    ("protocol",),
    ("account",),
    ("containers", "images", "metrics", "service", "supervision"),
    ("sagemaker", "services", "ministack"),
    ("command",),
)
"""The packages and modules of localaws, those that import nothing first: no import runs upward."""
OWN_SERVICES = [path for path in sorted((ROOT / "localaws" / "services").iterdir()) if (path / "service.py").exists()]
ROOT_MODULES = {"__init__.py", "api_errors.py", "document.py", "errors.py", "py.typed", "settings.py"}
MINISTACK_NAMES = re.compile(r"[\"']ministack\.|^\s*(?:import|from) ministack", re.MULTILINE)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize(("package", "others"), FORBIDDEN.items())
def test_imports_run_one_way(package: str, others: tuple[str, ...]) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if any(name == other or name.startswith(f"{other}.") for other in others)
    ]
    assert wrong == []


def test_no_import_inside_local_aws_runs_upward() -> None:
    floors = {name: number for number, names in enumerate(FLOORS) for name in names}
    files = sorted((ROOT / "localaws").rglob("*.py"))
    own = {path: path.relative_to(ROOT / "localaws").parts[0].removesuffix(".py") for path in files}
    assert set(own.values()) - {"__init__"} == set(floors)
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if name.startswith("localaws.") and floors[name.split(".")[1]] > floors.get(own[path], 0)
    ]
    assert wrong == []


SAID_TWICE = {"__init__.py", "errors.py", "operations.py"}
"""Names of files that mean the same in every package."""


@pytest.mark.parametrize("service", ["sagemaker", *(f"services/{path.name}" for path in OWN_SERVICES)])
def test_a_file_name_means_one_thing_in_a_service(service: str) -> None:
    names = Counter(path.name for path in (ROOT / "localaws" / service).rglob("*.py"))
    assert [name for name, count in names.items() if count > 1 and name not in SAID_TWICE] == []


def test_the_root_of_local_aws_holds_what_concerns_all_of_it() -> None:
    assert {path.name for path in (ROOT / "localaws").iterdir() if path.is_file()} == ROOT_MODULES


def test_hooks_alone_touch_ministack() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "localaws").rglob("*.py"))
        if MINISTACK_NAMES.search(path.read_text())
    }
    hosts = {"localaws/ministack/host.py"}
    assert hosts < users
    assert [user for user in users - hosts if not Path(user).name.startswith("hooks_")] == []


def test_each_folder_with_hooks_has_a_table_of_them() -> None:
    folders = {path.parent for path in (ROOT / "localaws").rglob("hooks_*.py")}
    assert len(folders) >= 9
    assert [folder for folder in sorted(folders) if not (folder / "hooks.py").is_file()] == []


def test_a_file_name_means_one_thing_in_ministack() -> None:
    """What is hooked, what a service tells CloudWatch, how it reaches another service: alike wherever they are."""
    alike = {"__init__", "hooks", "hooks_metrics", "hooks_requests", "metrics", "reporter", "sagemaker", "apigateway"}
    files = [path.stem for path in (ROOT / "localaws/ministack").glob("*/*.py")]
    assert {name for name in files if files.count(name) > 1} <= alike


def test_sagemakers_sdk_is_imported_in_one_place() -> None:
    """What a user's module imports has to be there at once, and without a region."""
    users = {
        path.relative_to(ROOT).as_posix()
        for package in ("pipelines", "model_road", "deploy")
        for path in sorted((ROOT / package).rglob("*.py"))
        if any(name.partition(".")[0] == "sagemaker" for name in imports(path))
    }
    classes = {"pipelines/plain_pipeline.py", "pipelines/request_step.py"}
    assert users == classes, "pipelines.sdk imports it, when something of it is used"


def test_boto3_is_imported_late_in_one_place() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for package in ("pipelines", "model_road", "deploy")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "boto3" in imports(path)
    }
    assert {user for user in users if not user.startswith("deploy/functions/")} == {"model_road/aws.py"}


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_documentation_names_no_private_module(page: Path) -> None:
    """No name in it begins with an underscore, but for paths of URLs and what ends with one, too."""
    assert re.findall(r"(?<![\w/])(?:\w+[./])*_[a-z]\w*[^\W_]\b", page.read_text()) == []


@pytest.mark.parametrize("package", ["model_road", "pipelines", "deploy"])
def test_no_line_knows_where_it_runs(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        assert not re.search(r"\bif\b.*local", path.read_text(), re.IGNORECASE), path


def test_container_scripts_import_nothing_of_the_package() -> None:
    scripts = sorted((ROOT / "pipelines").glob("*/[!_]*.py"))
    outside = {"pipeline.py", "pipeline_batch.py", "sample_data.py"}
    inside = [path for path in scripts if path.name not in outside]
    assert {path.parent.name for path in inside} >= {"containers", "lr", "iris"}
    for path in inside:
        assert not [name for name in imports(path) if name.startswith("pipelines")], path
        assert "pip" not in {name.partition(".")[0] for name in imports(path)}, path


def documented(docstring: str) -> list[str]:
    """The names in the section Parameters, in their order; stars are left out."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n|\Z)", docstring, re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^(\S.*?)(?: : |$)", section[1], re.MULTILINE) if section else []
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    starred = [argument for argument in (given.vararg, given.kwarg) if argument]
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, *starred)]
    return [name for name in names if name not in ("self", "cls")]


def functions(tree: ast.AST) -> Iterator[tuple[str, str, list[str]]]:
    """Name, docstring and parameters of all functions, and of all classes, whose parameters are those of __init__."""
    for node in ast.walk(tree):
        function = node
        if isinstance(node, ast.ClassDef):
            function = next((each for each in node.body if getattr(each, "name", "") == "__init__"), node)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and hasattr(node, "name"):
            yield node.name, ast.get_docstring(node) or "", parameters(function)


@pytest.mark.parametrize("package", [*(name for name in FORBIDDEN if "/" not in name), "benchmarks"])
def test_a_section_on_parameters_names_all_of_them_and_no_others(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name} takes {takes}, its docstring names {said}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, docstring, takes in functions(ast.parse(path.read_text()))
        if (said := documented(docstring)) and sorted(said) != sorted(takes)
    ]
    assert wrong == []
