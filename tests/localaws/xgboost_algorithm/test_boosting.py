"""Training in this process: the best round is kept, folds have a model each."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xgboost
from sagemaker_xgboost_container.algorithm import checkpoints, job, xgboost_module
from sagemaker_xgboost_container.algorithm.errors import AlgorithmError, ClientError

from localaws.images.definition import CONTAINERS


def trained(folder: Path, hyperparameters: dict[str, str], rows: np.ndarray, unseen: np.ndarray | None = None) -> Path:
    """The model's folder of a training on these rows, the label first."""
    for name, values in (("train", rows), ("validation", unseen)):
        if values is not None:
            (folder / "input/data" / name).mkdir(parents=True)
            np.savetxt(folder / "input/data" / name / "rows.csv", values, delimiter=",")
    channels = {path.name: {"ContentType": "csv"} for path in (folder / "input/data").iterdir()}
    (folder / "input/config").mkdir(parents=True, exist_ok=True)
    for name, content in (("hyperparameters", hyperparameters), ("inputdataconfig", channels)):
        (folder / "input/config" / f"{name}.json").write_text(json.dumps(content))
    job.run(job.Job.of(folder))
    return folder / "model"


def examples(n_rows: int, seed: int, *, classes: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_rows, 3))
    labels = features.sum(axis=1) + generator.normal(size=n_rows)
    if classes:
        labels = np.digitize(labels, np.linspace(-1, 1, classes - 1))
    return np.column_stack([labels, features])


@pytest.mark.parametrize("metric", ["rmse", "r2", None])
def test_early_stopping_keeps_the_best_round(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metric: str | None
) -> None:
    texts = {"num_round": "200", "early_stopping_rounds": "3", **({"eval_metric": metric} if metric else {})}
    model = trained(tmp_path, texts, examples(200, 1), examples(200, 2))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    scores = [float(line.rpartition(":")[2]) for line in lines]
    best = int(np.argmax(scores) if metric == "r2" else np.argmin(scores))
    assert len(lines) == best + 4 < 200
    booster = xgboost.Booster(model_file=bytearray((model / "xgboost-model").read_bytes()))
    assert booster.num_boosted_rounds() == best + 1


def test_rounds_after_a_checkpoint_are_those_of_a_training_without(tmp_path: Path) -> None:
    rows, boosters = examples(200, 1), []
    for folder, place, num_round in (("first", "shared", 4), ("again", "shared", 9), ("whole", "own", 9)):
        job_folder = tmp_path / folder
        (job_folder / "input/config").mkdir(parents=True)
        config = {"LocalPath": str(tmp_path / place)}
        (job_folder / "input/config/checkpointconfig.json").write_text(json.dumps(config))
        model = trained(job_folder, {"num_round": str(num_round)}, rows)
        boosters.append(xgboost.Booster(model_file=bytearray((model / "xgboost-model").read_bytes())))
    names = sorted(path.name for path in (tmp_path / "shared").iterdir())
    assert names == [f"xgboost-checkpoint.{number}" for number in (4, 5, 6, 7, 8)]
    _, again, whole = boosters
    assert again.num_boosted_rounds() == whole.num_boosted_rounds() == 9
    matrix = xgboost.DMatrix(rows[:, 1:])
    assert again.predict(matrix) == pytest.approx(whole.predict(matrix), abs=1e-4)


def test_a_checkpoint_that_is_none_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "xgboost-checkpoint.7").write_bytes(b"half a file")
    assert checkpoints.latest(xgboost, tmp_path) == (None, 0)
    assert "xgboost-checkpoint.7 cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "multi:softprob"])
def test_each_fold_has_a_model_and_each_row_a_prediction(tmp_path: Path, objective: str) -> None:
    classes = {"reg:squarederror": 0, "binary:logistic": 2, "multi:softprob": 3}[objective]
    texts = {"num_round": "3", "_kfold": "3", "_num_cv_round": "2", "objective": objective}
    model = trained(tmp_path, texts | ({"num_class": "3"} if classes == 3 else {}), examples(90, 1, classes=classes))
    assert sorted(path.name for path in model.iterdir()) == [f"xgboost-model-{fold}" for fold in range(6)]
    predictions = np.loadtxt(tmp_path / "output/data/predictions.csv", delimiter=",")
    assert predictions.shape == (90, 3 if classes else 2)
    assert predictions[:, 0] == pytest.approx(examples(90, 1, classes=classes)[:, 0], abs=1e-5)


def test_what_xgboost_says_of_the_users_data_is_the_users_to_change(tmp_path: Path) -> None:
    texts = {"num_round": "1", "objective": "multi:softmax", "num_class": "2"}
    with pytest.raises(ClientError, match=r"label must be .* \[0, num_class\)"):
        trained(tmp_path, texts, examples(20, 1, classes=4))


def test_any_other_error_of_xgboost_is_the_algorithms(tmp_path: Path) -> None:
    with pytest.raises(AlgorithmError, match="XGB train call failed with exception") as failure:
        trained(tmp_path, {"num_round": "1", "tree_method": "gpu_hist"}, examples(20, 1))
    assert not isinstance(failure.value, ClientError)
    assert "Stack trace" not in str(failure.value)


def test_without_xgboost_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(ClientError, match=r"pip install 'model-road\[xgboost\]', or .* local-aws images install"):
        xgboost_module.load()


def test_xgboost_is_loaded_without_what_takes_seconds() -> None:
    code = "from sagemaker_xgboost_container.algorithm import job, xgboost_module as m; m.load(); import sys, sklearn"
    environment = {"PYTHONPATH": str(CONTAINERS), "PATH": "/usr/bin:/bin"}
    told = "; print('pandas' in sys.modules, 'sklearn' in sys.modules)"
    before = code.replace(", sklearn", "") + told
    done = subprocess.run([sys.executable, "-c", before], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
