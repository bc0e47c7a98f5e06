"""The context of AWS's toolkit: which functions get it, what it says of a request, what it decides about the answer."""

import inspect

import pytest

from serving.context import ARGUMENTS, Context, takes_context
from serving.errors import StartError
from serving.script import load_script, own_modules

CUSTOM = "X-Amzn-SageMaker-Custom-Attributes"
SCRIPT = f"""
import json

seen = {{}}

def pre_model_fn(model_dir, context):
    seen["before"] = context.system_properties["model_dir"] == model_dir

def model_fn(model_dir, context):
    return {{"loaded": context.system_properties["model_dir"]}}

def model_warmup_fn(model_dir, model, context):
    model["warm"] = True

def input_fn(body, content_type, context):
    return {{"asked": context.get_request_header(0, "{CUSTOM}"), **seen}}

def predict_fn(data, model, context):
    return {{**data, **model, "type": context.request_processor[0].get_request_properties()["content-type"]}}

def output_fn(prediction, accept, context):
    if prediction["asked"] == "teapot":
        context.set_response_status(418, "I'm a teapot")
    context.set_response_header(0, "{CUSTOM}", "answered " + str(prediction["asked"]))
    return json.dumps(prediction)
"""


def test_every_function_may_take_the_context(start):
    server = start(SCRIPT)
    reply = server.invoke("[]", **{CUSTOM: "id-7"})
    assert reply.json == {
        "asked": "id-7",
        "before": True,
        "loaded": reply.json["loaded"],
        "warm": True,
        "type": "application/json",
    }
    assert reply.headers[CUSTOM.lower()] == "answered id-7"
    assert server.invoke("[]", **{CUSTOM: "id-8"}).json["asked"] == "id-8"
    assert server.invoke("[]").json["asked"] is None


def test_the_context_decides_the_status(start):
    server = start(SCRIPT)
    assert server.invoke("[]", **{CUSTOM: "teapot"}).status == 418
    assert server.invoke("[]").status == 200


def test_an_exception_of_the_toolkits_kind_is_answered_with_its_status(start):
    server = start(
        "class Refused(Exception):\n    status_code = 422\n\nclass Failed(Exception):\n    status_code = 503\n\n"
        "def model_fn(d):\n    return None\ndef input_fn(b, t):\n    return b\n"
        "def predict_fn(data, model):\n    raise (Refused if data == 'x' else Failed)('no such month')\n"
    )
    reply = server.invoke("x")
    assert (reply.status, reply.json) == (422, {"error": "no such month"})
    assert server.invoke("y").status == 500


def test_transform_fn_with_context_streams_with_its_status(start):
    server = start(
        "def model_fn(d):\n    return None\n"
        "def transform_fn(model, body, content_type, accept, context):\n"
        "    context.set_response_status(202)\n    context.set_response_header(0, 'X-Parts', '2')\n"
        "    return iter(['a', 'b'])\n"
    )
    reply = server.invoke("x")
    assert (reply.status, reply.headers["x-parts"], reply.body) == (202, "2", b"ab")


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("model_fn", "d", False),
        ("model_fn", "d, context", True),
        ("model_fn", "d, anything", True),
        ("predict_fn", "x, m, context=None", True),
        ("predict_fn", "x, m, threshold=0.5", False),
        ("predict_fn", "*arguments", False),
        ("predict_fn", "x, m, **options", False),
        ("transform_fn", "m, b, c, a, context", True),
    ],
)
def test_which_functions_take_it(name, parameters, expected):
    defined = {}
    exec(f"def function({parameters}): ...", defined)
    assert takes_context(name, defined["function"]) is expected
    assert takes_context(name, max) is False


@pytest.mark.parametrize("function", ["input_fn(body)", "output_fn(a, b, c, d)", "predict_fn(x, m, *, k)"])
def test_a_function_that_no_request_could_call_is_refused_at_the_start(tmp_path, function):
    (tmp_path / "inference.py").write_text(f"def {function}: ...\n")
    with own_modules(tmp_path), pytest.raises(StartError, match="perhaps context"):
        load_script(tmp_path, None)


def test_a_batched_predict_fn_has_no_context(tmp_path):
    (tmp_path / "inference.py").write_text("batch_size = 2\ndef predict_fn(data, model, context): ...\n")
    with own_modules(tmp_path), pytest.raises(StartError, match="batch_size"):
        load_script(tmp_path, None)


def test_batched_requests_each_have_their_context(start):
    server = start(
        "batch_size = 4\nmax_batch_delay = 50\ndef model_fn(d):\n    return None\n"
        "def input_fn(body, content_type, context):\n    return [context.get_request_header(0, 'X-N')]\n"
        "def predict_fn(data, model):\n    return data\n"
        "def output_fn(prediction, accept, context):\n"
        "    return f\"{prediction[0]} {context.get_request_header(0, 'X-N')}\"\n"
    )
    assert {server.invoke("x", **{"X-N": str(n)}).body.decode() for n in range(4)} == {f"{n} {n}" for n in range(4)}


@pytest.mark.parametrize(("key", "value"), [("X-A", "a\r\nX-B: b"), ("Content-Length", "3"), ("X-A", "\u20ac")])
def test_a_header_that_would_break_the_answer_is_refused(tmp_path, key, value):
    with pytest.raises(ValueError):
        Context(tmp_path).set_response_header(0, key, value)


@pytest.mark.parametrize("code", [100, 99, 1000])
def test_what_is_no_final_status_is_refused(tmp_path, code):
    with pytest.raises(ValueError):
        Context(tmp_path).set_response_status(code)


def test_the_arguments_are_those_of_the_documentation():
    assert set(ARGUMENTS) >= {"model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn"}
    assert list(inspect.signature(Context.get_request_header).parameters) == ["self", "idx", "key"]
