"""What a container prints: through a pipe, into a log that is bounded, and to CloudWatch Logs."""

import os
import resource
import threading
from pathlib import Path

import pytest

from localaws.containers.container import Command, Container, Limits
from localaws.containers.logs import release
from localaws.containers.output import Budget, Output


def printed(log: Path, data: list[bytes], budget: Budget) -> str:
    """What is in the log after a container has printed this."""
    output = Output(log, budget)
    writing = os.dup(output.fd)
    output.begin()
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        for each in data:
            pipe.write(each)
    output.join()
    return log.read_text()


def test_a_budget_is_refilled_up_to_its_most() -> None:
    budget = Budget(100, 10, now=0)
    assert budget.take(90, 0)
    assert not budget.take(20, 0.5)
    assert budget.take(20, 1.5)
    assert not budget.take(101, 1000)
    assert budget.take(100, 1000)


def test_what_fits_is_copied_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    assert printed(log, [b"one\ntwo"], Budget(1000, 0, 0)) == "before\none\ntwo"


def test_what_does_not_fit_is_counted_and_the_last_words_are_kept(tmp_path: Path) -> None:
    lines = [f"line {number}\n".encode() * 1000 for number in range(200)]
    text = printed(tmp_path / "log", [*lines, b"the last words\n"], Budget(1_000_000, 0, 0))
    assert text.startswith("line 0\n")
    assert text.endswith("\nthe last words\n")
    [said] = [line for line in text.splitlines() if "left out here" in line]
    count = int(said.split()[2].replace(",", ""))
    kept = [line for line in text.splitlines() if line.startswith("line ")]
    assert 200_000 <= count + len(kept) <= 200_002, "one may be cut in two"
    assert len(text) < 400_000


def test_a_container_that_prints_without_end_costs_a_bounded_file_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localaws.containers.output._MOST_BYTES", 1_000_000)
    folder, log = tmp_path / "ml", tmp_path / "log"
    folder.mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Container(folder, Command(["yes", "x" * 50], {}, Path("/usr/bin/python3")), log) as container:
        assert container.wait(Limits(seconds=2, grace_seconds=0), threading.Event()) is None
    text = log.read_text()
    assert "are left out here" in text
    assert len(text) < 1_300_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kilobytes


def test_what_is_shipped_is_given_back_to_the_disk(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 4_000_000)
    os.sync()
    release(log, 3_000_000)
    assert log.stat().st_size == 4_000_000
    assert log.read_bytes()[-1_000_000:] == b"x" * 1_000_000
    assert log.stat().st_blocks * 512 < 2_000_000 or log.read_bytes()[:10] == b"x" * 10, "a file system without holes"
