"""The commands that messages propose: each is one, and does what it says in the shell in which it is printed."""

import ast
import re
import shlex
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy import check_project, deploy_model
from localaws.command.cli import build_parser
from model_road import proposals
from pipelines import get_pipeline_definition, run_pipeline

ROOT = Path(__file__).parent.parent
PACKAGES = ("deploy", "pipelines", "model_road", "localaws", "serving", "training")
PARSERS: Mapping[str, Callable[[], ArgumentParser]] = {
    "deploy-model": deploy_model.parser,
    "check-project": check_project.parser,
    "run-pipeline": run_pipeline.parser,
    "get-pipeline-definition": get_pipeline_definition.parser,
    "local-aws": build_parser,
}
IN_BACKQUOTES = re.compile(rf"`({'|'.join(PARSERS)})((?: [^`]+)?)`")
# What stands for a value, where a text has one: it is one of all kinds.
VALUE = "1"


def texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that are no docstrings, with a value for what is put into them."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and has_text(node)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield written(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inner:
            yield node.value


def has_text(node: "ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef") -> bool:
    return bool(node.body) and isinstance(node.body[0], ast.Expr) and ast.get_docstring(node) is not None


def written(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else VALUE


def next_commands(tree: ast.Module) -> Iterator[str]:
    """What is given to next_command(), of a project or of what is checked."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    for call in calls:
        if getattr(call.func, "attr", "") in ("next_command", "command") and len(call.args) == 1:
            [given] = call.args
            branches = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
            yield from (written(branch) for branch in branches if isinstance(branch, ast.Constant | ast.JoinedStr))


def proposed() -> Iterator[tuple[str, str, str]]:
    """Where, the program and the arguments of every command that our programs propose."""
    files = [ROOT / "invoke_api.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
    for path in sorted(files):
        tree = ast.parse(path.read_text())
        for text in texts(tree):
            for name, arguments in IN_BACKQUOTES.findall(text):
                if arguments.strip() != VALUE and (arguments or name not in ("deploy-model", "local-aws")):
                    yield path.relative_to(ROOT).as_posix(), name, arguments.strip()
        if path.parts[len(ROOT.parts)] == "deploy":
            yield from ((path.relative_to(ROOT).as_posix(), "deploy-model", given) for given in next_commands(tree))


def test_every_command_that_is_proposed_is_one() -> None:
    found = set(proposed())
    assert len(found) > 40, "the walk does not see them any more"
    for where, name, arguments in sorted(found):
        try:
            PARSERS[name]().parse_args(shlex.split(arguments))
        except SystemExit:
            pytest.fail(f"{where} proposes `{name} {arguments}`")


def test_a_proposal_gets_the_options_that_it_takes_and_does_not_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    options = "--project-name p --s3-bucket b --role-arn arn:r --local"
    said = (
        "`deploy-model list`, `check-project`, `run-pipeline -n m --local`, `local-aws start`, of `deploy-model`: `x`"
    )
    completed = proposals.completed(said, options)
    assert [each.replace(f"{Path(sys.executable).parent}/", "") for each in re.findall("`([^`]*)`", completed)] == [
        "deploy-model list --project-name p --s3-bucket b --role-arn arn:r --local",
        "check-project --project-name p --role-arn arn:r --local",
        "run-pipeline -n m --local --role-arn arn:r",
        "local-aws start",
        "deploy-model",
        "x",
    ]
    assert "`local-aws mail --state-dir 'a b'`" in proposals.completed("`local-aws mail`", "--state-dir 'a b'")


def test_a_program_is_named_so_that_the_shell_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    beside = Path(sys.executable).parent
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOX_ENV_DIR", raising=False)
    monkeypatch.setenv("PATH", str(beside))
    assert proposals.program("deploy-model") == "deploy-model"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert proposals.program("deploy-model") == str(beside / "deploy-model")
    monkeypatch.chdir(beside.parent)
    assert proposals.program("deploy-model") == "bin/deploy-model"
    # tox has its environment on the path of its commands, and not on that of the shell that it leaves.
    monkeypatch.setenv("PATH", str(beside))
    monkeypatch.setenv("TOX_ENV_DIR", str(beside.parent))
    assert proposals.program("deploy-model") == "bin/deploy-model"
    assert proposals.program("no-program-of-ours") == "no-program-of-ours"
