"""What the XGBoost algorithm answers to a request, with each content type, and what it refuses and how."""

import io
import json
import os
import pickle
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from sagemaker_xgboost_container.algorithm import model_file
from sagemaker_xgboost_container.inference import boosters, invocation
from sagemaker_xgboost_container.inference.boosters import Boosters
from sagemaker_xgboost_container.inference.errors import ModelError
from sagemaker_xgboost_container.inference.wsgi import Application

FEATURES = np.random.default_rng(3).normal(size=(60, 3)).astype(np.float32)
CSV = "\n".join(",".join(map(str, row)) for row in FEATURES[:2].tolist())


def trained(objective: str = "reg:squarederror", seed: int = 1, **parameters: Any) -> Any:
    """A model of three features; its classes are 0 to 2, or 0 and 1."""
    target = FEATURES @ [1, 2, 3] + np.random.default_rng(seed).normal(size=60)
    if objective.startswith("multi"):
        target, parameters = np.digitize(target, [-1, 1]), {"num_class": 3, **parameters}
    elif objective.startswith("binary"):
        target = target > 0
    matrix = xgboost.DMatrix(FEATURES, target)
    return xgboost.train({"objective": objective, "max_depth": 2, "nthread": 1, **parameters}, matrix, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a model of a regression."""
    model_file.save(trained(), tmp_path / model_file.NAME)
    return tmp_path


def served(folder: Path, objective: str) -> Boosters:
    """The loaded model of an objective."""
    model_file.save(trained(objective), folder / model_file.NAME)
    return boosters.load(folder)


def asked(model: Boosters, body: str = CSV, content_type: str = "text/csv", accept: str = "") -> tuple[int, str, str]:
    """The status, the body and the type of an answer."""
    reply = invocation.answer(model, body.encode(), content_type, accept)
    return int(reply.status), reply.body, reply.content_type


def predicted(rows: Any = FEATURES[:2], model: Any = None) -> list[float]:
    """What xgboost itself predicts."""
    return (model or trained()).predict(xgboost.DMatrix(rows)).tolist()  # type: ignore[no-any-return]


def test_csv_is_answered_with_a_line_for_each_row_as_aws_does(folder: Path) -> None:
    first, second = predicted()
    model = boosters.load(folder)
    assert asked(model) == (200, f"{first}\n{second}\n", "text/csv")
    assert asked(model, CSV + "\r\n", "text/csv; charset=utf-8", "*/*") == (200, f"{first}\n{second}\n", "text/csv")
    assert asked(model, CSV.replace(",", "\t"), "csv")[1] == f"{first}\n{second}\n"


def test_json_is_answered_with_a_score_for_each_row(folder: Path) -> None:
    status, body, content_type = asked(boosters.load(folder), accept="application/json")
    assert (status, content_type) == (200, "application/json")
    assert json.loads(body) == {"predictions": [{"score": value} for value in predicted()]}


def test_an_empty_cell_is_a_missing_value(folder: Path) -> None:
    [expected] = predicted(np.array([[0.5, np.nan, -0.5]]))
    for body in ("0.5,,-0.5", "0.5,nan,-0.5", "0.5, ,-0.5\r\n"):
        assert asked(boosters.load(folder), body)[1] == f"{expected}\n"


def test_libsvm_has_a_label_or_none_and_is_what_a_request_without_a_type_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_XGBOOST_VERSION", "1.7-1")
    model = boosters.load(folder)
    [expected] = predicted(np.array([[0.5, np.nan, -0.5]]))
    for body in ("0:0.5 2:-0.5", "1 0:0.5 2:-0.5\n"):
        for content_type in ("text/libsvm", "text/x-libsvm", ""):
            assert asked(model, body, content_type) == (200, f"{expected}\n", "text/csv")


def test_only_the_newest_image_counts_indices_from_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {}
    for version in ("1.7-1", "3.0-5", "3.2-0"):
        monkeypatch.setenv("SAGEMAKER_XGBOOST_VERSION", version)
        answers[version] = float(asked(boosters.load(folder), "1:0.5 2:-0.5", "text/libsvm")[1])
    [as_it_is] = predicted(np.array([[np.nan, 0.5, -0.5]]))
    [one_less] = predicted(np.array([[0.5, -0.5, np.nan]]))
    assert answers == {"1.7-1": as_it_is, "3.0-5": as_it_is, "3.2-0": one_less}


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "words"),
    [
        ("", "text/csv", "", 204, ""),
        ("1,2,x", "text/csv", "", 415, "row 1 has 'x'"),
        ("1,2,3\n1,2", "text/csv", "", 415, "row 2 has 2 cells, the first has 3"),
        (" \n", "text/csv", "", 415, "no rows"),
        ("1,2,3", "text/csv;label_size=2", "", 415, "label_size must be equal to 1"),
        ("1,2,3,4", "text/csv", "", 400, "Number of columns does not match number of features"),
        ("1 a:2", "text/libsvm", "", 415, "'a:2'"),
        ("1 1:x", "text/libsvm", "", 415, "'1:x'"),
        ("[[1, 2, 3]]", "application/json", "", 415, "application/json is not an accepted ContentType"),
        ("1,2,3", "application/x-recordio-protobuf", "", 415, "not an accepted ContentType"),
        ("1,2,3", "text/csv", "image/png", 406, "image/png is not supported"),
        ("1,2,3", "text/csv", "application/jsonlines", 406, "SAGEMAKER_INFERENCE_OUTPUT"),
    ],
)
def test_what_is_refused_has_the_status_of_aws_and_says_why(
    folder: Path, body: str, content_type: str, accept: str, status: int, words: str
) -> None:
    answered = asked(boosters.load(folder), body, content_type, accept)
    assert answered[0] == status
    assert words in answered[1]
    assert "Stack" not in answered[1]


def test_a_batch_gets_a_line_for_each_row_whatever_it_accepts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_BATCH", "true")
    model = served(tmp_path, "multi:softprob")
    lines = asked(model, accept="application/json")[1].splitlines()
    assert [json.loads(line) for line in lines] == predicted(model=trained("multi:softprob"))


def test_the_probabilities_of_a_row_are_separated_by_commas(tmp_path: Path) -> None:
    lines = asked(served(tmp_path, "multi:softprob"))[1].splitlines()
    assert [[float(cell) for cell in line.split(",")] for line in lines] == predicted(model=trained("multi:softprob"))


def test_the_models_of_a_cross_validation_answer_their_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        model_file.save(trained(seed=number), tmp_path / f"xgboost-model-{number}")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    each = [predicted(model=trained(seed=number)) for number in range(3)]
    answers = [float(line) for line in asked(boosters.load(tmp_path))[1].split()]
    assert answers == pytest.approx(np.mean(each, axis=0))
    monkeypatch.setenv("SAGEMAKER_INFERENCE_ENSEMBLE", "false")
    assert [float(line) for line in asked(boosters.load(tmp_path))[1].split()] == each[0]


def test_the_models_of_a_cross_validation_vote_on_labels(tmp_path: Path) -> None:
    for number in range(3):
        model_file.save(trained("multi:softmax", seed=number), tmp_path / f"xgboost-model-{number}")
    each = np.array([predicted(FEATURES, trained("multi:softmax", seed=number)) for number in range(3)])
    voted = boosters.load(tmp_path).predict(FEATURES).tolist()
    assert voted == [max(sorted(set(column)), key=list(column).count) for column in each.T]
    assert set(voted) <= {0, 1, 2}


def test_many_models_are_answered_as_by_the_multi_model_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_MULTI_MODEL", "true")
    model, values = boosters.load(folder), predicted()
    assert asked(model) == (200, json.dumps(values), "application/json")
    assert asked(model, accept="text/csv") == (200, ",".join(map(str, values)), "text/csv")
    assert asked(model, accept="image/png")[0] == 415


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_booster_is_loaded(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "xgboost-model").write_bytes(pickle.dumps(trained(), protocol))
    model = boosters.load(tmp_path)
    assert [float(line) for line in asked(model)[1].split()] == predicted()
    assert asked(model, "1,2")[0] == 200  # without the label, as AWS counts
    status, text, _ = asked(model, "1")
    assert (status, "Feature size of inference data 1" in text) == (400, True)


class Harmful:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_anything_else_is_refused_and_runs_nothing(
    tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(pickle.dumps(Harmful(), protocol))
    with pytest.raises(ModelError, match=r"a pickle of posix\.mkdir.*SAGEMAKER_PROGRAM"):
        boosters.load(tmp_path / "model")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("content", [None, b"", b"not a model", b"{}", b"\x80\x04."])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "xgboost-model").write_bytes(content)
    with pytest.raises(ModelError, match=r"Unable to load model"):
        boosters.load(tmp_path)


def test_what_is_selected_depends_on_the_objective(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label, labels,probability,probabilities")
    model = served(tmp_path, "binary:logistic")
    for line, value in zip(
        asked(model, accept="application/jsonlines")[1].splitlines(),
        predicted(model=trained("binary:logistic")),
        strict=True,
    ):
        assert json.loads(line) == {
            "predicted_label": int(value > 0.5),
            "labels": [0, 1],
            "probability": value,
            "probabilities": [1 - value, value],
        }
    value = predicted(model=trained("binary:logistic"))[0]
    csv = asked(model)[1].splitlines()[0]
    assert csv == f'{int(value > 0.5)},"[0, 1]",{value},"[{1 - value}, {value}]"'
    assert asked(model)[1].count("\n") == 1
    monkeypatch.setenv("SAGEMAKER_BATCH", "true")
    assert asked(model)[1].count("\n") == 2


def test_what_has_no_meaning_for_an_objective_is_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_INFERENCE_OUTPUT", "predicted_score,probability")
    body = asked(served(tmp_path, "reg:squarederror"), accept="application/json")[1]
    first = json.loads(body)["predictions"][0]
    assert first["predicted_score"] == predicted()[0]
    assert np.isnan(first["probability"])
    assert asked(served(tmp_path, "multi:softprob"), accept="text/csv")[1].startswith("nan,0.")


def test_an_objective_without_selectable_inference_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_INFERENCE_OUTPUT", "predicted_score")
    status, text, _ = asked(served(tmp_path, "reg:pseudohubererror"))
    assert status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert text == "Objective `reg:pseudohubererror` unsupported for selectable inference predictions."


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        ("binary:logitraw", ["predicted_label", "labels", "raw_score", "raw_scores"]),
        ("binary:hinge", ["predicted_label", "labels", "raw_score", "raw_scores"]),
        ("multi:softmax", ["predicted_label", "labels", "raw_score", "raw_scores"]),
        ("multi:softprob", ["predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores"]),
    ],
)
def test_every_name_of_an_objective_has_a_value(
    tmp_path: Path, objective: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_INFERENCE_OUTPUT", ",".join(names))
    body = asked(served(tmp_path, objective), accept="application/json")[1]
    for row in json.loads(body)["predictions"]:
        assert list(row) == names
        assert "NaN" not in json.dumps(row)
        assert row["predicted_label"] in row["labels"]


def test_without_xgboost_a_model_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(ModelError, match=r"has no xgboost.*pip install 'model-road\[xgboost\]'"):
        boosters.load(folder)


def test_the_server_of_an_image_answers_alike(folder: Path) -> None:
    served = Application(folder)
    assert over_http(served, "GET", "/ping") == ("200 OK", b"")
    status, body = over_http(served, "POST", "/invocations", CSV.encode(), CONTENT_TYPE="text/csv")
    assert (status, body.decode()) == ("200 OK", asked(boosters.load(folder))[1])
    assert over_http(served, "POST", "/invocations", CONTENT_TYPE="text/csv") == ("204 No Content", b"")
    assert over_http(served, "GET", "/invocations")[0] == "404 Not Found"
    assert json.loads(over_http(served, "GET", "/execution-parameters")[1])["MaxPayloadInMB"] == 6
    (folder / "xgboost-model").write_bytes(b"nothing")
    assert over_http(Application(folder), "GET", "/ping")[0] == "500 Internal Server Error"


def over_http(served: Application, method: str, path: str, body: bytes = b"", **more: str) -> tuple[str, bytes]:
    """The status line and the body of an answer."""
    statuses: list[str] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), **more}
    parts = served(environ | {"wsgi.input": io.BytesIO(body)}, lambda status, _: statuses.append(status))
    return statuses[0], b"".join(parts)
