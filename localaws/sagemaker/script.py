"""Runs the script of a processing or training job in its container, its log shipped while it runs."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.sagemaker.container import HOST_NAME, Command, Container, Limits
from localaws.sagemaker.images import Image
from localaws.sagemaker.jobs import Job
from localaws.sagemaker.logs import LogShipper
from localaws.sagemaker.warm_home import WarmHome

_DEFAULT_SECONDS = 86_400


@dataclass(frozen=True)
class Script:
    """What a job runs.

    Attributes
    ----------
    variables : mapping of str to str
        The job's own environment variables.
    network : bool
        False: EnableNetworkIsolation.
    """

    image: Image
    argv: Sequence[str]
    variables: Mapping[str, str]
    network: bool

    def command(self, job: Job) -> Command:
        """The command line of the job's container."""
        return container_command(job, self.image, self.argv, self.variables, network=self.network)


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


def run_script(job: Job, script: Script) -> ScriptEnd:
    """Run a job's script to its end, MaxRuntimeInSeconds long at most.

    All that it printed is in CloudWatch Logs when this returns.
    """
    seconds = job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_SECONDS)
    WarmHome(script.image.interpreter, job.runner.state_dir).copy_to(job.folder / "tmp")
    stream = f"{job.name}/{HOST_NAME}-{int(time.time())}"
    shipper = LogShipper(job.runner.aws.client("logs"), job.log_group, stream, job.log)
    try:
        with Container(job.folder, script.command(job), job.log) as container:
            exit_code = container.wait(Limits(seconds), job.stop)
    finally:
        shipper.close()
    return ScriptEnd(exit_code, last_line(job.log) if exit_code else "")


def container_command(
    job: Job, image: Image, argv: Sequence[str], variables: Mapping[str, str], *, network: bool = True
) -> Command:
    """A command line in an image, with the way to AWS and the job's own variables in its environment."""
    return Command(argv, job.environment(variables), image.interpreter, image.protected, network)


def last_line(log: Path) -> str:
    """The last line of a log that is not empty; an empty text when there is none."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return next(iter(deque((line.strip() for line in lines if line.strip()), maxlen=1)), "")
