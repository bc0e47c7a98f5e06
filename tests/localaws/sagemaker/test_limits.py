"""Jobs that are held to their instance type: its size, its CPUs, its memory."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from localaws.containers.container import Command, Container, Limits
from localaws.sagemaker.errors import UnsupportedOperation
from localaws.sagemaker.jobs.instance_types import Size, cpus_for, limits_of, size_of
from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import bench_of

GIB = 1024**3
MIB = 1024**2


@pytest.mark.parametrize(
    ("instance_type", "cpus", "gibibytes"),
    [
        ("ml.t3.medium", 2, 4),
        ("ml.t3.2xlarge", 8, 32),
        ("ml.m5.large", 2, 8),
        ("ml.m5.xlarge", 4, 16),
        ("ml.m4.10xlarge", 40, 160),
        ("ml.m5.24xlarge", 96, 384),
        ("ml.m6i.4xlarge", 16, 64),
        ("ml.c4.xlarge", 4, 7.5),
        ("ml.c5.9xlarge", 36, 72),
        ("ml.r5.8xlarge", 32, 256),
        ("ml.g4dn.xlarge", 4, 16),
        ("ml.g5.48xlarge", 192, 768),
        ("ml.p3.2xlarge", 8, 61),
    ],
)
def test_a_types_size_follows_from_its_name(instance_type: str, cpus: int, gibibytes: float) -> None:
    assert size_of(instance_type) == Size(cpus, int(gibibytes * GIB))


def test_a_size_that_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits_of("ml.trn1.2xlarge") is None
    monkeypatch.setenv("LOCALAWS_INSTANCE_LIMITS", "on")
    with pytest.raises(UnsupportedOperation, match=r"'ml.trn1.2xlarge' is not known .* LOCALAWS_INSTANCE_LIMITS"):
        limits_of("ml.trn1.2xlarge")
    monkeypatch.setenv("LOCALAWS_INSTANCE_LIMITS", "yes")
    with pytest.raises(UnsupportedOperation, match="has value 'yes': on or off was expected"):
        limits_of("ml.m5.large")


def test_cpus_are_taken_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert cpus_for(8) == [0, 1, 2, 3]
    assert {*cpus_for(2), *cpus_for(2)} == {0, 1, 2, 3}


def run(folder: Path, script: str, limits: Limits, cpus: tuple[int, ...] = ()) -> tuple[int | None, bool, str]:
    (folder / "ml").mkdir()
    command = Command([sys.executable, "-c", script], {}, Path(sys.executable), cpus=cpus)
    with Container(folder / "ml", command, folder / "log") as container:
        code = container.wait(limits, threading.Event())
    return code, container.out_of_memory, (folder / "log").read_text()


def test_a_container_runs_on_its_cpus(tmp_path: Path) -> None:
    last = max(os.sched_getaffinity(0))
    script = "import os; print(os.sched_getaffinity(0))"
    assert run(tmp_path, script, Limits(30), (last,)) == (0, False, f"{{{last}}}\n")


def test_memory_of_all_processes_counts(tmp_path: Path) -> None:
    script = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        break
block = bytearray(os.urandom(1)) * (60 * 1024**2)
time.sleep(600)
"""
    assert run(tmp_path, script, Limits(600, memory_bytes=150 * MIB))[:2] == (137, True)


def test_memory_that_processes_share_counts_once(tmp_path: Path) -> None:
    script = """
import os, time
block = bytearray(os.urandom(1)) * (100 * 1024**2)
children = [pid for pid in (os.fork() for _ in range(1)) if pid]
time.sleep(0.5)
"""
    assert run(tmp_path, script, Limits(30, memory_bytes=190 * MIB))[:2] == (0, False)


def test_memory_that_is_only_reserved_does_not_count(tmp_path: Path) -> None:
    script = "import mmap, time; block = mmap.mmap(-1, 4 * 1024**3); time.sleep(0.3)"
    assert run(tmp_path, script, Limits(30, memory_bytes=150 * MIB))[:2] == (0, False)


def test_a_job_that_needs_more_than_its_instance_has(
    monkeypatch: pytest.MonkeyPatch, own_local_aws: Callable[[], LocalAws]
) -> None:
    """A type with 4 GiB is the smallest there is."""
    monkeypatch.setenv("LOCALAWS_INSTANCE_LIMITS", "on")
    bench = bench_of(own_local_aws())
    script = "import time; blocks = [b'x' * 2**28 for _ in range(20)]; time.sleep(60)"
    small = {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
    advice = "Please use an instance type with more memory, or reduce the size of job data processed on an instance."
    training = bench.training(script, ResourceConfig=small)
    processing = bench.processing(script, ProcessingResources={"ClusterConfig": small})
    bench.sagemaker.create_training_job(**training)
    bench.sagemaker.create_processing_job(**processing)
    job = bench.wait("training", training["TrainingJobName"])
    assert job["FailureReason"] == f"AlgorithmError: OutOfMemory: {advice}, exit code: 137"
    job = bench.wait("processing", processing["ProcessingJobName"])
    assert job["FailureReason"] == f"ClientError: {advice}"
    with pytest.raises(ClientError, match=r"The size of the instance type 'ml.p2.xlarge' is not known"):
        bench.sagemaker.create_training_job(
            **bench.training("pass", ResourceConfig=small | {"InstanceType": "ml.p2.xlarge"})
        )
