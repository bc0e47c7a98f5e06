"""Every way of asking and answering, and every way of asking wrongly."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "pipelines" / "containers"))
sys.path.insert(0, str(Path(__file__).parents[3] / "pipelines" / "lr"))
from inference import input_fn, output_fn, predict_fn


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"x": [[0.3, 1], [2, -4e-3]]}', "application/json"),
        (b'{"instances": [[0.3, 1], [2, -4e-3]]}', "application/json; charset=utf-8"),
        ("[[0.3, 1], [2, -4e-3]]", "Application/JSON"),
        (b"[0.3, 1]\n\n[2, -4e-3]\n", "application/jsonlines"),
        (b'{"x": [0.3, 1]}\n{"x": [2, -4e-3]}', "application/x-jsonlines"),
        (b"0.3,1\n2,-4e-3\n", "text/csv"),
        (b"\xef\xbb\xbfage,bmi\r\n0.3, 1\r\n\r\n2,-4e-3\r\n", "text/csv; header=present"),
    ],
)
def test_reads_rows(body, content_type):
    np.testing.assert_array_equal(input_fn(body, content_type), [[0.3, 1.0], [2.0, -0.004]])


def test_reads_a_single_number():
    assert input_fn(b"0.3", "text/csv").tolist() == [[0.3]]


JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"{", JSON, "the body is not JSON"),
        (b"", JSON, "the body is not JSON"),
        (b"\xff", JSON, "the body is not UTF-8"),
        (b'{"y": [[1]]}', JSON, r"""needs the key "x".*it has \['y'\]"""),
        (b'{"x": [[1]], "instances": [[1]]}', JSON, 'needs the key "x"'),
        (b'{"x": []}', JSON, "there is no row"),
        (b'{"x": 3}', JSON, "there is no row"),
        (b'{"x": [0.3]}', JSON, r"row 1 is not a list of numbers: a row of one feature is \[0.3\]"),
        (b'{"x": [[]]}', JSON, "row 1 is not a list of numbers"),
        (b'{"x": [[1], [1, 2]]}', JSON, r"row 2 has 2 number\(s\), row 1 has 1"),
        (b'{"x": [[1], ["2"]]}', JSON, "row 2, column 1: '2' is not a number"),
        (b'{"x": [[true]]}', JSON, "row 1, column 1: True is not a number"),
        (b'{"x": [[null]]}', JSON, "row 1, column 1: None is not a number"),
        (b'{"x": [[NaN]]}', JSON, "row 1, column 1: nan is not a finite number"),
        (b'{"x": [[1e999]]}', JSON, "row 1, column 1: inf is not a finite number"),
        (b'{"x": [[1' + b"0" * 400 + b"]]}", JSON, "does not fit a float64"),
        (b"[1]\nx\n", LINES, "line 2 is not JSON"),
        (b"[1]\n3\n", LINES, "line 2 is no row"),
        (b'{"features": [1]}\n', LINES, "line 1 is no row"),
        (b"\n", LINES, "there is no row"),
        (b"", CSV, "there is no row"),
        (b"bmi\n", CSV, "there is no row"),
        (b"1,2\n1,x\n", CSV, "row 2, column 2: 'x' is not a number"),
        (b"1,2\n1,\n", CSV, "row 2, column 2: '' is not a number"),
        (b"1,2\n1\n", CSV, r"row 2 has 1 cell\(s\), row 1 has 2"),
        (b"1\nnan\n", CSV, "row 2, column 1: nan is not a finite number"),
        ("\ufffd\ufffd1\n2\n", CSV, "the body is not UTF-8"),
        (b"1", "text/plain", "content type 'text/plain' is not read here: send application/json"),
    ],
)
def test_refuses_with_a_sentence(body, content_type, message):
    with pytest.raises(ValueError, match=message):
        input_fn(body, content_type)


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json", "application/json; charset=utf-8"])
def test_writes_json_at_full_precision(accept):
    body, content_type = output_fn(np.array([0.1 + 0.2, 1e300]), accept)
    assert content_type == "application/json"
    assert json.loads(body) == {"predictions": [0.30000000000000004, 1e300]}


def test_a_prediction_that_is_not_finite_is_refused_with_its_row():
    """JSON has no Infinity: AWS's containers would write it all the same."""

    class Steep:
        def predict(self, data):
            return np.asarray(data)[:, 0] * 1e308

    assert predict_fn([[0.3], [1.0]], Steep()).tolist() == [0.3e308, 1e308]
    for value, written in ((10.0, "inf"), (-10.0, "-inf")):
        with pytest.raises(ValueError, match=f"row 2: the prediction is {written}, not a finite number"):
            predict_fn([[0.3], [value]], Steep())
    # Finite numbers, whose sum is not.
    assert predict_fn([[1.0], [1.0]], Steep()).tolist() == [1e308, 1e308]


def test_writes_json_lines():
    body, content_type = output_fn(np.array([0.1 + 0.2, 2.0]), "application/jsonlines")
    assert content_type == "application/jsonlines"
    assert [json.loads(line) for line in body.splitlines()] == [
        {"prediction": 0.30000000000000004},
        {"prediction": 2.0},
    ]


def test_writes_csv():
    assert output_fn(np.array([0.1 + 0.2, 2.0]), "text/csv") == ("0.30000000000000004\n2.0\n", "text/csv")


@pytest.mark.parametrize(
    ("accept", "written"),
    [
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("application/json;q=0.1, text/csv ; q=0.2", "text/csv"),
        ("text/html, application/xml, application/jsonlines;q=0.9, */*;q=0.8", "application/jsonlines"),
        ("text/csv;q=0, application/json", "application/json"),
        ("image/png, */*", "application/json"),
    ],
)
def test_writes_the_best_type_of_a_list(accept, written):
    """AWS's containers hand the header over as it came."""
    assert output_fn(np.array([1.0]), accept)[1] == written


def test_a_byte_order_mark_is_no_header_line():
    """AWS's containers decode `text/csv` and leave the mark in it; a line that is no number would be skipped."""
    assert input_fn("\ufeff0.3\n0.4", "text/csv").tolist() == [[0.3], [0.4]]


def test_names_the_types_it_can_write():
    with pytest.raises(ValueError, match="'image/png' is not written here: accept application/json"):
        output_fn(np.array([1.0]), "image/png")
