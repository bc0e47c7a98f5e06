"""How much memory the processes of a container use.

Resident pages, of which those that several processes share count once. A limit on the address space would end
programs that reserve much and use little, as PyTorch does, and not every user may create a control group.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PSS = re.compile(r"^Pss:\s+([0-9]+) kB", re.MULTILINE)


def uses_more_than(pid: int, limit: int) -> bool:
    """Return whether a process and its descendants use more memory than a limit in bytes.

    The sum of resident pages is quick to read; the exact figure is looked up only if that sum is above the limit.
    """
    return sum(map(_resident, family(pid))) > limit and used_bytes(pid) > limit


def used_bytes(pid: int) -> int:
    """Return how many bytes of memory a process and its descendants use."""
    return sum(map(_proportional, family(pid)))


def family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(children).split():
            yield from family(int(child))


def _resident(pid: int) -> int:
    words = _read(Path(f"/proc/{pid}/statm")).split()
    return int(words[1]) * _PAGE_BYTES if words else 0


def _proportional(pid: int) -> int:
    found = _PSS.search(_read(Path(f"/proc/{pid}/smaps_rollup")))
    return int(found[1]) * 1024 if found else _resident(pid)


def _read(path: Path) -> str:
    """Read a file of /proc; return an empty string if its process has ended."""
    try:
        return path.read_text()
    except OSError:
        return ""
