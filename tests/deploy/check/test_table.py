"""docs/check-project.md names every check of every type, and no other."""

import re
from pathlib import Path

from deploy.check.catalog import CHECKS

PAGE = Path(__file__).parents[3] / "docs" / "check-project.md"


def test_the_table_of_checks_is_the_truth() -> None:
    table = PAGE.read_text().partition("| what | checks |\n|---|---|\n")[2].partition("\n\n")[0]
    documented = {}
    for line in table.splitlines():
        kind, checks = line.strip("| ").split(" | ")
        documented[kind] = [re.match(r"`(\w+)`", part).group(1) for part in checks.split("; ")]
    assert documented == {kind.rpartition("::")[2]: [one.name for one in checks] for kind, checks in CHECKS.items()}
