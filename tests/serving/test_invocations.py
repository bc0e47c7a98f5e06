"""What a caller gets: each path, each format, each refusal, over real HTTP from a real process."""

import io
import json
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from scipy import sparse

from tests.conftest import until
from tests.serving.conftest import ask, write_model

SCRIPT = """
import json
import time
import numpy as np
from helper import weights

def model_fn(model_dir):
    return weights(model_dir)

def input_fn(body, content_type):
    if not content_type.lower().startswith("application/json"):
        raise ValueError(f"{content_type} is not JSON")
    return json.loads(body)

def predict_fn(data, model):
    if "sleep" in data:
        time.sleep(data["sleep"])
    if data.get("fail") == "exit":
        raise SystemExit(3)
    if data.get("fail") == "stop":
        next(iter([]))
    if data.get("fail") == "timeout":
        raise TimeoutError("the model's own")
    if "fail" in data:
        raise KeyError("secret detail")
    return np.asarray(data["x"], dtype=float) @ model

def output_fn(prediction, accept):
    if accept.startswith("text/csv"):
        return "".join(f"{y}\\n" for y in prediction.tolist()), "text/csv; charset=utf-8"
    if accept == "application/json":
        return json.dumps({"predictions": prediction.tolist()}, allow_nan=False)
    raise ValueError(f"cannot write {accept}")
"""
HELPER = """
from pathlib import Path
import numpy as np

def weights(model_dir):
    return np.loadtxt(Path(model_dir) / "weights.txt")
"""
ROWS = '{"x": [[1, 10], [2, 20]]}'
DEFAULTS = "import numpy as np\ndef model_fn(d):\n    w = np.array([2.0, 3.0])\n    return lambda rows: rows @ w\n"


@pytest.fixture(scope="module")
def full_model(tmp_path_factory):
    folder = write_model(tmp_path_factory.mktemp("full") / "m", SCRIPT)
    (folder / "code" / "helper.py").write_text(HELPER)
    return folder


@pytest.fixture(scope="module")
def server(start, full_model):
    return start(model_dir=full_model, SAGEMAKER_MODEL_SERVER_TIMEOUT="2")


@pytest.fixture(scope="module")
def defaults(start):
    return start(DEFAULTS, SAGEMAKER_MAX_PAYLOAD_IN_MB="1")


@pytest.fixture(scope="module")
def echo(start):
    return start(ECHO)


def npz(array):
    buffer = io.BytesIO()
    sparse.save_npz(buffer, sparse.csr_matrix(array))
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_ping_and_execution_parameters(server, defaults):
    assert server.request("GET", "/ping").status == 200
    expected = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}
    assert defaults.request("GET", "/execution-parameters").json == expected


def test_the_scripts_functions_answer(server):
    reply = server.invoke(ROWS)
    assert (reply.status, reply.json) == (200, {"predictions": [32.0, 64.0]})
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8", None])
def test_content_type_parameters_and_none_at_all(server, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert server.request("POST", "/invocations", ROWS, **headers).status == 200


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv, application/json;q=0.5", "text/csv; charset=utf-8"),
        ("application/json", "application/json"),
    ],
)
def test_accept_chooses_the_answers_type(server, accept, content_type):
    reply = server.invoke(ROWS, Accept=accept)
    assert (reply.status, reply.headers["content-type"]) == (200, content_type)


ECHO = """
def model_fn(d):
    return None

def input_fn(body, content_type):
    return f"{type(body).__name__} {content_type}"

def predict_fn(data, model):
    return data

def output_fn(prediction, accept):
    return f"{prediction} | {accept}"
"""


@pytest.mark.parametrize(
    ("content_type", "accept", "given"),
    [
        ("text/csv", "text/csv", "str text/csv | text/csv"),
        ("text/csv; charset=utf-8", "*/*", "bytes text/csv; charset=utf-8 | application/json"),
        ("Application/JSON", "application/*", "bytes Application/JSON | application/*"),
        ("a/b; boundary=AaB03x", "text/csv, a/b;q=0.5", "bytes a/b; boundary=AaB03x | text/csv, a/b;q=0.5"),
        (None, "", "str application/json | application/json"),
    ],
)
def test_a_script_gets_the_headers_as_awss_containers_hand_them_over(echo, content_type, accept, given):
    """tests/toolkits holds this against AWS's own."""
    headers = {"Content-Type": content_type} if content_type else {}
    assert echo.request("POST", "/invocations", "1", Accept=accept, **headers).body.decode() == given


@pytest.mark.parametrize(
    ("status", "body", "headers", "sentence"),
    [
        (400, '{"x": [[1', {}, "Expecting"),
        (400, b'"\xff"', {}, "not utf-8 text"),
        (400, '"\\ud800"x', {}, "Extra data"),
        (400, "1,2", {"content_type": "text/csv"}, "text/csv is not JSON"),
        (400, ROWS, {"Accept": "text/csv;q=much"}, "'much'"),
        (406, ROWS, {"Accept": "text/html"}, "cannot write text/html"),
        (406, ROWS, {"Accept": "*/*;q=0"}, "refuses every type"),
        (413, b"0" * (6 * 1024 * 1024 + 1), {}, "6291456"),
        (415, ROWS, {"content_type": "application/json; charset=klingon"}, "klingon"),
    ],
)
def test_what_the_caller_did_wrong_is_a_sentence(server, status, body, headers, sentence):
    reply = server.invoke(body, **headers)
    assert reply.status == status
    assert list(reply.json) == ["error"]
    assert sentence in reply.json["error"]


def test_unknown_path_and_wrong_method(server):
    missing = server.request("GET", "/nowhere")
    assert (missing.status, "/nowhere" in missing.json["error"]) == (404, True)
    wrong = server.request("GET", "/invocations")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    assert server.request("POST", "/ping", "").status == 405


@pytest.mark.parametrize("failure", ["key", "exit", "stop", "timeout"])
def test_the_models_own_exception_is_500_without_its_text_and_logged_with_the_request_id(server, failure):
    reply = server.invoke(json.dumps({"fail": failure}), **{"X-Request-Id": f"id-{failure}"})
    assert reply.status == 500
    assert f"id-{failure}" in reply.json["error"]
    assert "secret" not in reply.json["error"]
    line = wait_for_log(server, f'"request_id": "id-{failure}"')
    assert "predict_fn" in json.loads(line)["traceback"]
    assert server.invoke(ROWS).status == 200


def test_output_that_cannot_be_written_is_500_when_the_caller_named_no_type(server):
    body = '{"x": [[NaN, 1]]}'
    assert server.invoke(body).status == 500


def test_time_out(start, full_model):
    server = start(model_dir=full_model, SAGEMAKER_MODEL_SERVER_TIMEOUT="2")
    lose_trust(server)
    started = time.monotonic()
    reply = server.invoke('{"sleep": 60, "x": [[0, 0]]}')
    assert (reply.status, "within 2 seconds" in reply.json["error"]) == (504, True)
    assert time.monotonic() - started < 60


def test_ping_is_answered_while_the_model_works_even_after_a_row_of_quick_calls(server):
    connection = server.connect()
    for _ in range(40):  # the model earns the event loop ...
        assert ask(connection, "POST", "/invocations", ROWS).status == 200
    lose_trust(server)  # ... and loses it again
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(server.invoke, '{"sleep": 1.5, "x": [[1, 1]]}')
        until(lambda: b"serving_in_flight 1\n" in ask(connection, "GET", "/metrics").body)
        assert ask(connection, "GET", "/ping").status == 200
        assert not slow.done()
        assert slow.result().json == {"predictions": [5.0]}


def test_keep_alive_serves_many_requests_over_one_connection_also_after_refusals(server):
    connection = server.connect()
    connection.connect()
    local_port = connection.sock.getsockname()
    for body, status in [(ROWS, 200), ("nonsense", 400), (b"0" * 7_000_000, 413), (ROWS, 200)]:
        assert ask(connection, "POST", "/invocations", body).status == status
        assert connection.sock.getsockname() == local_port


def test_concurrent_requests_get_their_own_answers(server):
    def many(number):
        connection = server.connect()
        for step in range(30):
            x = number * 100 + step
            reply = ask(connection, "POST", "/invocations", json.dumps({"x": [[x, 0]]}))
            assert reply.json == {"predictions": [2.0 * x]}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(many, range(8)))


def test_a_chunked_body_is_measured_too(defaults):
    chunks = (b" " * 65536 for _ in range(20))
    reply = defaults.invoke(chunks)
    assert (reply.status, "1048576" in reply.json["error"]) == (413, True)
    assert defaults.invoke(iter([b"[[1, ", b"1]]"])).json == {"predictions": [5.0]}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", "[[1, 10], [2, 20]]"),
        ("application/json", '{"instances": [[1, 10], [2, 20]]}'),
        ("application/jsonlines", '[1, 10]\n{"x": [2, 20]}\n\n'),
        ("text/csv", "1,10\r\n2,20\r\n"),
        ("text/csv", b"\xef\xbb\xbf1,10\n2,20"),
        ("text/csv; charset=utf-16", "1,10\n2,20".encode("utf-16")),
        ("text/csv; header=present", "a,b\n1,10\n2,20"),
        ("text/csv", "\na,b\n1,10\n2,20"),
        ("text/csv", '"a","b, or ""c"""\n"1","10"\n2,"20"'),
        ("text/csv", '"1.0", 10\n  \n2,20\n\n'),
        ("application/x-npy", npy(np.array([[1, 10], [2, 20]]))),
        ("application/x-npz", npz(np.array([[1, 10], [2, 20]]))),
    ],
)
def test_default_input(defaults, content_type, body):
    assert defaults.invoke(body, content_type).json == {"predictions": [32.0, 64.0]}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", b'{"predictions":[0.30000000000000004,64.0]}'),
        ("application/jsonlines", b"0.30000000000000004\n64.0\n"),
        ("text/csv", b"0.30000000000000004\n64.0\n"),
        ("application/x-npy", npy(np.array([0.1 * 3, 64.0]))),
        ("image/png, text/csv;q=0.1", b"0.30000000000000004\n64.0\n"),
    ],
)
def test_default_output_keeps_full_precision(defaults, accept, expected):
    assert defaults.invoke("[[0, 0.1], [2, 20]]", Accept=accept).body == expected


@pytest.mark.parametrize(
    ("status", "content_type", "body", "sentence"),
    [
        (400, "application/json", "[[1, 2], [3]]", "unequal length"),
        (400, "application/json", '[["1", "2"]]', "else than numbers"),
        (400, "application/json", "[[null, 2]]", "else than numbers"),
        (400, "application/json", "[1, 2]", "1 dimensions"),
        (400, "application/json", "[]", "no rows"),
        (400, "application/json", "", "not JSON"),
        (400, "application/json", "[" * 10_000, "not JSON"),
        (400, "application/jsonlines", "[1, 2]\n[3,", "Line 2"),
        (400, "text/csv; header=absent", "a,b\n1,2", "CSV"),
        (400, "text/csv", "a,1\n1,2", "cell 1 of record 1 is 'a'"),
        (400, "text/csv", "1,2\n" * 60_000 + "1\n", "Record 60001"),
        (400, "text/csv", "1,2\n" * 60_000 + "1,x\n", "cell 2 of record 60001 is 'x'"),
        (400, "text/csv", "1,2\n3", "Record 2"),
        (400, "text/csv", "1_000,2", "underscore"),
        (400, "text/csv", '"1,2\n3,4', "CSV"),
        (400, "application/x-npz", b"PK", "matrix"),
        (400, "text/csv", "", "no rows"),
        (400, "application/x-npy", b"\x93NUMPY", "array"),
        (400, "application/x-npy", pickle.dumps([1]), "array"),
        (400, "application/x-npy", npy(np.array([[1, "x"]], dtype=object)), "array"),
        (400, "image/png", b"\x89PNG", "image/png"),
        (415, "video/mp4", b"", "video/mp4"),
        (415, "text/csv; charset=zlib", "1,2", "zlib"),
        (415, "text/csv; charset=undefined", "1,2", "undefined"),
    ],
)
def test_default_input_refuses(defaults, status, content_type, body, sentence):
    reply = defaults.invoke(body, content_type)
    assert reply.status == status
    assert sentence in reply.json["error"]


@pytest.mark.parametrize("records", [2, 50_000])
@pytest.mark.parametrize("missing", ["", "NA", "n/a", " null", "nan", '""'])
def test_a_record_is_read_alike_in_a_short_and_in_a_long_body(defaults, records, missing):
    first, last = ",,\n".replace(",,", f"{missing},{missing}"), f"{missing},1\n"
    answer = defaults.invoke(first + "1,10\n" * records + last, "text/csv", Accept="text/csv").body
    assert answer.split() == [b"nan", *[b"32.0"] * records, b"nan"]


def test_default_output_refuses_a_type_it_cannot_write(defaults):
    reply = defaults.invoke("[[1, 1]]", Accept="text/html")
    assert (reply.status, "text/html" in reply.json["error"]) == (406, True)


def test_transform_fn_stands_for_all_three(start):
    server = start(
        "def model_fn(d):\n    return 2\n"
        "def transform_fn(model, body, content_type, accept):\n"
        "    return f'{model * float(body)} {content_type} {accept}'.encode(), 'text/plain'\n"
    )
    reply = server.invoke("21", "text/csv; header=absent", Accept="text/x, text/y")
    assert (reply.body, reply.headers["content-type"]) == (b"42.0 text/csv; header=absent text/x, text/y", "text/plain")
    assert server.invoke("many", "text/csv").status == 400


def test_calls_never_overlap(start):
    server = start(
        "import time\ninside = 0\nworst = 0\n"
        "def model_fn(d):\n    return None\n"
        "def transform_fn(model, body, content_type, accept):\n"
        "    global inside, worst\n"
        "    inside += 1\n    worst = max(worst, inside)\n    time.sleep(float(body))\n    inside -= 1\n"
        "    return str(worst)\n"
    )
    threads = [
        threading.Thread(target=lambda: [server.invoke(t) for t in ["0"] * 30 + ["0.01", "0"]]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.invoke("0").body == b"1"


def lose_trust(server):
    """One call too slow for the event loop: the next ones run in the thread, where /ping and the time-out hold."""
    assert server.invoke('{"sleep": 0.02, "x": [[0, 0]]}').status == 200


def wait_for_log(server, text):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in list(server.log):
            if text in line:
                return line
        time.sleep(0.01)
    raise AssertionError(f"{text} is not in the log: {server.log}")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_an_image_is_an_array_of_rgb(start, kind):
    server = start("def model_fn(d):\n    return lambda x: [*x.shape, *x[0, 0, 0].tolist()]\n")
    buffer = io.BytesIO()
    Image.new("RGBA", (4, 3), (255, 0, 0, 255)).convert("RGB").save(buffer, kind)
    height, width, red = 3, 4, 200
    shape = server.invoke(buffer.getvalue(), f"image/{kind}").json["predictions"]
    assert shape[:4] == [1, height, width, 3]
    assert shape[4] > red
    assert max(shape[5:]) < 50


def test_an_image_that_claims_to_be_huge_is_refused(defaults):
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "png")
    reply = defaults.invoke(buffer.getvalue(), "image/png")
    assert (reply.status, "20000 x 20000" in reply.json["error"]) == (400, True)


def test_a_large_csv_body_is_read_to_the_last_digit(defaults):
    rows = np.random.default_rng(0).normal(size=(20_000, 2))
    body = "\n".join(f"{a!r},{b!r}" for a, b in rows.tolist())
    answer = defaults.invoke(body, "text/csv", Accept="application/x-npy").body
    np.testing.assert_array_equal(np.load(io.BytesIO(answer)), rows @ [2.0, 3.0])
