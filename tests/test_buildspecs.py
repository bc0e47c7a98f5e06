"""The buildspecs of this project are ones that CodeBuild takes, here and on AWS."""

from pathlib import Path

import pytest

from localaws.services.codebuild import buildspec

ROOT = Path(__file__).parent.parent
BUILDSPECS = [ROOT / "codebuild-buildspec.yml", *sorted(ROOT.glob("deploy/**/*buildspec.yml"))]


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_is_one(path: Path) -> None:
    spec = buildspec.parse(path.read_text())
    assert any(phase.commands for phase in spec.phases)
    assert set(spec.runtimes) == {"python"}


def test_what_a_build_installs_is_pinned() -> None:
    commands = [
        command
        for path in BUILDSPECS
        for phase in buildspec.parse(path.read_text()).phases
        for command in phase.commands
    ]
    of_the_project = [command for command in commands if command.startswith("pip install") and command.endswith(" .")]
    assert len(of_the_project) == len(BUILDSPECS)
    assert all("--constraint constraints.txt" in command for command in of_the_project)
