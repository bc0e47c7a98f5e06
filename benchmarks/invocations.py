"""The cost of InvokeEndpoint: the linear regression behind the local SageMaker Runtime, and on the bare model server.

Each endpoint and the bare server get the same small body over keep-alive connections, from one asyncio client, in
turns: the difference is the runtime's. With data capture every invocation is also written to S3.
"""

import argparse
import asyncio
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from benchmarks.machine import description
from benchmarks.serving_process import ServingProcess, linear_regression

BODY = b'{"x": [[0.3]]}'
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/Execution"
BUCKET = "invocations"
_START_SECONDS = 60
_WARM_UP = 200


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--rounds", type=int, default=5, help="counted rounds of each (default: %(default)s)")
    parser.add_argument("-r", "--requests", type=int, default=2_000, help="requests a round (default: %(default)s)")
    parser.add_argument(
        "-p", "--port", type=int, default=4640, help="port of local AWS, and the next one (default: %(default)s)"
    )
    options = parser.parse_args()
    print(description("uvicorn", "httptools"))
    with tempfile.TemporaryDirectory() as folder:
        model = linear_regression(Path(folder) / "lr", n_features=1)
        with (
            ServingProcess(model, Path(folder) / "serving.log", workers=1) as bare,
            local_aws(Path(folder), options.port),
        ):
            deploy(model, options.port)
            runtime = options.port + 1
            targets = {
                "model server, bare": (bare.port, "/invocations"),
                "InvokeEndpoint": (runtime, "/endpoints/plain/invocations"),
                "InvokeEndpoint, everything captured": (runtime, "/endpoints/captured/invocations"),
            }
            for connections in (1, 8):
                table(targets, connections, options.rounds, options.requests)


@contextmanager
def local_aws(folder: Path, port: int) -> Iterator[None]:
    """Run local AWS on a port and the next one."""
    command = [sys.executable, "-P", "-m", "localaws.command.cli"]
    state = ["--state-dir", str(folder / "state")]
    subprocess.run([*command, "start", "--port", str(port), *state], check=True, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run([*command, "reset", "--yes", *state], check=True, stdout=subprocess.DEVNULL)


def deploy(model: Path, port: int) -> None:
    """Deploy two endpoints of one instance, one of them with data capture; return when both are in service."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(model, arcname=".")
    s3, sagemaker = client("s3", port), client("sagemaker", port + 1)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=packed.getvalue())
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
    sagemaker.create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "model",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    for name, members in {"plain": {}, "captured": {"DataCaptureConfig": capture}}.items():
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **members)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    deadline = time.monotonic() + _START_SECONDS
    while not all(in_service(sagemaker, name) for name in ("plain", "captured")):
        if time.monotonic() > deadline:
            raise RuntimeError("the endpoints are not in service")
        time.sleep(0.05)


def client(service: str, port: int) -> Any:
    """Return a client of local AWS."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client(service, endpoint_url=f"http://127.0.0.1:{port}")


def in_service(sagemaker: Any, name: str) -> bool:
    """Return whether an endpoint is in service."""
    status: str = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    return status == "InService"


def table(targets: dict[str, tuple[int, str]], connections: int, rounds: int, requests: int) -> None:
    """Measure all targets in turns, and print the table."""
    for target in targets.values():
        asyncio.run(load(*target, connections, _WARM_UP))
    taken: dict[str, list[tuple[list[float], float]]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, target in targets.items():
            taken[name].append(asyncio.run(load(*target, connections, requests)))
    print(f"\n{connections} connections; {rounds} rounds of {requests} requests each, in turns\n")
    print("| what | p50 us | p99 us | requests/s |\n|---|---:|---:|---:|")
    for name, outcomes in taken.items():
        p50, p99 = (statistics.median(quantile(times, share) for times, _ in outcomes) * 1e6 for share in (0.5, 0.99))
        rate = statistics.median(requests / seconds for _, seconds in outcomes)
        print(f"| {name} | {p50:.0f} | {p99:.0f} | {rate:,.0f} |")


def quantile(times: list[float], share: float) -> float:
    """Return a quantile of some times."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


async def load(port: int, path: str, connections: int, requests: int) -> tuple[list[float], float]:
    """Return the latency of each request, and the seconds for all."""
    headers = f"host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n"
    request = f"POST {path} HTTP/1.1\r\n{headers}\r\n".encode() + BODY
    times: list[float] = []
    started = time.perf_counter()
    one = requests // connections
    await asyncio.gather(*(_connection(port, request, one, times) for _ in range(connections)))
    return times, time.perf_counter() - started


async def _connection(port: int, request: bytes, requests: int, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(requests):
        started = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        times.append(time.perf_counter() - started)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode())
    writer.close()


if __name__ == "__main__":
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    main()
