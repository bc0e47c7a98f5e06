"""The scripts as SageMaker runs them: processes of their own, with files in and files out."""

import csv
import io
import json
import math
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from pipelines import code
from pipelines.lr.pipeline import ROAD

_STAGED = tempfile.TemporaryDirectory(prefix="scripts-")  # as they lie in the container
SCRIPTS = Path(_STAGED.name)
code.write(SCRIPTS, ROAD.preprocessing_code() | ROAD.training_code() | ROAD.evaluation_code())


def run(script, *arguments, expect=0):
    """Run Python on a script; neither the working directory nor PYTHONPATH helps it to an import."""
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
        cwd="/",
    )
    assert done.returncode == expect, done.stderr
    return done


def write_csv(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *([repr(float(cell)) for cell in row] for row in rows)]
    path.write_text("".join(",".join(line) + "\n" for line in lines))


def read_csv(path):
    with path.open() as file:
        header, *rows = csv.reader(file)
    return header, [[float(cell) for cell in row] for row in rows]


@dataclass(frozen=True)
class Job:
    """The folders of one run of the three jobs."""

    root: Path

    def preprocess(self, *arguments, expect=0):
        message = self.root / "message-dir" / "message"
        message.parent.mkdir(exist_ok=True)
        folders = ("--input-dir", self.root / "data", "--output-dir", self.root / "split")
        return run(SCRIPTS / "preprocess.py", *folders, "--message-file", message, *arguments, expect=expect)

    def train(self, hyperparameters=None, expect=0):
        (self.root / "ml" / "output").mkdir(parents=True, exist_ok=True)
        if hyperparameters is not None:
            config = self.root / "ml" / "input" / "config"
            config.mkdir(parents=True, exist_ok=True)
            (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        return run(SCRIPTS / "train.py", "--prefix", self.root / "ml", expect=expect)

    def evaluate(self, *arguments, expect=0, script=SCRIPTS / "evaluate.py"):
        (self.root / "message-dir").mkdir(exist_ok=True)
        return run(
            script,
            *("--model-dir", self.root / "artifact", "--test-dir", self.root / "split" / "test"),
            *("--output-dir", self.root / "evaluation", "--message-file", self.message),
            *arguments,
            expect=expect,
        )

    def pack(self):
        (self.root / "artifact").mkdir(exist_ok=True)
        with tarfile.open(self.root / "artifact" / "model.tar.gz", "w:gz") as archive:
            for path in self.model.iterdir():
                archive.add(path, path.name)

    def give(self, **columns):
        """Put a training set into the channel."""
        rows = list(zip(*columns.values(), strict=True))
        write_csv(self.root / "ml" / "input" / "data" / "train" / "train.csv", list(columns), rows)

    @property
    def model(self):
        return self.root / "ml" / "model"

    @property
    def message(self):
        return self.root / "message-dir" / "message"

    @property
    def failure(self):
        return (self.root / "ml" / "output" / "failure").read_text()


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path)


# All scripts, one after the other


@pytest.fixture(scope="module")
def diabetes_job(tmp_path_factory):
    """Preprocess, train, pack and evaluate scikit-learn's diabetes data."""
    job = Job(tmp_path_factory.mktemp("diabetes"))
    data = load_diabetes()
    rows = np.column_stack((data.target, data.data))
    write_csv(job.root / "data" / "diabetes.csv", ["target", *data.feature_names], rows)
    job.preprocess()
    (job.root / "ml" / "input" / "data").mkdir(parents=True)
    (job.root / "split" / "train").rename(job.root / "ml" / "input" / "data" / "train")
    log = job.train({"learning_rate": "0.1", "max_iter": "15001"}).stdout
    job.pack()
    job.evaluate()
    return job, log


def test_the_split_loses_no_digit(diabetes_job):
    job, _ = diabetes_job
    X, y = load_diabetes(return_X_y=True)
    expected = np.column_stack((X[:, 2], y)).tolist()
    train = read_csv(job.root / "ml" / "input" / "data" / "train" / "train.csv")
    assert train == (["bmi", "target"], expected[:-20])
    assert read_csv(job.root / "split" / "test" / "test.csv") == (["bmi", "target"], expected[-20:])


def test_the_packed_model_answers_as_the_mission_says(diabetes_job):
    job, _ = diabetes_job
    program = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/code'); sys.dont_write_bytecode = True\n"
        "import inference\n"
        "model = inference.model_fn(sys.argv[1])\n"
        "data = inference.input_fn(b'{\"x\": [[0.3]]}', 'application/json')\n"
        "print(*inference.output_fn(inference.predict_fn(data, model), '*/*'))"
    )
    body, content_type = run("-c", program, job.model).stdout.rsplit(maxsplit=1)
    assert content_type == "application/json"
    assert json.loads(body)["predictions"] == [pytest.approx(434.0765649977469, abs=1e-6)]


def test_the_model_folder_holds_the_code_and_nothing_else(diabetes_job):
    job, _ = diabetes_job
    files = {path.relative_to(job.model).as_posix() for path in job.model.rglob("*") if path.is_file()}
    served = ("inference.py", "linear_regression.py", "model_file.py", "rows.py", "refusals.py", "dill.zip")
    assert files == {"model.dill", *(f"code/{name}" for name in served)}
    assert {path.name for path in job.model.iterdir()} == {"model.dill", "code"}


def test_an_image_without_dill_uses_the_copy_that_travels_along(tmp_path):
    """A sitecustomize hides the installed dill, as in AWS's scikit-learn image, from training and from serving."""
    scripts, hidden = tmp_path / "code", tmp_path / "hidden"
    code.write(scripts, ROAD.training_code())
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(HIDE_DILL)
    job = Job(tmp_path)
    job.give(bmi=[0.1, 0.2, 0.3], target=[1.0, 2.0, 4.0])
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(hidden)}
    without = subprocess.run([sys.executable, "-c", "import dill"], env=environment, check=False, capture_output=True)
    assert b"No module named 'dill'" in without.stderr
    subprocess.run([sys.executable, scripts / "train.py", "--prefix", tmp_path / "ml"], env=environment, check=True)
    assert (job.model / "code" / "dill.zip").exists()
    serve = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/code')\n"
        "import inference; model = inference.model_fn(sys.argv[1]); import dill\n"
        "print(dill.__file__, model.n_features_in_)"
    )
    done = subprocess.run(
        [sys.executable, "-c", serve, job.model], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == [f"{job.model}/code/dill.zip/dill/__init__.py", "1"]


HIDE_DILL = """
import sys, zipimport

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name != "dill":
            return None
        for place in sys.path:
            if place.endswith("dill.zip"):
                return zipimport.zipimporter(place).find_spec(name)
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def test_the_log_carries_the_metrics(diabetes_job):
    _, log = diabetes_job
    mse = [float(value) for value in re.findall(r"train:mse=(\S+?);", log)]
    r2 = [float(value) for value in re.findall(r"train:r2=(\S+?);", log)]
    assert len(mse) == len(r2) == 10
    assert mse == sorted(mse, reverse=True)
    assert mse[-1] == pytest.approx(3955.0223367)
    assert "iteration=15001; " in log


def test_the_report_has_the_shape_of_model_quality_statistics(diabetes_job):
    job, _ = diabetes_job
    report = json.loads((job.root / "evaluation" / "evaluation.json").read_text())
    metrics = report["regression_metrics"]
    assert list(report) == ["regression_metrics"]
    assert set(metrics) == {"mae", "mse", "rmse", "r2"}
    assert all(set(metric) == {"value", "standard_deviation"} for metric in metrics.values())
    assert metrics["r2"]["value"] == pytest.approx(0.4723, abs=5e-5)
    assert metrics["rmse"]["value"] == pytest.approx(math.sqrt(metrics["mse"]["value"]))
    assert metrics["mae"]["value"] < metrics["rmse"]["value"]
    assert all(metric["standard_deviation"] > 0 for metric in metrics.values())


def test_the_picture_is_a_picture(diabetes_job):
    from PIL import Image  # noqa: PLC0415 -- needed here only

    job, _ = diabetes_job
    with Image.open(job.root / "evaluation" / "residuals.png") as image:
        assert image.size == (840, 540)
        assert len(set(image.convert("L").tobytes())) > 10


def test_the_report_repeats(diabetes_job):
    job, _ = diabetes_job
    before = (job.root / "evaluation" / "evaluation.json").read_bytes()
    job.evaluate()
    assert (job.root / "evaluation" / "evaluation.json").read_bytes() == before


def test_without_matplotlib_there_is_a_report_all_the_same(diabetes_job, tmp_path):
    job, _ = diabetes_job
    code.write(tmp_path, ROAD.evaluation_code())
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('no matplotlib', name='matplotlib')")
    output = tmp_path / "evaluation"
    done = job.evaluate("--output-dir", output, script=tmp_path / "evaluate.py")
    assert "no residuals.png: this image has no matplotlib" in done.stdout
    assert [path.name for path in output.iterdir()] == ["evaluation.json"]


# Preprocess


def test_many_files_make_one_table_in_name_order(job):
    write_csv(job.root / "data" / "b" / "two.csv", ["y", "b", "a"], [[30, 3.5, 3], [40, 4.5, 4]])
    write_csv(job.root / "data" / "a.CSV", ["a", "ignored", "b", "y"], [[1, 0, 1.5, 10], [2, 0, 2.5, 20]])
    (job.root / "data" / "readme.txt").write_text("not data")
    job.preprocess("--feature-columns", "b, a", "--target-column", "y", "--test-rows", "1")
    assert read_csv(job.root / "split" / "train" / "train.csv") == (
        ["b", "a", "y"],
        [[1.5, 1, 10], [2.5, 2, 20], [3.5, 3, 30]],
    )
    assert read_csv(job.root / "split" / "test" / "test.csv") == (["b", "a", "y"], [[4.5, 4, 40]])


def test_extreme_numbers_survive(job):
    numbers = [5e-324, -1.7976931348623157e308, 0.1 + 0.2, -0.0, 1e22, 123456789.12345679]
    write_csv(job.root / "data" / "x.csv", ["bmi", "target"], [[number, 1] for number in [*numbers, 0.0]])
    job.preprocess("--test-rows", "1")
    rows = read_csv(job.root / "split" / "train" / "train.csv")[1]
    assert [row[0].hex() for row in rows] == [number.hex() for number in numbers]


def test_a_byte_order_mark_quotes_and_empty_lines_are_no_fault(job):
    (job.root / "data").mkdir()
    (job.root / "data" / "x.csv").write_bytes(b'\xef\xbb\xbf"bmi", target\r\n"1", 2\r\n\r\n3,4\r\n\r\n')
    job.preprocess("--test-rows", "1")
    assert read_csv(job.root / "split" / "train" / "train.csv")[1] == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bmi,target\n1,2\nabc,4\n", "x.csv, row 3, column 'bmi': 'abc' is not a number"),
        ("bmi,target\n1,2\n\n3,NaN\n", "x.csv, row 4, column 'target': 'NaN' is not a finite number"),
        ("bmi,target\n1,-inf\n", "x.csv, row 2, column 'target': '-inf' is not a finite number"),
        ("bmi,target\n1, \n", "x.csv, row 2, column 'target': the cell is empty"),
        ("bmi,target\n1_000,2\n", "x.csv, row 2, column 'bmi': '1_000' is not a number"),
        ("bmi,target\n1\n", "x.csv, row 2 has 1 cell(s), the header 2"),
        ("bmi,target\n1,2,3\n", "x.csv, row 2 has 3 cell(s), the header 2"),
        ("age,target\n1,2\n", "x.csv, row 1: column 'bmi' is missing (the header has 'age', 'target')"),
        ("bmi,bmi,target\n1,2,3\n", "x.csv, row 1: column 'bmi' appears twice"),
        ("", "x.csv is empty"),
        ("bmi,target\n", "x.csv has a header line but no row"),
        ("bmi,target\n1,2\n3,4\n", "2 row(s), all of which are asked for the test set"),
        ('bmi,target\n"1,2\n', "x.csv is not CSV in UTF-8"),
        (b"bmi,target\n\xff,1\n", "x.csv is not CSV in UTF-8"),
        (None, "no *.csv file under"),
    ],
)
def test_preprocess_refuses_and_says_where(job, text, message):
    (job.root / "data").mkdir()
    if text is not None:
        (job.root / "data" / "x.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = job.preprocess(expect=1)
    assert message in job.message.read_text()
    assert message in done.stderr
    assert not [path for path in (job.root / "split").rglob("*") if path.is_file()]


def test_preprocess_counts_all_problems_and_names_the_first(job):
    (job.root / "data").mkdir()
    (job.root / "data" / "x.csv").write_text("bmi,target\n" + "a,b\n" * 50)
    job.preprocess(expect=1)
    message = job.message.read_text()
    assert "100 problem(s)" in message
    assert "row 4, column 'bmi'" in message
    assert "row 5" not in message
    assert message.endswith("and 95 more")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--test-rows", "0"), "'0' is not an integer of 1 or more"),
        (("--test-rows", "many"), "'many' is not an integer of 1 or more"),
        (("--feature-columns", "bmi,,s1"), "'bmi,,s1' is not a comma-separated list of different column names"),
        (("--feature-columns", "bmi,target"), "the target column 'target' is among --feature-columns"),
    ],
)
def test_preprocess_refuses_options(job, arguments, message):
    assert message in job.preprocess(*arguments, expect=1).stderr


# Train


@pytest.mark.parametrize(
    ("hyperparameters", "failure"),
    [
        ({"learning_rate": "fast"}, "'learning_rate' has the value 'fast'; expected a number above 0"),
        ({"max_iter": "1e4"}, "'max_iter' has the value '1e4'; expected an integer of 1 or more"),
        ({"max_iter": "0"}, "max_iter must be an integer of 1 or more, got 0"),
        ({"tol": "-1"}, "tol must be a number of 0 or more, got -1.0"),
        (
            {"epochs": "'; $(rm -rf /)\n"},
            r"""hyperparameter 'epochs' (value "'; $(rm -rf /)\n") is not known; known are""",
        ),
        ({"learning_rate": "5"}, "learning_rate=5.0 diverges on these data: the largest that converges is"),
        ({"target_column": "price"}, "train.csv has no column 'price'; it has 'bmi', 'target'"),
    ],
)
def test_train_says_why_it_failed(job, hyperparameters, failure):
    job.give(bmi=[1.0, 2.0, 3.0], target=[1.0, 2.0, 4.0])
    done = job.train(hyperparameters, expect=1)
    assert failure in job.failure
    assert "\n" not in job.failure
    assert "Traceback" in done.stderr
    assert not job.model.exists()


def test_train_takes_the_options_that_awss_training_toolkit_repeats_the_hyperparameters_in(job):
    job.give(bmi=[0.1, 0.2, 0.3], y=[1.0, 2.0, 4.0])
    done = run(SCRIPTS / "train.py", "--prefix", job.root / "ml", "--max_iter", "3", "--target_column", "y")
    assert "max_iter=3" in done.stdout
    assert (job.model / "model.dill").exists()


def test_train_leaves_alone_what_sagemaker_adds(job):
    job.give(bmi=[0.1, 0.2, 0.3], target=[1.0, 2.0, 4.0])
    job.train({"sagemaker_region": "eu-west-1", "_tuning_objective_metric": "train:mse", "max_iter": "3"})
    assert (job.model / "model.dill").exists()


def test_train_takes_defaults_and_any_target_column(job):
    job.give(price=[1.0, 2.0, 4.0], a=[0.1, 0.2, 0.3], b=[0.3, 0.1, 0.2])
    assert "learning_rate=0.1, max_iter=15001" in job.train({"target_column": "price"}).stdout
    assert "on 3 rows of 2 feature(s)" in job.train().stdout


def test_train_replaces_an_older_model_as_a_whole(job):
    (job.model / "code").mkdir(parents=True)
    (job.model / "code" / "old.py").write_text("")
    job.give(bmi=[0.1, 0.2, 0.3], target=[1.0, 2.0, 4.0])
    job.train()
    assert not (job.model / "code" / "old.py").exists()


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("bmi,target\n1,x\n", "train.csv holds something else than numbers"),
        ("bmi,target\n1,nan\n2,3\n", "y holds nan in row 0"),
        ("bmi,target\n", "train.csv has a header line but no row"),
        ("bmi,target\n1,2,3\n", "train.csv has 3 numbers in a row, but 2 columns"),
        (None, "no *.csv file in"),
    ],
)
def test_train_refuses_unusable_data(job, text, failure):
    channel = job.root / "ml" / "input" / "data" / "train"
    channel.mkdir(parents=True)
    if text is not None:
        (channel / "train.csv").write_text(text)
    job.train({}, expect=1)
    assert failure in job.failure


def test_train_refuses_files_that_do_not_fit_together(job):
    job.give(bmi=[1.0, 2.0], target=[1.0, 2.0])
    write_csv(job.root / "ml" / "input" / "data" / "train" / "zzz.csv", ["target", "bmi"], [[1, 2]])
    job.train({}, expect=1)
    assert "zzz.csv has the columns ['target', 'bmi'], the files before it ['bmi', 'target']" in job.failure


# Evaluate


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "test.csv has a header line but no row"),
        ([[0.1, 5], [0.2, 5]], "r2 is nan on the 2 row(s) of the test set"),
    ],
)
def test_evaluate_refuses_a_test_set_that_says_nothing(job, rows, message):
    job.give(bmi=[0.1, 0.2, 0.3], target=[1.0, 2.0, 4.0])
    job.train({})
    job.pack()
    write_csv(job.root / "split" / "test" / "test.csv", ["bmi", "target"], rows)
    job.evaluate(expect=1)
    assert message in job.message.read_text()
    assert not (job.root / "evaluation" / "evaluation.json").exists()


def test_evaluate_does_not_unpack_outside_its_folder(job):
    (job.root / "artifact").mkdir()
    with tarfile.open(job.root / "artifact" / "model.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    write_csv(job.root / "split" / "test" / "test.csv", ["bmi", "target"], [[0.1, 5], [0.2, 6]])
    job.evaluate(expect=1)
    assert "OutsideDestinationError" in job.message.read_text()


def test_a_tiny_test_set_has_no_deviation_of_r2(job):
    job.give(bmi=[0.1, 0.2, 0.3], target=[1.0, 2.0, 4.0])
    job.train({})
    job.pack()
    write_csv(job.root / "split" / "test" / "test.csv", ["bmi", "target"], [[0.1, 5], [0.2, 6]])
    job.evaluate()
    report = json.loads((job.root / "evaluation" / "evaluation.json").read_text())
    deviation = report["regression_metrics"]["r2"]["standard_deviation"]
    assert deviation == "NaN" or math.isfinite(deviation)
