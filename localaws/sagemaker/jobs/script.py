"""Runs the script of a processing or training job in a container for each instance, and ships its log meanwhile.

The instances begin together. When one fails, the others are ended; the first failure is the job's.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from localaws.containers.container import Command, Container, Limits
from localaws.containers.logs import LogShipper
from localaws.containers.warm_home import WarmHome
from localaws.sagemaker.jobs.images import Image
from localaws.sagemaker.jobs.instance_types import Size, cpus_for
from localaws.sagemaker.jobs.instances import Instance
from localaws.sagemaker.jobs.runner import Job
from localaws.storage import disk

_DEFAULT_SECONDS = 86_400
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Script:
    """What a job runs.

    Attributes
    ----------
    variables : mapping of str to str
        The job's own environment variables.
    network : bool
        False for EnableNetworkIsolation.
    size : Size or None
        The resources that each instance is limited to.
    """

    image: Image
    argv: Sequence[str]
    variables: Mapping[str, str]
    network: bool
    size: Size | None

    def command(self, job: Job, instance: Instance, instances: Sequence[Instance]) -> Command:
        """Return the command of an instance's container."""
        command = container_command(job, self.image, self.argv, self.variables, network=self.network)
        hosts = {each.name: each.address for each in instances}
        cpus = cpus_for(self.size.cpus) if self.size else ()
        escaped = job.job_type.noun == "Training"
        return replace(command, host_name=instance.name, hosts=hosts, cpus=cpus, escapes_log=escaped)


@dataclass(frozen=True)
class ScriptEnd:
    """How a script ended.

    Attributes
    ----------
    exit_code : int or None
        None if the time limit or a stop ended it.
    last_words : str
        The last line that it printed: for a Python script that failed, its exception.
    instance : Instance
        The instance that it ran on.
    ended : float
        When it ended, by the monotonic clock.
    out_of_memory : bool
        Whether it needed more memory than its instance has.
    """

    exit_code: int | None
    last_words: str
    instance: Instance
    ended: float
    out_of_memory: bool


def run_script(job: Job, script: Script, instances: Sequence[Instance], seconds: float) -> ScriptEnd:
    """Run a job's script on all instances to its end, for at most this many seconds.

    All its output is in CloudWatch Logs when this returns.

    Returns
    -------
    ScriptEnd
        The first failure; otherwise that of an instance that was ended; otherwise that of the first instance.
    """
    limits = Limits(seconds, memory_bytes=script.size.memory_bytes if script.size else None)
    over = threading.Event()
    ends: list[ScriptEnd] = []

    def run(instance: Instance) -> None:
        try:
            command = script.command(job, instance, instances)
            ends.append(_run_one(job, command, instance, limits, over, script.image.notice))
        except BaseException:
            over.set()
            raise

    if len(instances) == 1:
        run(instances[0])
    else:
        with ThreadPoolExecutor(len(instances)) as pool:
            for done in [pool.submit(run, instance) for instance in instances]:
                done.result()
    return min(ends, key=_weight)


def max_runtime(job: Job) -> float:
    """Return how many seconds a job may run: MaxRuntimeInSeconds, a day by default."""
    seconds: float = job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_SECONDS)
    return seconds


def _weight(end: ScriptEnd) -> tuple[bool, bool, float]:
    return not end.exit_code, end.exit_code is not None, end.ended


def _run_one(
    job: Job, command: Command, instance: Instance, limits: Limits, over: threading.Event, notice: str | None
) -> ScriptEnd:
    WarmHome(command.interpreter, job.runner.state_dir).copy_to(instance.folder / "tmp")
    stream = f"{job.name}/{instance.name}-{int(time.time())}"
    shipper = LogShipper(job.aws.client("logs"), job.log_group, stream, instance.log, notice)
    try:
        with Container(instance.folder, command, instance.log) as container:
            exit_code = container.wait(limits, job.stop, over)
            ended = time.monotonic()
            if exit_code:
                over.set()
    finally:
        shipper.close()
    last_words = _last_words(instance.log) if exit_code else ""
    return ScriptEnd(exit_code, last_words, instance, ended, container.out_of_memory)


def _last_words(log: Path) -> str:
    """Return a script's last line; a full disk is mentioned first, since its log may be cut off."""
    return " ".join([*([] if disk.has_room(log.parent) else ["No space left on device."]), last_line(log)]).strip()


def container_command(
    job: Job, image: Image, argv: Sequence[str], variables: Mapping[str, str], *, network: bool = True
) -> Command:
    """Return a command in an image, with access to AWS and the job's own variables in its environment."""
    environment = image.environment(job.environment(variables))
    return Command(argv, environment, image.interpreter, image.protected, network)


def last_line(log: Path) -> str:
    """Return the last non-empty line in the last 64 KiB of a log; an empty string if there is none."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
