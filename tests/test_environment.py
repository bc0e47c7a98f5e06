"""Which AWS `--local` uses, and what is said when it is gone."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localaws.settings import Ports
from localaws.supervision import lifecycle
from localaws.supervision.record import Record, write_record
from localaws.supervision.state_dir import StateDir
from tests.commands import run_command
from tests.conftest import LocalAws, free_ports


def named_by_its_url(aws: LocalAws) -> dict[str, str]:
    """An environment that says where local AWS is, and not where its state is."""
    return {name: value for name, value in aws.env.items() if name != "LOCALAWS_STATE_DIR"}


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("deploy.deploy_model", ("status", "--project-name", "nobodys")),
        ("pipelines.get_pipeline_definition", ("--file-name", "definition.json")),
        ("deploy.check_project", ("--project-name", "nobodys")),
    ],
)
def test_local_is_the_aws_that_the_environment_names(
    local_aws: LocalAws, tmp_path: Path, module: str, arguments: tuple[str, ...]
) -> None:
    done = run_command(module, *arguments, "--local", environ=named_by_its_url(local_aws), cwd=tmp_path)
    is_check = module.endswith("check_project")
    assert done.returncode == int(is_check), done.stderr
    assert not is_check or "nobodys" in done.stderr
    assert not (tmp_path / ".localaws").exists(), "no other local AWS was started"


def test_the_variables_of_a_shell_name_the_state_for_every_folder(local_aws: LocalAws, tmp_path: Path) -> None:
    assert local_aws.env["LOCALAWS_STATE_DIR"] == str(local_aws.state_dir)
    done = run_command("localaws.command.cli", "status", environ=local_aws.env, cwd=tmp_path)
    assert f"state:    {local_aws.state_dir}" in done.stdout


class Answers(BaseHTTPRequestHandler):
    """Answers what `reply` says, and ends the server after `last` answers."""

    reply: tuple[int, bytes] = (200, b"{}")
    left = -1

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, body = self.reply
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        type(self).left -= 1
        if self.left == 0:
            self.server.socket.close()

    do_GET = do_POST = answer  # noqa: N815 - the standard library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(status: int, body: bytes, *, times: int = -1) -> Iterator[str]:
    """A server that gives one answer, so many times; its URL."""
    handler = type("Handler", (Answers,), {"reply": (status, body), "left": times})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_what_is_not_local_aws_is_not_taken_for_it(tmp_path: Path, local_aws: LocalAws) -> None:
    with answering(200, b"<html>") as url:
        environ = {**named_by_its_url(local_aws), "AWS_ENDPOINT_URL": url}
        done = run_command("deploy.deploy_model", "status", "--local", environ=environ, cwd=tmp_path)
    assert done.returncode == 1
    assert f"AWS_ENDPOINT_URL is {url}, and what answers there is not AWS of this machine" in done.stderr
    assert "local-aws start" in done.stderr


def gone(done: "subprocess.CompletedProcess[str]") -> bool:
    [line] = done.stderr.strip().splitlines()
    return done.returncode == 1 and "AWS on this machine has ended" in line and "`local-aws start`" in line


def environ_of(local_aws: LocalAws, url: str) -> dict[str, str]:
    """The environment of a project's build, whose AWS is at a URL."""
    of_sagemaker = {f"AWS_ENDPOINT_URL_{name}": url for name in ("SAGEMAKER", "SAGEMAKER_RUNTIME")}
    build = {"SAGEMAKER_PROJECT_ID": "p", "ARTIFACT_BUCKET": "b", "MODEL_EXECUTION_ROLE_ARN": "arn:aws:iam::1:role/r"}
    return {**local_aws.env, **of_sagemaker, **build, "AWS_ENDPOINT_URL": url, "AWS_MAX_ATTEMPTS": "1"}


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("deploy.deploy_model", ("status",)),
        ("deploy.check_project", ()),
        ("pipelines.run_pipeline", ("--role-arn", "arn:aws:iam::111122223333:role/r")),
        ("pipelines.get_pipeline_definition", ()),
    ],
)
def test_a_local_aws_that_is_gone_is_named_as_the_reason(
    local_aws: LocalAws, tmp_path: Path, module: str, arguments: tuple[str, ...]
) -> None:
    url = f"http://127.0.0.1:{free_ports().gateway}"
    done = run_command(module, *arguments, environ=environ_of(local_aws, url), cwd=tmp_path)
    assert gone(done), done.stderr


def test_a_local_aws_that_ends_meanwhile_is_named_as_the_reason(local_aws: LocalAws, tmp_path: Path) -> None:
    state = json.dumps({"pipelineName": "p", "stageStates": []}).encode()
    with answering(200, state, times=4) as url:
        environ = environ_of(local_aws, url)
        done = run_command(
            "deploy.deploy_model", "follow", "--quiet-seconds", "60", environ=environ, cwd=tmp_path, timeout=60
        )
    assert gone(done), done.stderr


def test_a_start_takes_the_ports_that_shells_know(tmp_path: Path) -> None:
    state, ports = StateDir(tmp_path), Ports(21001, 21002, 21003)
    assert lifecycle.usual_ports(state) == Ports(4566, 4567, 4568)
    write_record(state.record_path, Record(1, ports, 0.0, (), None))
    assert lifecycle.usual_ports(state) == ports
