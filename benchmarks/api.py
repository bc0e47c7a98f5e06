"""The latency of /stream: gateway, function and endpoint, compared with the endpoint alone and the bare model server.

The same record goes to each over one keep-alive connection, in turns. The function's own part (parse, check, sign,
answer) is the time of its handler in this process, without the time of InvokeEndpoint by itself.
"""

import argparse
import http.client
import importlib.util
import io
import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.api_stack import ENDPOINT, ApiStack, api_stack
from benchmarks.invocations import BODY, quantile
from benchmarks.machine import description
from benchmarks.serving_process import ServingProcess
from deploy import stages

Call = Callable[[], None]
_WARM_UP = 50


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--rounds", type=int, default=5, help="counted rounds of each (default: %(default)s)")
    parser.add_argument("-r", "--requests", type=int, default=500, help="requests a round (default: %(default)s)")
    parser.add_argument(
        "-p", "--port", type=int, default=4670, help="port of local AWS, and the next one (default: %(default)s)"
    )
    options = parser.parse_args()
    print(description("ministack", "boto3"))
    with api_stack(options.port) as api, ServingProcess(api.model, api.model.parent / "log", workers=1) as bare:
        invocations_path = f"/endpoints/{ENDPOINT}/invocations"
        calls = {
            "model server, bare": _post(bare.port, "/invocations"),
            "InvokeEndpoint": _post(api.port + 1, invocations_path),
            "the function's handler and InvokeEndpoint": _handler(api),
            "/stream: gateway, function, endpoint": _post(api.port, f"{api.path}/stream", {"x-api-key": api.key}),
        }
        started = time.perf_counter()
        calls["/stream: gateway, function, endpoint"]()
        print(f"\ncold start of the function: the first call takes {(time.perf_counter() - started) * 1e3:.0f} ms")
        _table(calls, options.rounds, options.requests)


def _table(calls: dict[str, Call], rounds: int, requests: int) -> None:
    for call in calls.values():
        _times(call, _WARM_UP)
    taken: dict[str, list[list[float]]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(_times(call, requests))
    print(f"\n1 connection; {rounds} rounds of {requests} requests each, in turns\n")
    print("| what | p50 ms | p99 ms |\n|---|---:|---:|")
    p50 = {}
    for name, outcomes in taken.items():
        p50[name], p99 = (statistics.median(quantile(one, share) for one in outcomes) * 1e3 for share in (0.5, 0.99))
        print(f"| {name} | {p50[name]:.2f} | {p99:.2f} |")
    own = p50["the function's handler and InvokeEndpoint"] - p50["InvokeEndpoint"]
    print(f"\nthe function's own part: {own:.2f} ms (parse, check, sign, answer; p50)")


def _times(call: Call, count: int) -> list[float]:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times


def _post(port: int, path: str, headers: dict[str, str] | None = None) -> Call:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    every = {"Content-Type": "application/json", **(headers or {})}

    def call() -> None:
        connection.request("POST", path, BODY, every)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status} {said!r}")

    return call


def _handler(api: ApiStack) -> Call:
    """Return a call of the function in this process, as Lambda would make it."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{api.port + 1}",
        "ENDPOINT_NAME": ENDPOINT,
    }
    function = _import(stages.FOLDER / "functions" / "invoke" / "handler.py")
    event = {"resource": "/stream", "requestContext": {"requestId": "benchmark"}, "body": BODY.decode()}

    def call() -> None:
        with redirect_stdout(io.StringIO()):
            answer = function.handler(event, None)
        if answer["statusCode"] != http.client.OK:
            raise RuntimeError(json.dumps(answer))

    return call


def _import(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
