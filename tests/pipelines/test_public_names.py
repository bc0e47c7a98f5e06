"""What a user's module imports: light, and possible on a machine that nobody has configured."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pipelines

ROOT = Path(__file__).parents[2]
PACKAGE = Path(pipelines.__file__).parent
HEAVY = ("sagemaker", "boto3", "botocore", "rich", "numpy", "pandas")
NAMES = "from pipelines import code, session, steps"
_USED = re.compile(r"(?<![/.\w])(?:pipelines\.)?(code|session|steps)\.([a-zA-Z_]+)\b(?=[(.)\]`])")


def python(source: str) -> str:
    """Run Python without a region, credentials or a file that names some; return what it prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", source], env={**environ, **nothing}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(source: str) -> set[str]:
    return set(python(f"import sys\n{source}\nprint(*sys.modules)").split())


@pytest.mark.parametrize(
    "source", [NAMES, "import pipelines.lr.pipeline", "import pipelines.lr.pipeline_batch", "import pipelines.module"]
)
def test_neither_a_region_nor_anything_heavy_is_needed_to_import_them(source: str):
    assert {name.partition(".")[0] for name in loaded_by(source)} & set(HEAVY) == set()


def test_little_else_is_imported():
    # What takes the time, whatever the machine is busy with: the SDK alone imports more than 2,000 modules.
    assert len(loaded_by(NAMES) - loaded_by("")) < 150


def test_the_names_that_the_documentation_uses_are_there():
    pages = (ROOT / "README.md", ROOT / "docs" / "your-model.md", PACKAGE / "lr" / "pipeline.py")
    used = set(_USED.findall("".join(page.read_text() for page in pages)))
    assert len(used) > 10
    region = "import os; os.environ['AWS_DEFAULT_REGION'] = 'eu-west-1'"
    missing = python(f"{region}\n{NAMES}\nprint([each for each in {used} if not hasattr(globals()[each[0]], each[1])])")
    assert missing.strip() == "[]"


def test_a_name_that_is_nowhere_is_an_attribute_error():
    said = python(f"{NAMES}\nfor part in (steps, steps.sdk):\n    print(hasattr(part, 'Nothing'))")
    assert said.split() == ["False", "False"]
