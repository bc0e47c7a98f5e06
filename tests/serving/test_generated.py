"""Bodies that nobody would send on purpose: refused by a sentence, never a failure, whoever reads them."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.errors import RequestError
from serving.media import IMAGES, parse_accept, parse_content_type
from serving.model import Answer, Model
from serving.script import Script

TYPES = ["application/json", "application/jsonlines", "text/csv", "application/x-npy", *IMAGES, "text/plain"]
NUMBERS = st.floats() | st.integers() | st.just(10**400) | st.booleans() | st.none() | st.text(max_size=5)
JSON = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner))
WRITTEN = JSON.map(json.dumps) | JSON.map(lambda data: json.dumps({"x": data}))
LINES = st.lists(st.lists(NUMBERS.map(str), max_size=4).map(",".join), max_size=5).map("\n".join)
NASTY = st.sampled_from(
    [
        "[" * 10_000,
        "[" * 10_000 + "]" * 10_000,
        '{"x":' * 10_000 + "1" + "}" * 10_000,
        "[[1e999]]",
        "[[" + "9" * 5000 + "]]",
        '{"x": [[1]], "x": [[2]]}',
        '"\\ud800"',
        "[[\x00]]",
        "\ufeff[[1]]",
        "1,2\n\x00,3",
        "\n\n\n",
        ",,,\n,,,",
        "1_0,2",
        "0x10",
        "nan,inf",
        '"1","2"',
        "[[NaN]]",
        "[[-Infinity]]",
    ]
)
BODIES = st.binary(max_size=60) | (WRITTEN | LINES | NASTY).map(lambda text: text.encode("utf-8", "surrogatepass"))
HEADERS = st.text(st.characters(max_codepoint=255), max_size=40)
PARAMETERS = st.sampled_from(["", "; charset=utf-16", "; charset=idna", "; charset=utf-7", "; header=present"])

relaxed = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


class Sum:
    n_features_in_ = 1

    def predict(self, rows):
        return np.asarray(rows, dtype=np.float64).sum(axis=tuple(range(1, np.ndim(rows))))


@functools.cache
def defaults() -> Model:
    return Model(lambda rows: rows.reshape(len(rows), -1).sum(axis=1), Script())


@functools.cache
def linear_regression() -> Model:
    """The sample's functions, looked for only here: the other tests go on where the sample is gone."""
    # As it lies in the container, beside its siblings.
    for folder in ("containers", "lr"):
        sys.path.insert(0, str(Path(__file__).parents[2] / "pipelines" / folder))
    import inference  # noqa: PLC0415

    names = ("input_fn", "predict_fn", "output_fn")
    return Model(Sum(), Script(**{name: getattr(inference, name) for name in names}))


@pytest.mark.parametrize("made", [defaults, linear_regression])
@relaxed
@given(body=BODIES, name=st.sampled_from(TYPES), parameters=PARAMETERS, accept=st.sampled_from(["", *TYPES[:4]]))
def test_a_body_is_answered_or_refused(made, body, name, parameters, accept):
    try:
        answer = made().invoke(body, parse_content_type(name + parameters), parse_accept(accept))
    except RequestError as refusal:
        assert str(refusal)
        assert 400 <= refusal.status < 500
    else:
        assert isinstance(answer, Answer)


@relaxed
@given(header=HEADERS)
def test_a_header_is_read_or_refused(header):
    for parse in (parse_content_type, parse_accept, lambda text: parse_content_type(f"text/csv; charset={text}")):
        try:
            parse(header)
        except RequestError as refusal:
            assert 400 <= refusal.status < 500


def test_generated_requests_on_the_wire():
    fuzz = [sys.executable, "-m", "benchmarks.serving_fuzz", "--requests", "4000", "--seed", "7"]
    run = subprocess.run(fuzz, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "HTTP/1.1 200 OK" in run.stdout
