"""The cost of the control plane: pages of long lists, and mixed calls of many clients, compared with moto's server.

Two tables, on this machine:

- pages: ListModels over 10,000 models, pages of 100, each page timed as a client sees it. Target: 50 ms a page.
- calls: 8 client processes send 1,000 create, describe and list calls to our server and to moto's, in alternating
  turns. Target: at least moto's calls per second, and a p99 that is no worse.

Both servers get the same bytes over keep-alive connections; clients speak HTTP themselves, without boto3, whose own
work would hide the servers'.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from localaws.storage.store import Resource, Store

MODELS = 10_000
CLIENTS = 8
CALLS = 1_000
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/Execution"
_START_SECONDS = 60
_TRIES = 20

LISTS: dict[str, dict[str, Any]] = {
    "by creation time": {"SortBy": "CreationTime"},
    "by name": {"SortBy": "Name", "SortOrder": "Ascending"},
    "NameContains, 1 in 10": {"NameContains": "-7"},
    "NameContains, none": {"NameContains": "nowhere"},
    "CreationTimeAfter the middle": {"CreationTimeAfter": 1_700_005_000},
}


class ServerFault(Exception):
    """A server answered with a 5xx, which AWS's SDKs retry."""


def main() -> None:
    """Run both benchmarks and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--rounds", type=int, default=7, help="counted rounds of each (default: %(default)s)")
    rounds = parser.parse_args().rounds
    print(description("moto"))
    with tempfile.TemporaryDirectory() as folder:
        print_pages(Path(folder) / "pages")
        with our_server(Path(folder) / "calls") as ours, motos_server() as motos:
            print_calls(ours, motos, rounds)


def print_pages(state_dir: Path) -> None:
    """Print the table of pages."""
    fill(state_dir)
    print(f"\nListModels and ListTrainingJobs, pages of 100 out of {MODELS:,}; milliseconds.\n")
    print("| list | pages | median | p99 | max |\n|---|---:|---:|---:|---:|")
    with our_server(state_dir) as port:
        for name, request in LISTS.items():
            print_list(name, page_times(port, "ListModels", request))
        print_list(
            "training jobs, StatusEquals, 1 in 10", page_times(port, "ListTrainingJobs", {"StatusEquals": "Failed"})
        )
        print_list(
            "training jobs, StatusEquals, none", page_times(port, "ListTrainingJobs", {"StatusEquals": "Stopped"})
        )
        tenth = {"Filters": [{"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "Failed"}]}
        print_list(
            "Search of training jobs",
            page_times(port, "Search", {"Resource": "TrainingJob", "SearchExpression": tenth}),
        )


def print_list(name: str, seconds: list[float]) -> None:
    """Print a row."""
    figures = [1000 * value for value in (statistics.median(seconds), percentile(seconds, 99), max(seconds))]
    print(f"| {name} | {len(seconds)} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |")


def fill(state_dir: Path) -> None:
    """Store models and training jobs, one second apart, without the API."""
    store = Store(state_dir / "sagemaker.sqlite")
    with store.transaction():
        for number in range(MODELS):
            created = 1_700_000_000.0 + number
            model, job = f"model-{number % 100}-{number}", f"job-{number}"
            store.add(Resource("model", model, arn("model", model), model_document(model, created), created=created))
            status = "Failed" if number % 10 == 0 else "Completed"
            document = job_document(job, status, created)
            store.add(Resource("training-job", job, arn("training-job", job), document, status=status, created=created))


def arn(kind: str, name: str) -> str:
    """Return a resource's ARN."""
    return f"arn:aws:sagemaker:us-east-1:000000000000:{kind}/{name}"


def model_document(name: str, created: float) -> dict[str, Any]:
    """Return the stored document of a model."""
    return {**model_request(name), "ModelArn": arn("model", name), "CreationTime": created}


def job_document(name: str, status: str, created: float) -> dict[str, Any]:
    """Return the stored document of a training job, of the size of the SDK's jobs."""
    return {
        "TrainingJobName": name,
        "TrainingJobArn": arn("training-job", name),
        "TrainingJobStatus": status,
        "HyperParameters": {f"parameter-{number}": str(number) for number in range(20)},
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "ContainerEntrypoint": ["/bin/bash", "-c", "x" * 200]},
        "RoleArn": ROLE,
        "CreationTime": created,
        "LastModifiedTime": created,
    }


def model_request(name: str) -> dict[str, Any]:
    """Return a CreateModel request that both servers accept."""
    return {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}}


def page_times(port: int, operation: str, request: dict[str, Any]) -> list[float]:
    """Return the times of all pages of a list, read five times."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds = []
    for _ in range(5):
        token: str | None = None
        while True:
            query = request | {"MaxResults": 100} | ({"NextToken": token} if token else {})
            began = time.perf_counter()
            answer = call(connection, operation, query)
            seconds.append(time.perf_counter() - began)
            token = answer.get("NextToken")
            if not token:
                break
    return seconds


def call(connection: http.client.HTTPConnection, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request; both servers find the service in the credential's scope or the target."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"SageMaker.{operation}",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request,"
        " SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", json.dumps(request).encode(), headers)
    response = connection.getresponse()
    body = response.read()
    if response.status >= http.client.INTERNAL_SERVER_ERROR:
        raise ServerFault(f"{operation}: {response.status} {body[:300]!r}")
    if response.status != http.client.OK:
        raise RuntimeError(f"{operation}: {response.status} {body[:300]!r}")
    answer: dict[str, Any] = json.loads(body)
    return answer


def print_calls(ours: int, motos: int, rounds: int) -> None:
    """Print the table of mixed calls."""
    servers = {"local SageMaker": ours, "moto": motos}
    rates: dict[str, list[float]] = {name: [] for name in servers}
    latencies: dict[str, list[float]] = {name: [] for name in servers}
    all_faults = dict.fromkeys(servers, 0)
    for number in range(rounds + 1):
        for name, port in servers.items():
            rate, seconds, faults = round_of_calls(port, number)
            if number:  # the first round warms up
                rates[name].append(rate)
                latencies[name] += seconds
                all_faults[name] += faults
    print(f"\n{CLIENTS} clients, {CALLS:,} mixed calls a round, {rounds} counted rounds, interleaved.\n")
    print("| server | calls/s | p50 ms | p99 ms | answers 5xx, retried |\n|---|---:|---:|---:|---:|")
    for name in servers:
        p50, p99 = (1000 * percentile(latencies[name], share) for share in (50, 99))
        print(f"| {name} | {statistics.median(rates[name]):,.0f} | {p50:.2f} | {p99:.2f} | {all_faults[name]} |")
    ratios = [mine / theirs for mine, theirs in zip(*rates.values(), strict=True)]
    print(f"\nOurs over moto's calls per second, round by round: {statistics.median(ratios):.2f} (target: at least 1)")


def round_of_calls(port: int, number: int) -> tuple[float, list[float], int]:
    """Run all clients at once; return calls per second, each call's seconds, and the number of faults."""
    fork = multiprocessing.get_context("fork")
    with fork.Pool(CLIENTS) as pool:
        began = time.perf_counter()
        parts = pool.starmap(
            client, [(port, f"round-{number}-client-{index}") for index in range(CLIENTS)], chunksize=1
        )
        elapsed = time.perf_counter() - began
    seconds = [value for part, _ in parts for value in part]
    return len(seconds) / elapsed, seconds, sum(faults for _, faults in parts)


def client(port: int, name: str) -> tuple[list[float], int]:
    """Run one client's share of a round: a third creates, a third describes, a third lists."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    choose = random.Random(name)
    made: list[str] = []
    seconds, faults = [], 0
    for number in range(CALLS // CLIENTS):
        kind = "create" if not made else choose.choice(("create", "describe", "list"))
        if kind == "create":
            made.append(f"{name}-{number}-{os.getpid()}")
            request, operation = model_request(made[-1]), "CreateModel"
        elif kind == "describe":
            request, operation = {"ModelName": choose.choice(made)}, "DescribeModel"
        else:
            request, operation = {"MaxResults": 10}, "ListModels"
        began = time.perf_counter()
        faults += tries(connection, operation, request)
        seconds.append(time.perf_counter() - began)
    return seconds, faults


def tries(connection: http.client.HTTPConnection, operation: str, request: dict[str, Any]) -> int:
    """Call until there is an answer, as an SDK would; return the number of faults before it."""
    for faults in range(_TRIES):
        try:
            call(connection, operation, request)
        except ServerFault:
            continue
        return faults
    raise RuntimeError(f"{operation} failed {_TRIES} times")


def percentile(values: list[float], share: int) -> float:
    """Return the value that the given percentage of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


@contextmanager
def our_server(state_dir: Path) -> Iterator[int]:
    """Run the local SageMaker alone, on a port of its own."""
    port = free_port()
    options = ["--port", str(port), "--state-dir", str(state_dir), "--endpoint-url", "http://127.0.0.1:9"]
    with running([sys.executable, "-m", "localaws.sagemaker", *options], port):
        yield port


@contextmanager
def motos_server() -> Iterator[int]:
    """Run moto's server, threaded, as its command starts it."""
    port = free_port()
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        yield port


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a server program; enter the context when it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit(f"did not start: {command}") from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
