"""Requests that a web page has sent, and where the server listens."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from serving.errors import ForbiddenError
from serving.pages import is_loopback, refuse_pages
from serving.settings import read_settings
from tests.serving.conftest import Server, write_model

SCRIPT = "def model_fn(folder): return None\ndef transform_fn(model, body, kind, accept): return '1', 'text/csv'\n"


@pytest.fixture(scope="module")
def server(start: Callable[..., Server]) -> Server:
    return start(SCRIPT)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:8080"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/invocations", "/ping", "/metrics"])
def test_a_page_of_another_origin_gets_no_answer(server: Server, headers: Mapping[str, str], path: str) -> None:
    reply = server.request("POST", path, "1", **{"Content-Type": "text/csv"}, **headers)
    assert reply.status == 403
    [value] = headers.values()
    assert f"{value!r}" in reply.json["error"]
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_programs_and_own_pages_are_answered(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    for headers in ({}, {"Host": "localhost"}, {"Origin": own}, {"Sec-Fetch-Site": "none"}):
        assert server.invoke("1", "text/csv", **headers).body == b"1"


def test_it_listens_on_loopback_outside_of_a_container(tmp_path: Path) -> None:
    model = str(write_model(tmp_path / "model", SCRIPT))
    assert read_settings({"SAGEMAKER_VALIDATE_ROLE": "false"}, model).host == "127.0.0.1"
    assert read_settings({}, model, "0.0.0.0").host == "0.0.0.0"
    for name, value in {"SAGEMAKER_BIND_TO_PORT": "8081", "SAGEMAKER_PROGRAM": "inference.py"}.items():
        assert read_settings({name: value}, model).host == "0.0.0.0"


def test_a_container_is_called_by_any_name() -> None:
    refuse_pages([(b"host", b"model.internal")], listens_on_loopback=False)
    with pytest.raises(ForbiddenError, match="evil"):
        page = [(b"host", b"model.internal"), (b"origin", b"http://evil.example")]
        refuse_pages(page, listens_on_loopback=False)


def test_names_of_this_machine() -> None:
    assert all(map(is_loopback, ("localhost:1", "a.localhost", "127.0.0.2", "[::1]:8080")))
    assert not any(map(is_loopback, ("", "0.0.0.0", "evil.example", "127.0.0.1.evil.example", "10.0.0.1:8080")))
