"""docs/check-project.md names every check of `check-project` and of `deploy-model doctor`, and no other."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.check import catalog
from deploy.doctor import catalog as doctor

PAGE = Path(__file__).parents[3] / "docs" / "check-project.md"


@pytest.mark.parametrize(("number", "checks"), [(1, catalog.CHECKS), (2, doctor.CHECKS)])
def test_the_table_of_checks_is_the_truth(number: int, checks: Mapping[str, tuple[Any, ...]]) -> None:
    table = PAGE.read_text().split("| what | checks |\n|---|---|\n")[number].partition("\n\n")[0]
    documented = {}
    for line in table.splitlines():
        kind, named = line.strip("| ").split(" | ")
        documented[kind] = [re.match(r"`(\w+)`", part).group(1) for part in named.split("; ")]
    assert documented == {kind.rpartition("::")[2]: [one.name for one in of_type] for kind, of_type in checks.items()}
