"""The command line, run as a program."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localaws.errors import LocalAwsError, NotLinuxError
from localaws.settings import Ports, requested_ports, state_path
from localaws.supervision.environment import variables, variables_to_unset
from localaws.supervision.lifecycle import check_platform
from localaws.supervision.state_dir import StateDir
from tests.conftest import LOCAL_AWS, LocalAws, free_ports, local_aws_command, port_options, wait_until_gone

OwnLocalAws = Callable[[], LocalAws]


def test_help_is_useful_and_imports_nothing_heavy() -> None:
    script = """
import sys
from localaws.command.cli import main
try:
    main(["-h"])
except SystemExit as exit:
    assert exit.code == 0
print([name for name in ("asyncio", "boto3", "http.client", "ministack", "uvicorn") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 'eval "$(local-aws env)"' in done.stdout
    assert done.stdout.endswith("[]\n")


def test_start_again_changes_nothing(local_aws: LocalAws) -> None:
    before = local_aws.pids()
    again = local_aws.command("start")
    assert (again.returncode, again.stderr) == (0, "")
    assert f"is running already: http://127.0.0.1:{local_aws.port}" in again.stdout
    assert local_aws.pids() == before


def test_start_on_other_ports_says_which_are_in_use(local_aws: LocalAws) -> None:
    refused = local_aws.command("start", "--port", "4000")
    assert refused.returncode == 1
    assert f"already running with {local_aws.state_dir}, on ports {local_aws.port}" in refused.stderr
    assert "local-aws stop" in refused.stderr


def test_two_starts_at_once_make_one_supervisor(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    command = [*LOCAL_AWS, "start", *port_options(free_ports())]
    starts = [
        subprocess.Popen([*command, "--state-dir", str(state_dir)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    try:
        outputs = [start.communicate(timeout=60)[0] for start in starts]
        assert [start.returncode for start in starts] == [0, 0, 0, 0], outputs
        assert local_aws_command("status", state_dir=state_dir).returncode == 0
        assert _supervisors_of(state_dir) == 1
    finally:
        local_aws_command("stop", state_dir=state_dir)


def _supervisors_of(state_dir: Path) -> int:
    command_lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return sum(b"localaws.supervision.supervisor" in line and os.fsencode(state_dir) in line for line in command_lines)


@pytest.mark.parametrize("taken", ["--port", "--sagemaker-port", "--services-port"])
def test_a_port_in_use_is_named_and_nothing_stays(tmp_path: Path, taken: str) -> None:
    state_dir = tmp_path / "state"
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        ports = {option: str(port) for option, port in free_ports().options.items()}
        ports[taken] = str(other_program.getsockname()[1])
        arguments = [word for pair in ports.items() for word in pair]
        refused = local_aws_command("start", *arguments, state_dir=state_dir)
    assert refused.returncode == 1
    assert f"Port {ports[taken]} on 127.0.0.1 cannot be used: Address already in use" in refused.stderr
    assert f"another port with {taken}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert local_aws_command("status", state_dir=state_dir).returncode == 3
    assert _supervisors_of(state_dir) == 0


def test_status_shows_the_servers(local_aws: LocalAws) -> None:
    status = local_aws.command("status")
    assert status.returncode == 0
    rows = {line.split()[0]: line.split() for line in status.stdout.splitlines()}
    pids = local_aws.pids()
    assert rows["ministack"][1:3] == [str(pids["ministack"]), str(local_aws.port)]
    assert rows["sagemaker"][1:3] == [str(pids["sagemaker"]), str(local_aws.sagemaker_port)]
    assert rows["services"][1:3] == [str(pids["services"]), str(local_aws.ports.services)]
    assert rows["ministack"][-1] == rows["sagemaker"][-1] == rows["services"][-1] == "ok"


def test_stop_ends_every_process_and_keeps_the_state(own_local_aws: OwnLocalAws) -> None:
    first = own_local_aws()
    first.client("s3").create_bucket(Bucket="kept-over-a-stop")
    pids = first.pids().values()
    assert first.command("stop").stdout == "stopped\n"
    wait_until_gone(pids)
    again = first.command("stop")
    assert (again.returncode, again.stdout) == (0, f"nothing runs with {first.state_dir}\n")
    assert first.command("status").returncode == 3
    buckets = own_local_aws().client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["kept-over-a-stop"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_foreground_stops_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    state_dir = tmp_path / "state"
    command = [*LOCAL_AWS, "start", "--foreground", *port_options(free_ports()), "--state-dir", str(state_dir)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as foreground:
        # A start beside it waits for its servers, and starts none.
        deadline = time.monotonic() + 60
        while local_aws_command("status", state_dir=state_dir).returncode != 0:
            assert time.monotonic() < deadline
        beside = local_aws_command("start", state_dir=state_dir)
        assert "is running already" in beside.stdout
        foreground.send_signal(number)
        _out, log = foreground.communicate(timeout=60)
    assert foreground.returncode == 0
    assert "ministack started" in log
    assert "ministack stopped" in log
    assert local_aws_command("status", state_dir=state_dir).returncode == 3


def test_reset_stops_deletes_and_says_what(own_local_aws: OwnLocalAws) -> None:
    own = own_local_aws()
    unasked = own.command("reset")
    assert unasked.returncode == 1
    assert "local-aws reset --yes" in unasked.stderr
    assert own.command("status").returncode == 0
    done = own.command("reset", "--yes")
    assert done.returncode == 0
    assert "stopped" in done.stdout
    assert "ministack" in done.stdout.splitlines()[-1]
    assert not own.state_dir.exists()
    assert "does not exist" in own.command("reset", "--yes").stdout


def test_reset_refuses_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.tex"
    precious.write_text("ten years of work")
    refused = local_aws_command("reset", "--yes", state_dir=tmp_path)
    assert refused.returncode == 1
    assert f"{tmp_path} is not a state folder" in refused.stderr
    assert precious.read_text() == "ten years of work"


def test_start_refuses_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    refused = local_aws_command("start", state_dir=tmp_path)
    assert refused.returncode == 1
    assert "--state-dir" in refused.stderr
    beneath_a_file = local_aws_command("start", state_dir=tmp_path / "thesis.tex" / "state")
    assert beneath_a_file.returncode == 1
    assert "Not a directory" in beneath_a_file.stderr


def test_env_works_in_a_shell_whatever_was_set_before(local_aws: LocalAws, tmp_path: Path) -> None:
    local_aws.client("s3").create_bucket(Bucket="seen-from-a-shell")
    command = tmp_path / "local-aws"
    command.write_text(f'#!/bin/sh\nexec {" ".join(LOCAL_AWS)} "$@"\n')
    command.chmod(0o755)
    hostile = {
        "AWS_PROFILE": "another-account",
        "AWS_SESSION_TOKEN": "expired",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "LOCALAWS_STATE_DIR": str(local_aws.state_dir),
        "PATH": f"{tmp_path}{os.pathsep}{local_aws.env['PATH']}",
    }
    done = subprocess.run(
        ["sh", "-ec", 'eval "$(local-aws env)"; aws s3 ls; aws sagemaker list-models --output json'],
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "seen-from-a-shell" in done.stdout
    assert '"Models"' in done.stdout


def test_env_as_json(local_aws: LocalAws) -> None:
    found = json.loads(local_aws.command("env", "--format", "json").stdout)
    assert found["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{local_aws.port}"
    assert found["AWS_ENDPOINT_URL_SAGEMAKER"] == f"http://127.0.0.1:{local_aws.sagemaker_port}"
    assert Path(found["SAGEMAKER_USER_CONFIG_OVERRIDE"]).is_file()


def test_the_sdk_takes_its_configuration_and_sends_no_telemetry(local_aws: LocalAws) -> None:
    script = """
from sagemaker.core.config.config import load_sagemaker_config
print(load_sagemaker_config()["SageMaker"]["PythonSDK"]["Modules"]["TelemetryOptOut"])
"""
    done = local_aws.run([sys.executable, "-c", script])
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr


def test_env_when_nothing_runs(tmp_path: Path) -> None:
    refused = local_aws_command("env", state_dir=tmp_path / "state")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "local-aws start" in refused.stderr


def test_only_linux() -> None:
    check_platform("linux")
    with pytest.raises(NotLinuxError, match=r"'darwin'.*WSL 2"):
        check_platform("darwin")


def test_ports_come_from_option_then_environment() -> None:
    assert requested_ports(None, None, None, {}) is None
    assert requested_ports(None, None, None, {"LOCALAWS_PORT": "5000"}) == Ports(5000, 5001, 5002)
    assert requested_ports(6000, None, None, {"LOCALAWS_PORT": "5000"}) == Ports(6000, 6001, 6002)
    assert requested_ports(None, 7000, None, {}) == Ports(4566, 7000, 4568)
    assert requested_ports(6000, 7000, 8000, {}) == Ports(6000, 7000, 8000)


@pytest.mark.parametrize(
    ("port", "sagemaker_port", "environ", "message"),
    [
        (None, None, {"LOCALAWS_PORT": "http"}, "LOCALAWS_PORT has the value 'http'"),
        (70000, None, {}, "70000 is not a port"),
        (65535, None, {}, "65536 is not a port"),
        (5000, 5000, {}, "--port and --sagemaker-port are both 5000"),
        (5000, 5002, {}, "--sagemaker-port and --services-port are both 5002"),
    ],
)
def test_impossible_ports_are_refused(
    port: int | None, sagemaker_port: int | None, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(LocalAwsError, match=message):
        requested_ports(port, sagemaker_port, None, environ)


def test_state_dir_comes_from_option_then_environment() -> None:
    assert state_path(None, {}) == Path.cwd() / ".localaws"
    assert state_path(None, {"LOCALAWS_STATE_DIR": "/a"}) == Path("/a")
    assert state_path("/b", {"LOCALAWS_STATE_DIR": "/a"}) == Path("/b")


def test_a_proxy_is_not_asked_for_this_host() -> None:
    ports = Ports(4566, 4567, 4568)
    assert "NO_PROXY" not in variables(ports, StateDir(Path("/c")), {})
    found = variables(
        ports, StateDir(Path("/c")), {"https_proxy": "http://p", "http_proxy": "http://p", "NO_PROXY": "a.b"}
    )
    assert found["NO_PROXY"] == found["no_proxy"] == "a.b,127.0.0.1"


def test_endpoints_of_single_services_are_unset() -> None:
    environ = {"AWS_ENDPOINT_URL_S3": "http://x", "AWS_ENDPOINT_URL_SAGEMAKER": "http://y"}
    found = variables(Ports(4566, 4567, 4568), StateDir(Path("/c")), environ)
    assert variables_to_unset(environ, found) == ["AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"]
