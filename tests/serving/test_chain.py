"""Several models as one: what a step predicts is what the next one reads."""

import pytest

from tests.serving.conftest import refused, write_files

SCALE = """
import numpy as np
from helper import FACTOR
def model_fn(d):
    return lambda rows: rows * FACTOR
"""
PREDICT = """
from helper import FACTOR
def model_fn(d):
    return lambda rows: rows.sum(axis=1) + FACTOR
"""


def chain(folder, steps='{"steps": ["scale", "predict"]}', scale=SCALE, predict=PREDICT):
    return write_files(
        folder,
        {
            "pipeline.json": steps,
            "scale/code/inference.py": scale,
            "scale/code/helper.py": "FACTOR = 10",
            "predict/code/inference.py": predict,
            "predict/code/helper.py": "FACTOR = 0.5",
        },
    )


def test_steps_follow_each_other_each_with_its_own_helper(start, tmp_path):
    server = start(model_dir=chain(tmp_path / "m"))
    assert server.invoke("1,2\n3,4\n", "text/csv").json == {"predictions": [30.5, 70.5]}


def test_a_step_that_reads_for_itself_gets_bytes(start, tmp_path):
    reads = PREDICT + (
        "import json, numpy as np\n"
        "def input_fn(body, content_type):\n"
        "    assert (type(body), content_type) == (str, 'application/json'), (body, content_type)\n"
        "    return np.array(json.loads(body)['predictions'])\n"
    )
    server = start(model_dir=chain(tmp_path / "m", predict=reads))
    assert server.invoke("1,2\n", "text/csv").json == {"predictions": [30.5]}


def test_a_step_that_writes_for_itself_says_in_which_type(start, tmp_path):
    writes = SCALE + "def output_fn(p, accept):\n    return '\\n'.join(str(r[0]) for r in p), 'text/csv'\n"
    server = start(model_dir=chain(tmp_path / "m", scale=writes))
    assert server.invoke("1,2\n3,4\n", "text/csv").json == {"predictions": [10.5, 30.5]}


def test_what_the_first_step_refuses_is_refused(start, tmp_path):
    server = start(model_dir=chain(tmp_path / "m"))
    assert server.invoke("1,x\n", "text/csv").status == 400


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"steps": "{"}, "is not JSON"),
        ({"steps": '["scale"]'}, "must name the steps"),
        ({"steps": '{"steps": []}'}, "must name the steps"),
        ({"steps": '{"steps": ["scale", "other"]}'}, "the step 'other'"),
        ({"steps": '{"steps": ["../m/scale"]}'}, "the step '../m/scale'"),
        ({"predict": "import nothing_of_that_name"}, "cannot be imported"),
        ({"scale": "def model_fn(d): return 1\ndef transform_fn(*a): return b''"}, "transform_fn"),
    ],
)
def test_what_is_no_chain_is_named(tmp_path, changes, sentence):
    assert sentence in refused(chain(tmp_path / "m", **changes))
