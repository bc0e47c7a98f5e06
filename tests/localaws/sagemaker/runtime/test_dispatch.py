"""Headers both ways, sessions, chains, and what is refused: with a model server that shows what it got."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from localaws.sagemaker.hosting.routes import Fleet, Instance, Route, Routes, Variant
from localaws.sagemaker.runtime.api import Runtime
from localaws.sagemaker.runtime.dispatch import Dispatcher
from localaws.sagemaker.runtime.errors import ModelError, Unavailable, ValidationError
from localaws.sagemaker.runtime.invocation import Invocation, Request

Answer = Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]


@asynccontextmanager
async def model_server(answer: Answer) -> AsyncIterator[int]:
    """A model server whose container is not ours; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode() if not reader.at_eof() else "":
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            given, body = answer(headers, await reader.readexactly(int(headers["content-length"])))
            lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{lines}\r\n".encode() + body)

    async def serve_until_eof(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve_until_eof, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def dispatcher(*instances: Instance, failures: list[str] | None = None) -> Dispatcher:
    """A dispatcher of one endpoint with these instances."""
    routes = Routes()
    routes.put(Route("endpoint", "arn", (Fleet("config", 1.0, (Variant("AllTraffic", 1.0, instances),)),)))
    routes.on_failure = lambda _, instance_id: (failures if failures is not None else []).append(instance_id)
    return Dispatcher(routes, "000000000000", "us-east-1")


async def invoke(to: Dispatcher, body: bytes = b"", **headers: str) -> Invocation:
    named = {f"x-amzn-sagemaker-{name.replace('_', '-')}".encode(): value.encode() for name, value in headers.items()}
    request = Request("endpoint", named | {b"content-type": b"text/csv", b"host": b"here"}, body, "event")
    return await to.invoke(*to.target(request), request)


def run(test: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test, 10)

    asyncio.run(bounded())


def test_the_model_gets_the_headers_that_are_meant_for_it() -> None:
    async def test() -> None:
        async with model_server(lambda headers, _: ({}, json.dumps(headers).encode())) as port:
            to = dispatcher(Instance("i-1", (port,)))
            done = await invoke(to, custom_attributes="trace=1", inference_id="7", target_variant="AllTraffic")
        got = json.loads(done.answer.body)
        assert got["content-type"] == "text/csv"
        assert got["x-amzn-sagemaker-custom-attributes"] == "trace=1"
        assert "x-amzn-sagemaker-target-variant" not in got
        assert got["host"] == f"127.0.0.1:{port}"

    run(test())


def test_a_chain_passes_answers_on_with_their_content_type() -> None:
    def append(text: bytes) -> Answer:
        return lambda headers, body: (
            {"content-type": "application/json"},
            body + b"|" + headers["content-type"].encode() + text,
        )

    async def test() -> None:
        async with model_server(append(b"1")) as first, model_server(append(b"2")) as second:
            done = await invoke(dispatcher(Instance("i-1", (first, second))), b"0")
        assert done.answer.body == b"0|text/csv1|application/json2"

    run(test())


def test_a_session_stays_with_the_instance_that_opened_it() -> None:
    def opening(name: str) -> Answer:
        def answer(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
            if headers.get("x-amzn-sagemaker-session-id") == "new_session":
                return {"X-Amzn-SageMaker-New-Session-Id": f"s-{name}; Expires=2030-01-01T00:00:00Z"}, name.encode()
            return ({"X-Amzn-SageMaker-Closed-Session-Id": f"s-{name}"} if body == b"close" else {}), name.encode()

        return answer

    async def test() -> None:
        async with model_server(opening("a")) as a, model_server(opening("b")) as b:
            to = dispatcher(Instance("i-a", (a,)), Instance("i-b", (b,)))
            opener = (await invoke(to, session_id="NEW_SESSION")).answer.body.decode()
            came = {(await invoke(to, session_id=f"s-{opener}")).answer.body.decode() for _ in range(20)}
            assert came == {opener}
            await invoke(to, b"close", session_id=f"s-{opener}")
            with pytest.raises(ValidationError, match=f"Session s-{opener} is not found"):
                await invoke(to, session_id=f"s-{opener}")

    run(test())


@pytest.mark.parametrize("member", ["target_container_hostname", "inference_component", "enable_explanations"])
def test_what_is_not_done_is_refused_by_name(member: str) -> None:
    async def test() -> None:
        with pytest.raises(ValidationError, match="is not supported by the local SageMaker Runtime"):
            await invoke(dispatcher(Instance("i-1", (9,))), **{member: "x"})

    run(test())


def test_an_instance_that_is_gone_is_passed_over_and_reported() -> None:
    async def test() -> None:
        failures: list[str] = []
        async with model_server(lambda _, body: ({}, body)) as port:
            to = dispatcher(Instance("i-gone", (9,)), Instance("i-there", (port,)), failures=failures)
            for _ in range(10):
                assert (await invoke(to, b"x")).answer.body == b"x"
        assert set(failures) == {"i-gone"}
        done = await invoke(dispatcher(Instance("i-gone", (9,))))
        assert isinstance(done.fault, Unavailable)

    run(test())


def test_too_large_a_body_and_a_broken_answer() -> None:
    async def test() -> None:
        with pytest.raises(ValidationError, match="less than or equal to 6291456"):
            await invoke(dispatcher(Instance("i-1", (9,))), b"x" * 6_291_457)

        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        done = await invoke(dispatcher(Instance("i-1", (server.sockets[0].getsockname()[1],))))
        server.close()
        assert isinstance(done.fault, ModelError)
        assert (done.answer.status, done.fault.members["OriginalStatusCode"]) == (0, 0)

    run(test())


def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async def test() -> None:
        async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            writer.close()  # without a word about it

        server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
        to = dispatcher(Instance("i-1", (server.sockets[0].getsockname()[1],)))
        for _ in range(50):
            assert (await invoke(to)).answer.body == b"ok"
            time.sleep(0.001)  # the close arrives, and the event loop has not seen it yet
        server.close()

    run(test())


def test_a_request_at_which_the_server_dies_is_not_sent_again() -> None:
    async def test() -> None:
        bodies: list[bytes] = []

        async def die_at_poison(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                bodies.append(await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0])))
                if bodies[-1] == b"poison":
                    writer.close()
                    return
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

        servers = [await asyncio.start_server(die_at_poison, "127.0.0.1", 0) for _ in range(2)]
        ports = [server.sockets[0].getsockname()[1] for server in servers]
        to = dispatcher(Instance("i-1", (ports[0],)), Instance("i-2", (ports[1],)))
        await asyncio.gather(*(invoke(to, b"good") for _ in range(6)))
        assert isinstance((await invoke(to, b"poison")).fault, ModelError)
        assert bodies.count(b"poison") == 1
        for server in servers:
            server.close()

    run(test())


def test_a_defect_is_an_internal_failure_and_not_a_broken_connection(caplog: pytest.LogCaptureFixture) -> None:
    class Defective(Dispatcher):
        def route(self, endpoint_name: str) -> Route:
            raise ZeroDivisionError(endpoint_name)

    async def test() -> None:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        unused: Any = None
        dispatcher = Defective(Routes(), "000000000000", "us-east-1")
        runtime = Runtime(dispatcher, unused, unused, unused, unused, unused)
        await runtime({"type": "http", "path": "/endpoints/e/invocations", "headers": []}, receive, send)
        assert sent[0]["status"] == 500
        assert (b"x-amzn-errortype", b"InternalFailure") in sent[0]["headers"]
        assert b"defect" in sent[1]["body"]

    run(test())
    assert "ZeroDivisionError" in caplog.text
