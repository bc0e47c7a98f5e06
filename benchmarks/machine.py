"""The machine that a benchmark ran on, in one line: without it the figures mean nothing."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def description(*distributions: str) -> str:
    """Return processor, cores, memory, Python and the versions of the named distributions."""
    parts = [f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB", f"Python {platform.python_version()}"]
    return ", ".join([*parts, *(f"{name} {version(name)}" for name in distributions)])


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    pages: int = os.sysconf("SC_PHYS_PAGES")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30
