"""Which files a buildspec selects: its patterns over a folder. Pure except for listing the folder.

``*`` matches any characters within one name, ``**/`` any folders, ``?`` one character; as in CodeBuild, a pattern is
relative to the base directory, which may contain wildcards itself.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from localaws.services.codebuild.buildspec import FileSet


class NothingFound(Exception):
    """No file or folder matches; the text names the pattern."""


def select(files: FileSet, source: Path) -> dict[str, Path]:
    """Return the files of a set by their path in the artifact.

    Raises
    ------
    NothingFound
    """
    chosen: dict[str, Path] = {}
    for base in _bases(files.base_directory, source):
        for relative in sorted(_files(base)):
            if matches(relative, files.files) and not matches(relative, files.exclude_paths):
                name = relative.rpartition("/")[2] if files.discard_paths else relative
                chosen[name] = base / relative
    if not chosen:
        raise NothingFound(f"no matching artifact paths found: {', '.join(files.files)}")
    return chosen


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether a path matches one of the patterns."""
    return any(re.fullmatch(_regular(pattern), path) for pattern in patterns)


def _bases(base_directory: str, source: Path) -> list[Path]:
    if not base_directory or base_directory == ".":
        return [source]
    wanted = base_directory.removeprefix("./").strip("/")
    root = source.resolve()
    direct = (source / wanted).resolve()
    if direct.is_dir() and direct.is_relative_to(root):
        return [direct]
    found = [path for path in source.rglob("*") if path.is_dir() and matches(str(path.relative_to(source)), [wanted])]
    if not found:
        raise NothingFound(f"no matching base directory path found for {base_directory}")
    return sorted(found)


def _files(base: Path) -> Iterator[str]:
    root = base.resolve()
    for folder, _, names in os.walk(base):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path.relative_to(base).as_posix()


def _regular(pattern: str) -> str:
    """Translate a pattern to a regular expression; ``folder/**`` and ``folder/**/*`` match everything below it."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.removeprefix("./"))
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(part, re.escape(part)) for part in parts)
