"""What the scripts that models share do for a classifier: a drawn test set, labels, and what is measured of them."""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import classification_report

from pipelines import code
from pipelines.iris.pipeline import ROAD

sys.path.insert(0, str(Path(__file__).parents[3] / "pipelines" / "containers"))
import multiclass

_STAGED = tempfile.TemporaryDirectory(prefix="scripts-")  # as they lie in the container
SCRIPTS = Path(_STAGED.name)
code.write(SCRIPTS, ROAD.preprocessing_code() | ROAD.training_code() | ROAD.evaluation_code())

COLUMNS = ("--feature-columns", ROAD.feature_columns, "--target-column", "species", "--labels")


def run(script: str, *arguments: object, expect: int = 0) -> str:
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert done.returncode == expect, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def data() -> bytes:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.iris.sample_data"], capture_output=True, check=True, timeout=60
    ).stdout


def split(folder: Path, data: bytes, *arguments: object, expect: int = 0) -> Path:
    code.write(folder / "data", {"iris.csv": data})
    (folder / "message").mkdir()
    where = ("--input-dir", folder / "data", "--output-dir", folder, "--message-file", folder / "message" / "message")
    run("preprocess.py", *where, *COLUMNS, *arguments, expect=expect)
    return folder


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_drawn_test_set_is_repeated_by_its_seed_and_mixes_what_is_sorted(data: bytes, tmp_path: Path) -> None:
    drawn = [
        split(tmp_path / str(n), data, "--test-rows", 30, "--random-state", seed) for n, seed in enumerate((0, 0, 1))
    ]
    one, again, other = [lines(folder / "test" / "test.csv") for folder in drawn]
    assert one == again != other
    species = Counter(line.rpartition(",")[2] for line in one[1:])
    assert len(species) == 3
    assert min(species.values()) >= 5
    train = lines(drawn[0] / "train" / "train.csv")
    assert train[0] == one[0]
    assert Counter(train[1:]) + Counter(one[1:]) == Counter(data.decode().splitlines()[1:])


def test_without_a_seed_it_is_the_last_rows(data: bytes, tmp_path: Path) -> None:
    folder = split(tmp_path, data, "--test-rows", 2)
    assert lines(folder / "test" / "test.csv")[1:] == data.decode().splitlines()[-2:]


def test_a_row_without_a_label_is_named(data: bytes, tmp_path: Path) -> None:
    split(tmp_path, data.replace(b"setosa", b" ", 1), expect=1)
    message = (tmp_path / "message" / "message").read_text()
    assert "iris.csv, row 2, column 'species': the cell is empty" in message


def test_a_label_with_a_comma_survives_the_whole_road(data: bytes, tmp_path: Path) -> None:
    folder = split(tmp_path, data.replace(b"setosa", b'"setosa, the ""small"""'), "--random-state", 0)
    (folder / "ml" / "input" / "data").mkdir(parents=True)
    (folder / "train").rename(folder / "ml" / "input" / "data" / "train")
    said = run("train.py", "--prefix", folder / "ml")
    assert 'setosa, the "small"' in said
    assert "train:accuracy=0." in said
    (folder / "packed").mkdir()
    with tarfile.open(folder / "packed" / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "ml" / "model", ".")
    where = ("--model-dir", folder / "packed", "--test-dir", folder / "test", "--output-dir", folder / "evaluation")
    run("evaluate.py", *where, "--target-column", "species", "--problem", "multiclass")
    report = json.loads((folder / "evaluation" / "evaluation.json").read_text())["multiclass_classification_metrics"]
    assert 'setosa, the "small"' in report["confusion_matrix"]
    assert report["accuracy"]["value"] > 0.85
    assert (folder / "evaluation" / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/code'); import inference as i; m = i.model_fn(sys.argv[1])\n"
        "rows = i.input_fn(b'5.1,3.5,1.4,0.2\\n6.5,3.0,5.6,2.1\\n', 'text/csv')\n"
        "for accept in ('text/csv', 'application/json', 'application/jsonlines'):\n"
        "    print(i.output_fn(i.predict_fn(rows, m), accept)[0].rstrip())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, folder / "ml" / "model"], capture_output=True, text=True, check=True, cwd="/"
    ).stdout.splitlines()
    assert shown == [
        '"setosa, the ""small"""',
        "virginica",
        '{"predictions": ["setosa, the \\"small\\"", "virginica"]}',
        '{"prediction": "setosa, the \\"small\\""}',
        '{"prediction": "virginica"}',
    ]


def test_the_metrics_are_scikit_learns_weighted_averages() -> None:
    generator = np.random.default_rng(0)
    y, predicted = generator.choice(["a", "b", "c"], (2, 200))
    expected = classification_report(y, predicted, output_dict=True)
    found = {name: metric(y, predicted) for name, metric in multiclass.METRICS.items()}
    assert found["accuracy"] == expected["accuracy"]
    for name, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
        assert found[f"weighted_{name}"] == pytest.approx(expected["weighted avg"][theirs])
    assert sum(sum(row.values()) for row in multiclass.counts(y, predicted)["confusion_matrix"].values()) == 200


def test_a_wrong_hyperparameter_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    code.write(tmp_path / "input" / "data" / "train", {"train.csv": data})
    for option, reason in (("strong", "expected a number above 0"), ("-1", "'C' parameter of LogisticRegression must")):
        run("train.py", "--prefix", tmp_path, "--C", option, expect=1)
        assert reason in (tmp_path / "output" / "failure").read_text()
