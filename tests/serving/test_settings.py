"""The variables of AWS's containers: each is honoured, or refused at the start."""

import logging
import subprocess
import sys

import pytest

from serving.errors import SettingError
from serving.settings import VARIABLES, read_settings


@pytest.mark.parametrize(
    ("environ", "name", "value"),
    [
        ({"SAGEMAKER_MODEL_SERVER_WORKERS": "3", "SAGEMAKER_TS_MAX_WORKERS": "2"}, "workers", 3),
        ({"SAGEMAKER_TS_MAX_WORKERS": "2"}, "workers", 2),
        ({"SAGEMAKER_MODEL_SERVER_TIMEOUT": "9", "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "8"}, "timeout", 8),
        ({"SAGEMAKER_TS_RESPONSE_TIMEOUT": "7"}, "timeout", 7),
        ({"SAGEMAKER_STARTUP_TIMEOUT": "30"}, "startup_timeout", 30),
        ({}, "startup_timeout", None),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "10"}, "log_level", logging.DEBUG),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}, "default_accept", "text/csv"),
    ],
)
def test_a_variable_is_honoured(tmp_path, environ, name, value):
    assert getattr(read_settings(environ, str(tmp_path)), name) == value


def test_the_model_is_in_the_base_folder(tmp_path):
    (tmp_path / "model").mkdir()
    settings = read_settings({"SAGEMAKER_BASE_DIR": str(tmp_path)})
    assert (settings.model_dir, settings.code_dir) == (tmp_path / "model", tmp_path / "model" / "code")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGEMAKER_MODEL_SERVER_VMARGS", "-Xmx1g"),
        ("SAGEMAKER_FRAMEWORK_MODULE", "mine:main"),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", "loud"),
        ("SAGEMAKER_TS_MAX_WORKERS", "0"),
        ("SAGEMAKER_STARTUP_TIMEOUT", "-1"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(tmp_path, name, value):
    with pytest.raises(SettingError, match=name):
        read_settings({name: value}, str(tmp_path))


def test_help_lists_every_variable():
    answer = subprocess.run(
        [sys.executable, "-m", "serving", "-h"], capture_output=True, text=True, check=True, timeout=60
    )
    listed = answer.stdout.replace("\n", " ")
    assert [name for name in VARIABLES if name not in listed] == []


def test_the_default_accept_is_what_nobody_asked_for(start):
    server = start(
        "def model_fn(d):\n    return None\ndef input_fn(b, t):\n    return [[1.5, 2.5]]\n"
        "def predict_fn(x, m):\n    return x\n",
        SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv",
    )
    assert server.invoke("x").body == server.invoke("x", Accept="*/*").body == b"1.5,2.5\n"
    assert server.invoke("x", Accept="application/json").json == {"predictions": [[1.5, 2.5]]}


def test_a_model_that_loads_for_too_long_is_given_up(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text("import time\ndef model_fn(d):\n    time.sleep(60)\n")
    answer = subprocess.run(
        [sys.executable, "-m", "serving", "--model-dir", str(tmp_path), "--port", "0"],
        env={"SAGEMAKER_STARTUP_TIMEOUT": "1", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "not done within 1 seconds (SAGEMAKER_STARTUP_TIMEOUT)" in answer.stderr
