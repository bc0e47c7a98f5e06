"""``serving check``: each mistake is found before SageMaker finds it."""

import subprocess
import sys
import tarfile

import pytest

from tests.serving.conftest import environment, write_files

SCRIPT = """
class Model:
    n_features_in_ = 2
    def predict(self, rows):
        return rows.sum(axis=1)
def model_fn(d):
    return Model()
"""


def check(path, *options):
    return subprocess.run(
        [sys.executable, "-m", "serving", "check", str(path), *map(str, options)],
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )


def packed(folder, files, prefix="."):
    write_files(folder / "m", files)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "m", prefix)
    return folder / "model.tar.gz"


def test_a_good_model_is_tried_with_a_row_of_zeros(tmp_path):
    run = check(packed(tmp_path, {"code/inference.py": SCRIPT}))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "a Model in" in run.stdout
    assert '[[0.0,0.0]] gives {"predictions":[0.0]} as application/json' in run.stdout
    assert "median of 100" in run.stdout


def test_a_sample_of_ones_own(tmp_path):
    sample = tmp_path / "rows.csv"
    sample.write_text("1,2\n3,4\n")
    model = packed(tmp_path, {"code/inference.py": SCRIPT})
    run = check(model, "--sample", sample, "--content-type", "text/csv", "--accept", "text/csv")
    assert "gives 3.0\n7.0 as text/csv" in run.stdout
    assert check(model, "--sample", sample).returncode == 1  # it is not JSON
    assert check(model, "--sample", tmp_path / "none").returncode == 2


@pytest.mark.parametrize(
    ("files", "prefix", "sentence"),
    [
        ({"code/inference.py": SCRIPT}, "model", "Everything lies in one folder, model/"),
        ({"inference.py": SCRIPT}, ".", "lies at the top"),
        ({"weights": ""}, ".", "No model_fn is defined"),
        ({"code/inference.py": "import nothing_of_that_name"}, ".", "nothing_of_that_name"),
        ({"code/inference.py": "def model_fn(d): return open(d + '/none')"}, ".", "model_fn failed"),
        ({"code/inference.py": SCRIPT + "def predict_fn(d, m): return 1 / 0"}, ".", "ZeroDivisionError"),
        ({"code/inference.py": SCRIPT + "def output_fn(p, accept): return 1"}, ".", "output_fn returned a int"),
    ],
)
def test_a_mistake_is_named_with_exit_code_1(tmp_path, files, prefix, sentence):
    run = check(packed(tmp_path, files, prefix))
    assert (run.returncode, sentence in run.stdout, "Traceback" in run.stderr) == (1, True, False)


def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(__file__, "../outside.py")
    run = check(tmp_path / "model.tar.gz")
    assert (run.returncode, "cannot be unpacked" in run.stdout) == (1, True)
    assert not (tmp_path.parent / "outside.py").exists()


def test_what_is_no_archive_or_not_there(tmp_path):
    (tmp_path / "model.tar.gz").write_text("text")
    assert "cannot be unpacked" in check(tmp_path / "model.tar.gz").stdout
    missing = check(tmp_path / "other.tar.gz")
    assert (missing.returncode, "other.tar.gz" in missing.stderr) == (2, True)


def test_a_model_that_does_not_tell_its_width_needs_a_sample(tmp_path):
    run = check(packed(tmp_path, {"code/inference.py": "def model_fn(d):\n    return len\n"}))
    assert (run.returncode, "--sample FILE" in run.stdout) == (0, True)
