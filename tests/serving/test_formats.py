"""What a model may return, and how it is written; how CSV is read, whatever it holds."""

import csv
import datetime
import io
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import sparse

from serving import codecs
from serving.csv_records import read_csv
from serving.errors import BadRequestError, NotAcceptableError
from serving.media import parse_content_type

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ({"p": np.ones(2), "q": np.ones((1, 2))}, {"p": [1.0, 1.0], "q": [[1.0, 1.0]]}),
        ([{"score": np.float32(0.5), "n": np.int64(1), "b": np.bool_(True)}], [{"score": 0.5, "n": 1, "b": True}]),
        ((np.ones(2), np.ones((2, 1))), [[1.0, 1.0], [[1.0], [1.0]]]),
        ({np.int64(3): np.float64(0.25)}, {"3": 0.25}),
        ([{"at": MOMENT, "day": MOMENT.date()}], [{"at": "2026-01-02T03:04:05", "day": "2026-01-02"}]),
        (
            {"at": pd.Timestamp(MOMENT), "none": pd.NaT, "na": pd.NA},
            {"at": "2026-01-02T03:04:05", "none": None, "na": None},
        ),
        ([{"price": Decimal("0.1")}], [{"price": 0.1}]),
        (
            {"frame": pd.DataFrame({"a": [1], "b": [2]}), "series": pd.Series([1.5])},
            {"frame": [[1, 2]], "series": [1.5]},
        ),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), [[1.0, 2.0]]),
        (sparse.csr_matrix([[0, 1]]), [[0, 1]]),
        (np.array(["x"], dtype=object), ["x"]),
        (0.5, 0.5),
    ],
)
def test_what_python_holds_is_written_as_json(prediction, expected):
    body, name = codecs.encode(prediction, ["application/json"])
    assert (json.loads(body), name) == ({"predictions": expected}, "application/json")


@pytest.mark.parametrize("prediction", [[b"x"], [{1, 2}], [object()], np.array([1j])])
def test_what_json_has_no_form_for_is_no_answer(prediction):
    with pytest.raises(TypeError):
        codecs.encode(prediction, ["application/json"])


@pytest.mark.parametrize(
    ("prediction", "place"),
    [
        (np.array([1.0, np.nan]), r"predictions\[1\] is nan"),
        (np.array([[1.0, -np.inf]], dtype=np.float32), r"predictions\[0\]\[1\] is -inf"),
        ([{"none": None, "score": np.float32("inf")}], r"predictions\[0\]\.score is inf"),
        ({"p": Decimal("NaN")}, r"predictions\.p is NaN"),
        (pd.DataFrame({"a": [1.0, None]}), r"predictions\[1\]\[0\] is nan"),
        (float("nan"), "predictions is nan"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_where_it_is(prediction, place):
    with pytest.raises(NotAcceptableError, match=f"{place}, which JSON has no form for"):
        codecs.encode(prediction, ["application/json"])


def test_a_number_that_is_not_finite_in_a_line_and_in_csv():
    with pytest.raises(NotAcceptableError, match="The prediction in line 2 is inf, which"):
        codecs.encode(np.array([1.0, np.inf]), ["application/jsonlines"])
    assert codecs.encode(np.array([1.0, np.nan, -np.inf]), ["text/csv"])[0] == b"1.0\nnan\n-inf\n"


def test_each_sample_has_its_line():
    samples = [{"label": "a, or b", "score": np.float32(0.5)}, {"label": "c", "score": np.float32(1)}]
    lines = codecs.encode(samples, ["application/jsonlines"])[0].splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["a, or b", "c"]
    assert codecs.encode(["a, or b", 'say "c"'], ["text/csv"])[0] == b'"a, or b"\n"say ""c"""\n'


@pytest.mark.parametrize("accept", ["text/csv", "application/x-npy"])
@pytest.mark.parametrize("prediction", [{"a": 1}, [{"a": 1}], (np.ones(2), np.ones((2, 2)))])
def test_members_have_no_form_in_a_table(prediction, accept):
    with pytest.raises(NotAcceptableError, match="accept application/json"):
        codecs.encode(prediction, [accept])


CELLS = some.one_of(
    some.floats(allow_nan=False, allow_infinity=False).map(str),
    some.sampled_from(
        ["", "NA", "NaN", " 1", "1 ", "+1", "1e5", "inf", "x", "0x1", "1_0", "1,5", "a\nb", '"', "\u00b2", "\uff11"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    some.lists(some.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=5),
    some.sampled_from(["\n", "\r\n"]),
    some.sampled_from([2_000, 250_000]),
)
def test_a_long_body_is_read_as_a_short_one(records, end, length):
    """What precedes and follows a record decides nothing: neither whether it is read, nor as what."""
    short = io.StringIO()
    csv.writer(short, lineterminator=end).writerows(records)
    width = len(records[0])
    padding = (",".join(["0.5"] * width) + end) * (length // (4 * width))
    alone, among = (outcome(text) for text in (short.getvalue(), short.getvalue() + padding))
    assert isinstance(among, np.ndarray) == isinstance(alone, np.ndarray)
    if isinstance(alone, np.ndarray):
        np.testing.assert_array_equal(among[: len(alone)], alone)
        assert len(among) - len(alone) == padding.count(end)


def outcome(text):
    try:
        return read_csv(text, has_header=False)
    except BadRequestError as error:
        return str(error)


def test_json_lines_are_lines_and_not_what_unicode_calls_so():
    body = '{"x": [1, 2], "\u2028": 0}\n'.encode()
    with pytest.raises(BadRequestError, match="rows of numbers"):
        codecs.decode(body, parse_content_type("application/jsonlines"))
