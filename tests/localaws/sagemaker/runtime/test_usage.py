"""CPUUtilization and MemoryUtilization of processes that do use them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.hosting.routes import Fleet, Instance, Route, Routes, Variant
from localaws.sagemaker.runtime.usage import UsageMeter
from tests.conftest import until
from tests.localaws.sagemaker.conftest import unique
from tests.localaws.sagemaker.runtime.observed import Watch

BUSY = "held = b'x' * 500_000_000\nwhile True: pass"
IDLE = "import time; time.sleep(60)"


def test_a_busy_instance_shows_and_an_idle_one_too(local_aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    name, routes = unique("endpoint"), Routes()
    processes = [
        # A shell between, as a container's own process is: what counts is below it.
        subprocess.Popen(["sh", "-c", f'"{sys.executable}" -c "{script}"; exit 1'], start_new_session=True)
        for script in (BUSY, IDLE)
    ]
    busy, idle = (
        Variant(variant, 1.0, (Instance(f"i-{variant}", (9,), (process.pid,)),))
        for variant, process in zip(("Busy", "Idle"), processes, strict=True)
    )
    routes.put(Route(name, "arn", (Fleet("config", 1.0, (busy, idle)),)))
    meter = UsageMeter(
        SageMakerAws(f"http://127.0.0.1:{local_aws.port}", "us-east-1", "000000000000"), routes, interval=0.3
    )
    try:
        watch, other = Watch(local_aws, name, "Busy"), Watch(local_aws, name, "Idle")
        namespace = "/aws/sagemaker/Endpoints"
        until(lambda: watch.statistic("CPUUtilization", "Maximum", namespace) > 25)
        until(lambda: other.statistic("CPUUtilization", "SampleCount", namespace) > 3)
        assert other.statistic("CPUUtilization", "Minimum", namespace) < 10
        percent = watch.statistic("MemoryUtilization", "Maximum", namespace)
        host = (
            int(
                next(
                    line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
                ).split()[1]
            )
            * 1024
        )
        assert percent == pytest.approx(100 * 5.1e8 / host, rel=0.2)
    finally:
        meter.close()
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
