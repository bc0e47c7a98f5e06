"""Which files a buildspec's patterns stand for."""

from pathlib import Path

import pytest

from localaws.services.codebuild.buildspec import FileSet
from localaws.services.codebuild.file_sets import NothingFound, select

FILES = ("a.txt", "b.yml", "out/c.txt", "out/deep/d.txt", "out/deep/e.yml")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "outside").symlink_to("/etc/hostname")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FileSet(["**/*"]), set(FILES)),
        (FileSet(["*"]), {"a.txt", "b.yml"}),
        (FileSet(["a.txt", "out/deep/d.txt"]), {"a.txt", "out/deep/d.txt"}),
        (FileSet(["./a.tx?"]), {"a.txt"}),
        (FileSet(["out/**/*"]), {"out/c.txt", "out/deep/d.txt", "out/deep/e.yml"}),
        (FileSet(["**/*.yml"]), {"b.yml", "out/deep/e.yml"}),
        (FileSet(["**/*"], base_directory="out"), {"c.txt", "deep/d.txt", "deep/e.yml"}),
        (FileSet(["*.txt"], base_directory="out/de*"), {"d.txt"}),
        (FileSet(["**/*"], exclude_paths=["out/**/*", "*.yml"]), {"a.txt"}),
        (FileSet(["out/**/*"], discard_paths=True), {"c.txt", "d.txt", "e.yml"}),
    ],
)
def test_the_files_of_a_set(files: FileSet, expected: set[str], source: Path) -> None:
    chosen = select(files, source)
    assert set(chosen) == expected
    assert all(path.is_file() for path in chosen.values())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (FileSet(["*.jar"]), r"no matching artifact paths found: \*.jar"),
        (FileSet(["**/*"], base_directory="dist"), "no matching base directory path found for dist"),
        (FileSet(["**/*"], base_directory="../.."), "no matching base directory"),
    ],
)
def test_what_is_not_there_is_named(files: FileSet, message: str, source: Path) -> None:
    with pytest.raises(NothingFound, match=message):
        select(files, source)
