"""The first commit: what git tracks and what the user names; no secret, and nothing from elsewhere."""

import io
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy import first_commit
from deploy.secret_scan import scan
from model_road.errors import UsageError

ROOT = Path(__file__).parents[2]
SPECIFICATIONS = ("codebuild-buildspec.yml", "deploy/buildspec.yml", "deploy/test/buildspec.yml")
# Put together here, so that no scanner takes this file for one that has secrets.
PRIVATE_KEY = f"-----BEGIN OPENSSH {'PRIVATE'} KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n"
ACCESS_KEY = f"AKIA{'QWERTYUIOPASDFGH'}"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working copy with what git tracks, what it ignores, and what is new."""
    folder = tmp_path / "copy"
    for name in (*SPECIFICATIONS, "kept.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    git(tmp_path, "init", "--quiet", str(folder))
    git(folder, "add", "--all")
    (folder / "ignored.log").write_text("ignored")
    (folder / ".env").write_text("TOKEN=for-me-alone\n")
    (folder / "id_rsa").write_text(PRIVATE_KEY)
    (folder / "notes").mkdir()
    (folder / "notes" / "new.md").write_text("new")
    return folder


def packed(commit: first_commit.FirstCommit) -> dict[str, int]:
    with zipfile.ZipFile(io.BytesIO(commit.packed)) as archive:
        return {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}


def test_it_is_what_git_tracks_and_says_what_it_leaves_out(copy: Path) -> None:
    commit = first_commit.read(copy)
    names = packed(commit)
    assert set(names) == {*SPECIFICATIONS, ".gitignore", "kept.py", "run"}
    assert (names["run"], names["kept.py"]) == (0o755, 0o644)
    assert commit.count == 6
    [said, left_out] = commit.lines()
    assert said == "First commit   6 files, 0.0 MB: what git tracks"
    assert ".env, id_rsa, notes/new.md: git does not track them" in left_out


@pytest.mark.parametrize(("named", "new"), [("notes", "notes/new.md"), ("ignored.log", "ignored.log")])
def test_what_the_user_names_goes_too_and_is_said(copy: Path, named: str, new: str) -> None:
    commit = first_commit.read(copy, [named])
    assert new in packed(commit)
    assert commit.lines()[0] == f"First commit   7 files, 0.0 MB: what git tracks, and {new}"


def test_what_looks_like_a_secret_is_refused_by_name_unless_it_is_none(copy: Path) -> None:
    (copy / "settings.ini").write_text('[index]\npassword = "correct-horse-battery"\n')
    (copy / "tracked.py").write_text(f'key = "{ACCESS_KEY}"\n')
    git(copy, "add", "settings.ini", "tracked.py")
    with pytest.raises(UsageError) as refused:
        first_commit.read(copy, ["id_rsa"])
    said = str(refused.value)
    assert "id_rsa:1 (Private Key), settings.ini:2 (Secret Keyword), tracked.py:1 (AWS Access Key)" in said
    assert ACCESS_KEY not in said and "correct-horse" not in said
    (copy / "tracked.py").write_text(f'key = "{ACCESS_KEY}"  # pragma: allowlist secret\n')
    assert first_commit.read(copy, not_secret=["settings.ini"]).count == 8
    with pytest.raises(UsageError, match=r"--not-secret setings\.ini: no file of the first commit has this name"):
        first_commit.read(copy, not_secret=["setings.ini"])


def test_a_link_brings_nothing_along_from_elsewhere(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("of somebody")
    (copy / "innocent.py").symlink_to("../elsewhere")
    git(copy, "add", "innocent.py")
    with pytest.raises(UsageError, match=r"innocent\.py leads out of the working copy"):
        first_commit.read(copy)
    git(copy, "rm", "--cached", "--quiet", "innocent.py")
    with pytest.raises(UsageError, match=r"--include \.\./elsewhere: there is no such file"):
        first_commit.read(copy, ["../elsewhere"])


def test_what_is_no_working_copy_is_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"codebuild-buildspec\.yml is missing"):
        first_commit.read(tmp_path)
    git(copy, "rm", "--cached", "--quiet", "codebuild-buildspec.yml")
    with pytest.raises(UsageError, match=r"git does not track codebuild-buildspec\.yml in .*: run git add \. there"):
        first_commit.read(copy)


def test_a_copy_without_git_is_told_to_make_one(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(copy.parent))
    (copy / ".git").rename(copy.parent / "git")
    with pytest.raises(UsageError, match=r"not a git repository.*Clone the project with git, or run git init"):
        first_commit.read(copy)


def test_what_is_too_large_is_refused(copy: Path) -> None:
    """Source: "Quotas in AWS CodeCommit"; of a larger archive CloudFormation makes no repository."""
    (copy / "data.bin").write_bytes(os.urandom(20 * 1024 * 1024))
    git(copy, "add", "data.bin")
    with pytest.raises(UsageError, match=r"20\.0 MB compressed, .* takes 20 MB .*data\.bin is the largest"):
        first_commit.read(copy)


def test_this_project_has_nothing_that_looks_like_a_secret() -> None:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
    files = {name: ROOT / name for name in listed.decode().split("\0") if (ROOT / name).is_file()}
    assert [str(found) for found in scan(files, frozenset())] == []


# What tools make of the project, and local AWS of its state.
WRITTEN = (
    ".localaws/sagemaker/state.db",
    ".tox/local/bin/python",
    ".venv/bin/python",
    "model_road.egg-info/PKG-INFO",
    "build/lib/x.py",
    "dist/model_road.whl",
    "pipelines/__pycache__/code.pyc",
    "model.tar.gz",
)


def written() -> list[str]:
    """The files that commands of the README, the docs and the builds write, by their options and artifacts."""
    builds = [ROOT / name for name in SPECIFICATIONS]
    texts = [path.read_text() for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *builds)]
    option = re.compile(r"(?:--file-name|--report|--output-file|file://)[ =]?([a-z][\w.-]*\.(?:json|xml|html))")
    named = {name for text in texts for name in option.findall(text)}
    exported = re.findall(r"^    - (\S+\.json)$", builds[1].read_text(), re.MULTILINE)
    assert {"definition.json", "staging-test.xml"} <= named and len(exported) == 3
    return sorted({*WRITTEN, *named, *exported})


@pytest.mark.parametrize("path", written())
def test_git_ignores_what_the_projects_own_commands_write(path: str) -> None:
    done = subprocess.run(["git", "-C", str(ROOT), "check-ignore", "--quiet", "--no-index", path], check=False)
    assert done.returncode == 0, f"add {path} to .gitignore"


def test_nothing_that_git_tracks_is_ignored() -> None:
    listed = ["git", "-C", str(ROOT), "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(listed, capture_output=True, check=True).stdout == b""
