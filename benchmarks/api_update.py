"""Updates and kills under load: ``python -m benchmarks.api_update``.

Requests go to /stream at a constant rate, through API Gateway, function and endpoint, while

1. the endpoint's stack is updated from version 1 to version 2 with a linear shift: no request may fail;
2. it is updated to a version that raises, with a canary: its alarm rolls it back, and the share of failed requests
   must not exceed the canary's; afterwards version 2 serves everything;
3. a model server is killed with SIGKILL: only the requests in flight may fail;
4. all of local AWS is killed and started again: /stream has to answer within five seconds of the start.

Waits are scaled (LOCALAWS_TIME_SCALE), the traffic is not. Exit code 1 if a requirement is not met.
"""

import argparse
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import invocations
from benchmarks.api_stack import ApiStack, deploy_api, ended
from benchmarks.invocations import BODY, BUCKET, IMAGE, ROLE, client, quantile
from benchmarks.machine import description
from benchmarks.open_loop import OpenLoop, Outcome
from benchmarks.serving_process import linear_regression
from deploy import stages

_NAME, _STAGE = "update", "benchmark"
_SCALE = 1 / 30
_UPDATE_SECONDS = 120.0
_SETTLE_SECONDS = 3.0
_RECOVERY_SECONDS = 5.0
_CANARY_PERCENT = 10
_START_SECONDS, _CALM_SECONDS = 60.0, 0.1
_LARGER_BY_ONE = "\n\ndef predict_fn(data, model):\n    return model.predict(data) + 1\n"
_RAISES = "def model_fn(folder):\n    return None\ndef transform_fn(*request):\n    raise RuntimeError\n"


@dataclass
class Bench:
    """The endpoint's stack, and the results.

    Attributes
    ----------
    second : bytes
        The answer of version 2.
    """

    port: int
    folder: Path
    api: ApiStack
    unmet: list[str]
    second: bytes = b""

    @property
    def cloudformation(self) -> Any:
        """A CloudFormation client."""
        return client("cloudformation", self.port)

    def demand(self, met: bool, words: str) -> None:
        """Print whether a requirement is met."""
        print(f"  {'met' if met else 'NOT MET'}: {words}")
        if not met:
            self.unmet.append(words)


def main() -> int:
    """Run everything and print it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-r", "--rate", type=float, default=200, help="requests a second (default: %(default)s)")
    parser.add_argument(
        "-p", "--port", type=int, default=4680, help="port of local AWS, and the next two (default: %(default)s)"
    )
    options = parser.parse_args()
    os.environ["LOCALAWS_TIME_SCALE"] = str(_SCALE)
    print(description("ministack"))
    with tempfile.TemporaryDirectory() as name, invocations.local_aws(Path(name), options.port):
        folder = Path(name)
        model = linear_regression(folder / "lr", n_features=1)
        client("s3", options.port).create_bucket(Bucket=BUCKET)
        client("sagemaker", options.port + 1).create_model_package_group(ModelPackageGroupName=_NAME)
        _deploy(options.port, _package(options.port, model), "create_stack", {}, "CREATE_COMPLETE")
        bench = Bench(options.port, folder, deploy_api(options.port, f"{_NAME}-{_STAGE}", model), [])
        path = f"{bench.api.path}/stream"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"x-api-key: {bench.api.key}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        with OpenLoop(options.port, head.encode(), BODY, options.rate) as load:
            _settle(load, options.rate)
            _linear_shift(bench, load, model)
            _bad_canary(bench, load)
            _killed_server(bench, load)
            _killed_everything(bench, load)
    return 1 if bench.unmet else 0


def _settle(load: OpenLoop, rate: float) -> None:
    """Wait until the function's cold starts are over; a rate that the machine cannot sustain gives no useful figure."""
    time.sleep(_SETTLE_SECONDS)
    deadline = time.monotonic() + _START_SECONDS
    while load.under_way > _CALM_SECONDS * rate:
        if time.monotonic() > deadline:
            raise SystemExit(f"this machine cannot sustain {rate:.0f} requests a second: {load.under_way} wait")
        time.sleep(_CALM_SECONDS)


def _second(folder: Path, model: Path) -> Path:
    """Return version 2: the same model, with predictions that are larger by one."""
    second = folder / "second"
    shutil.copytree(model, second)
    with (second / "code" / "inference.py").open("a") as script:
        script.write(_LARGER_BY_ONE)
    return second


def _linear_shift(bench: Bench, load: OpenLoop, model: Path) -> None:
    print("\nversion 1 to version 2, linear, 25 % a step")
    calm = time.perf_counter()
    time.sleep(_SETTLE_SECONDS)
    begin = time.perf_counter()
    linear = {"TrafficRoutingType": "LINEAR", "TrafficStepPercent": "25", "TrafficWaitSeconds": "90"}
    _deploy(bench.port, _package(bench.port, _second(bench.folder, model)), "update_stack", linear, "UPDATE_COMPLETE")
    end = time.perf_counter()
    time.sleep(_SETTLE_SECONDS)
    before = load.between(calm, begin)
    _show("before", before)
    during = load.between(begin, end)
    _show("during", during)
    after = load.between(end, time.perf_counter() - 1)
    _show("after", after)
    bench.second = after[0].body if after else b""
    bench.demand(_answers(before) != _answers(after) == {bench.second}, "version 2 answers all in the end")
    bench.demand(not _failed(during), f"{_failed(during)} of {len(during)} requests failed during the update")


def _bad_canary(bench: Bench, load: OpenLoop) -> None:
    print(f"\nversion 2 to a version that raises, canary of {_CANARY_PERCENT} %")
    begin = time.perf_counter()
    canary = {"TrafficRoutingType": "CANARY", "TrafficStepPercent": str(_CANARY_PERCENT), "TrafficWaitSeconds": "3600"}
    bad = bench.folder / "bad" / "code"
    bad.mkdir(parents=True)
    (bad / "inference.py").write_text(_RAISES)
    package = _package(bench.port, bad.parent)
    _deploy(bench.port, package, "update_stack", canary, "UPDATE_ROLLBACK_COMPLETE")
    end = time.perf_counter()
    time.sleep(_SETTLE_SECONDS)
    during = load.between(begin, end)
    _show("during", during)
    failures = [outcome.at for outcome in during if outcome.status != 200]
    exposed = load.between(min(failures), max(failures) + 1e-9) if failures else []
    # The time span begins with a failure, which says nothing about the share.
    share = max(0, len(failures) - 1) / max(1, len(exposed) - 1)
    bench.demand(bool(failures), f"rolled back by its alarm, after {end - begin:.1f} s in all")
    # Each request is drawn independently: three standard deviations.
    most = _CANARY_PERCENT / 100 + 3 * (0.09 / max(1, len(exposed))) ** 0.5
    bench.demand(share <= most, f"{share:.1%} of the requests failed while the canary was exposed")
    after = load.between(end, time.perf_counter() - 1)
    words = f"{_failed(after)} of {len(after)} requests failed afterwards; version 2 answers all"
    bench.demand(_answers(after) == {bench.second}, words)


def _killed_server(bench: Bench, load: OpenLoop) -> None:
    print("\nkill -9 of a model server")
    victims = _model_servers(bench.folder)
    begin = time.perf_counter()
    os.kill(victims[0], signal.SIGKILL)
    time.sleep(_SETTLE_SECONDS)
    during = load.between(begin - 1, time.perf_counter() - 1)
    _show("around it", during)
    in_flight = max(1, sum(outcome.at <= begin <= outcome.at + outcome.seconds for outcome in during))
    failed = _failed(during)
    bench.demand(failed <= in_flight, f"{failed} requests failed, {in_flight} were in flight")


def _killed_everything(bench: Bench, load: OpenLoop) -> None:
    print("\nkill -9 of all of local AWS")
    record = json.loads((bench.folder / "state" / "supervisor.json").read_text())
    for pid in (record["pid"], *(server["pid"] for server in record["servers"])):
        os.kill(pid, signal.SIGKILL)
    started = time.perf_counter()
    command = [sys.executable, "-P", "-m", "localaws.command.cli", "start", "--port", str(bench.port)]
    subprocess.run([*command, "--state-dir", str(bench.folder / "state")], check=True, stdout=subprocess.DEVNULL)
    deadline = started + 6 * _RECOVERY_SECONDS
    while time.perf_counter() < deadline and not _answered(load, started):
        time.sleep(0.05)
    answered = _answered(load, started)
    seconds = min(answered) - started if answered else float("inf")
    bench.demand(seconds <= _RECOVERY_SECONDS, f"/stream answers {seconds:.1f} s after the start")


def _answered(load: OpenLoop, since: float) -> list[float]:
    """Return when requests that were sent after a moment were answered successfully."""
    return [each.at + each.seconds for each in load.between(since, time.perf_counter()) if each.status == 200]


def _package(port: int, model: Path) -> str:
    """Register a version; return its ARN."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(model, arcname=".")
    key = f"{time.time_ns()}/model.tar.gz"
    client("s3", port).put_object(Bucket=BUCKET, Key=key, Body=packed.getvalue())
    made = client("sagemaker", port + 1).create_model_package(
        ModelPackageGroupName=_NAME,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return str(made["ModelPackageArn"])


def _deploy(port: int, package: str, operation: str, parameters: dict[str, str], status: str) -> None:
    """Create or update the endpoint's stack; return when it has the expected status."""
    cloudformation = client("cloudformation", port)
    values = {
        "SageMakerProjectName": _NAME,
        "StageName": _STAGE,
        "ModelExecutionRoleArn": ROLE,
        "ModelPackageName": package,
        "DataCaptureUploadPath": f"s3://{BUCKET}/capture",
        "EnableDataCapture": "false",
        "EndpointInstanceCount": "2",
        "TerminationWaitSeconds": "0",
        **parameters,
    }
    getattr(cloudformation, operation)(
        StackName=_NAME,
        TemplateBody=stages.read_template(stages.ENDPOINT_TEMPLATE),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
    )
    time.sleep(0.2)  # only then an update shows as one
    ended(cloudformation, _NAME, status, _UPDATE_SECONDS)


def _model_servers(folder: Path) -> Sequence[int]:
    """Return the processes of the endpoint's model servers."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            serves = b"SAGEMAKER_BIND_TO_PORT=" in (entry / "environ").read_bytes()
            if serves and f"{folder}/state/sagemaker/endpoints/{_NAME}" in (entry / "mountinfo").read_text():
                found.append(int(entry.name))
        except OSError:  # it has just ended
            continue
    return sorted(found)


def _answers(outcomes: Sequence[Outcome]) -> set[bytes]:
    return {outcome.body for outcome in outcomes}


def _failed(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.status != 200 for outcome in outcomes)


def _show(when: str, outcomes: Sequence[Outcome]) -> None:
    times = [outcome.seconds for outcome in outcomes] or [float("nan")]
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(Counter(o.status for o in outcomes).items()))
    p50, p99 = (quantile(times, share) * 1e3 for share in (0.5, 0.99))
    print(f"  {when:<10} {len(outcomes):>6} requests   p50 {p50:6.1f} ms   p99 {p99:7.1f} ms   {statuses}")


if __name__ == "__main__":
    sys.exit(main())
