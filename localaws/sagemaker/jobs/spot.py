"""Managed spot training: capacity that may be interrupted, on request for a test of a script's checkpoints.

This host's capacity is never taken away. A job whose environment has ``LOCALAWS_SPOT_INTERRUPT_AFTER_SECONDS`` asks
for an interruption, once: that many seconds after its script began, it gets SIGTERM with the usual grace period, then
the job begins anew on new instances, with only the checkpoints of its CheckpointConfig. There is no waiting time.
"""

import shutil
import time
from collections.abc import Callable, Sequence

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.jobs.instances import Instance
from localaws.sagemaker.jobs.runner import Job
from localaws.sagemaker.jobs.script import ScriptEnd, max_runtime

INTERRUPT_AFTER = "LOCALAWS_SPOT_INTERRUPT_AFTER_SECONDS"


def check(request: Document) -> None:
    """Refuse a time limit that is invalid with managed spot training, or an interruption without it."""
    condition = request.get("StoppingCondition", {})
    wait, runtime = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds", 86_400)
    spot = request.get("EnableManagedSpotTraining", False)
    if spot and (wait is None or wait < runtime):
        raise ValidationError(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            f" ({runtime}); it is {wait}"
        )
    if wait is not None and not spot:
        raise ValidationError(f"MaxWaitTimeInSeconds ({wait}) can only be specified with EnableManagedSpotTraining")
    if (after := request.get("Environment", {}).get(INTERRUPT_AFTER)) is not None:
        if not spot:
            raise ValidationError(f"{INTERRUPT_AFTER} asks for an interruption, which EnableManagedSpotTraining allows")
        if not after.replace(".", "", 1).isdigit():
            raise ValidationError(f"{INTERRUPT_AFTER} has value '{after}': a number of seconds was expected")


def run(job: Job, instances: Sequence[Instance], attempt: Callable[[float], ScriptEnd]) -> ScriptEnd:
    """Run a training job's attempts until the last one has ended.

    Parameters
    ----------
    job : Job
    instances : sequence of Instance
    attempt : callable
        Stages the instances and runs the script, for at most this many seconds.
    """
    seconds = max_runtime(job)
    after = job.request.get("Environment", {}).get(INTERRUPT_AFTER)
    if after is None or float(after) >= seconds:
        return attempt(seconds)
    began = time.monotonic()
    end = attempt(float(after))
    if end.exit_code is not None or job.stop.is_set():
        return end
    job.phase("Interrupted")
    for instance in instances:
        shutil.rmtree(instance.folder)
        instance.folder.mkdir()
    job.phase("Restarting")
    return attempt(seconds - (time.monotonic() - began))
