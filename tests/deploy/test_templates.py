"""Every template passes all of cfn-lint's rules."""

import subprocess
import sys
from pathlib import Path

import pytest

LINT = str(Path(sys.executable).with_name("cfn-lint"))
TEMPLATES = sorted((Path(__file__).parents[2] / "deploy" / "templates").glob("*.yml"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_finds_nothing(template):
    done = subprocess.run(
        [LINT, "--include-checks", "I", "--", str(template)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_cfn_lint_would_find_something(tmp_path):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(TEMPLATES[0].read_text().replace("AWS::KMS::Key", "AWS::KMS::Lock"))
    done = subprocess.run([LINT, "--", str(wrong)], capture_output=True, text=True, check=False)
    assert "AWS::KMS::Lock" in done.stdout
