"""What looks like a secret in files that are about to leave the working copy, by the rules of detect-secrets.

Keys that open an account are looked for in every file. What only may be a secret, a word after ``password =`` or a text
without pattern, is looked for in files that are new, and in those that are no source code, such as ``.env``: in code
these rules take hashes and names for secrets. A line with ``pragma: allowlist secret`` is passed over, as by the tool.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A file this large is no code, and no secret either.
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Found:
    """What looks like a secret, and where."""

    name: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line} ({self.kind})"


def scan(files: Mapping[str, Path], new: frozenset[str]) -> Iterator[Found]:
    """Yield what looks like a secret.

    Parameters
    ----------
    files : mapping of str to Path
        By the name that is shown.
    new : frozenset of str
        The names of those that git does not track.
    """
    # 0.2 s, for two commands of twenty.
    from detect_secrets.core.scan import scan_file  # noqa: PLC0415
    from detect_secrets.plugins.aws import AWSKeyDetector  # noqa: PLC0415
    from detect_secrets.plugins.private_key import PrivateKeyDetector  # noqa: PLC0415
    from detect_secrets.settings import default_settings  # noqa: PLC0415

    keys = (AWSKeyDetector(), PrivateKeyDetector())
    patterns = [pattern for detector in keys for pattern in detector.denylist]
    kinds = {detector.secret_type for detector in keys}
    with default_settings():
        for name, path in files.items():
            if path.stat().st_size > _MOST_BYTES:
                continue
            guess = name in new or not _is_source(name)
            if guess or any(pattern.search(path.read_text(errors="replace")) for pattern in patterns):
                found: list[Any] = list(scan_file(str(path)))
                lines = {(each.line_number, each.type) for each in found if guess or each.type in kinds}
                yield from (Found(name, line, kind) for line, kind in sorted(lines))


def _is_source(name: str) -> bool:
    from detect_secrets.util.filetype import FileType, determine_file_type  # noqa: PLC0415

    others = (FileType.OTHER, FileType.CONFIG, FileType.INI, FileType.PROPERTIES)
    return name.endswith((".md", ".txt", ".json", ".svg")) or determine_file_type(name) not in others
