"""How the server starts, refuses to start, and stops."""

import json
import pickle
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serving.conftest import command, environment, write_model

ECHO = "def model_fn(d):\n    return lambda rows: rows.sum(axis=1)\n"
SLOW = "import time\n" + ECHO + "def predict_fn(rows, model):\n    time.sleep(0.5)\n    return model(rows)\n"


def run(model_dir, *options, **variables):
    return subprocess.run(
        command(model_dir, *options),
        check=False,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("script", "sentence", "traceback"),
    [
        ("import no_such_module\n", "cannot be imported: ModuleNotFoundError", "no_such_module"),
        ("def model_fn(:\n", "SyntaxError", "model_fn"),
        ("def model_fn(d):\n    raise OSError('weights are gone')\n", "weights are gone", "in model_fn"),
        ("import sys\nsys.exit('no licence')\n", "no licence", "sys.exit"),
        ("def model_fn(d):\n    return 3\n", "define predict_fn", None),
        ("def predict_fn(d, m):\n    return d\n", "No model_fn is defined", None),
        (
            ECHO + "def transform_fn(*a): pass\ndef input_fn(*a): pass\n",
            "transform_fn, which stands for input_fn",
            None,
        ),
    ],
)
def test_a_script_that_cannot_be_loaded_ends_the_process(tmp_path, script, sentence, traceback):
    ended = run(write_model(tmp_path / "m", script), "--port", "0")
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1
    [entry] = [json.loads(line) for line in ended.stdout.splitlines()]
    assert entry["level"] == "ERROR"
    assert (traceback is None) == ("traceback" not in entry)
    assert (traceback or "") in entry.get("traceback", "")


NO_AWS = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.mark.parametrize(
    ("options", "variables", "code", "sentence"),
    [
        ([], {"SAGEMAKER_BIND_TO_PORT": "http"}, 2, "SAGEMAKER_BIND_TO_PORT has the value 'http'"),
        ([], {"SAGEMAKER_MODEL_SERVER_TIMEOUT": "0"}, 2, "SAGEMAKER_MODEL_SERVER_TIMEOUT has the value '0'"),
        ([], {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "-1"}, 2, "SAGEMAKER_MAX_PAYLOAD_IN_MB has the value '-1'"),
        ([], {"SAGEMAKER_SUBMIT_DIRECTORY": "gs://b/source.tar.gz"}, 2, "gs://b/source.tar.gz"),
        ([], {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/source.tar.gz", **NO_AWS}, 1, "cannot be downloaded"),
        ([], {"SAGEMAKER_PROGRAM": "other.py"}, 1, "'other.py'"),
        (["--port", "99999"], {}, 2, "99999"),
        (["--model-dir", "/no/such/folder"], {}, 2, "/no/such/folder"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, options, variables, code, sentence):
    ended = run(write_model(tmp_path / "m", ECHO), *options, **variables)
    assert (ended.returncode, sentence in ended.stderr, "Traceback" in ended.stderr) == (code, True, False)


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(write_model(tmp_path / "m", ECHO), "--port", str(port))
    assert (ended.returncode, f"127.0.0.1:{port}" in ended.stderr) == (1, True)


def test_sagemakers_variables_and_the_word_serve(tmp_path):
    folder = write_model(tmp_path / "m", None)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "other.py").write_text(ECHO)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_PROGRAM": "other.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": f"file://{tmp_path}/elsewhere",
    }
    with subprocess.Popen(
        command(folder, "serve"), env=environment(**variables), stdout=subprocess.PIPE, text=True
    ) as process:
        ready = json.loads(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=60)  # its last lines are read: a closed pipe would fail its exit
    assert (ready["message"], ready["port"], process.returncode) == ("ready", port, 0)


def test_without_a_script_the_only_pickled_model_is_loaded_with_its_class_from_the_code_folder(start, tmp_path):
    folder = write_model(tmp_path / "m", None)
    (folder / "code" / "doubler.py").write_text(
        "class Doubler:\n    def predict(self, rows):\n        return 2 * rows\n"
    )
    make = f"import sys; sys.path.insert(0, {str(folder / 'code')!r}); import doubler, pickle; "
    pickled = subprocess.run(
        [sys.executable, "-c", make + "sys.stdout.buffer.write(pickle.dumps(doubler.Doubler()))"],
        capture_output=True,
        check=True,
    ).stdout
    (folder / "model.pkl").write_bytes(pickled)
    server = start(model_dir=folder)
    assert server.invoke("1,2", "text/csv", Accept="text/csv").body == b"2.0,4.0\n"


def test_two_pickled_models_are_one_too_many(tmp_path):
    folder = write_model(tmp_path / "m", None)
    for name in ("a.pkl", "b.joblib"):
        (folder / name).write_bytes(pickle.dumps(None))
    ended = run(folder, "--port", "0")
    assert (ended.returncode, "a.pkl, b.joblib" in ended.stderr) == (1, True)


def test_sigterm_answers_what_was_accepted_and_ends_with_0(start):
    server = start(SLOW)
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(server.invoke, f"[[{n}, 1]]") for n in range(3)]
        deadline = time.monotonic() + 60
        while b"serving_in_flight 3\n" not in server.request("GET", "/metrics").body:
            assert time.monotonic() < deadline
        server.process.send_signal(signal.SIGTERM)
        assert sorted(answer.result().json["predictions"][0] for answer in answers) == [1.0, 2.0, 3.0]
    assert server.process.wait(timeout=60) == 0
    with pytest.raises(ConnectionRefusedError):
        server.request("GET", "/ping")


def test_sigterm_ends_idle_connections_at_once(start):
    server = start(ECHO)
    connection = server.connect()
    connection.request("GET", "/ping")
    connection.getresponse().read()
    server.process.terminate()
    assert server.process.wait(timeout=60) == 0


def test_the_server_needs_nothing_but_its_own_libraries():
    heavy = "import sys, serving.supervisor, serving.model, serving.script; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout.split()
    assert {"localaws", "pipelines", "boto3", "sagemaker", "sklearn", "pandas"}.isdisjoint(modules)


def test_help_reads_neither_numpy_nor_uvloop():
    code = "import sys\nfrom serving.cli import main\ntry:\n    main(['--help'])\nfinally:\n    print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stdout
    assert "--model-dir" in shown
    assert {"numpy", "uvloop"}.isdisjoint(shown.split())
