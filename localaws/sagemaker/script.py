"""Runs the script of a processing or training job in its container, its log shipped while it runs."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from localaws.sagemaker.container import HOST_NAME, Command, Container, Limits
from localaws.sagemaker.jobs import Job
from localaws.sagemaker.logs import LogShipper


@dataclass(frozen=True)
class ScriptEnd:
    """How a script ended.

    Attributes
    ----------
    exit_code : int or None
        None when the time limit or a stop ended it.
    last_words : str
        The last line it printed: of a Python script that failed, its exception.
    """

    exit_code: int | None
    last_words: str


def run_script(job: Job, command: Command, seconds: float) -> ScriptEnd:
    """Run a container to its end, `seconds` long at most.

    All that it printed is in CloudWatch Logs when this returns.
    """
    stream = f"{job.name}/{HOST_NAME}-{int(time.time())}"
    shipper = LogShipper(job.runner.aws.client("logs"), job.log_group, stream, job.log)
    try:
        with Container(job.folder, command, job.log) as container:
            exit_code = container.wait(Limits(seconds), job.stop)
    finally:
        shipper.close()
    return ScriptEnd(exit_code, last_line(job.log) if exit_code else "")


def last_line(log: Path) -> str:
    """The last line of a log that is not empty; an empty text when there is none."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return next(iter(deque((line.strip() for line in lines if line.strip()), maxlen=1)), "")
