"""The whole files that pages show."""

import re
from pathlib import Path

_FILE = re.compile(r"^`([\w/]+\.py)`[^\n]*:\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def write_files(page: Path, folder: Path) -> list[Path]:
    """Write the files that a page shows into a folder; their paths."""
    written = []
    for name, content in _FILE.findall(page.read_text()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        written.append(path)
    return written
