"""The size of instance types, for jobs that are limited to it: ``LOCALAWS_INSTANCE_LIMITS=on``.

Without this environment variable of the server, a job may use the whole host. With it, each instance of a processing or
training job runs on as many CPUs as its type has, or on all that the host has, and is ended if its processes need more
memory than the type has. Sizes follow from a type's name, with few exceptions.
"""

import itertools
import os
import re
from dataclasses import dataclass

from localaws.sagemaker.errors import UnsupportedOperation

SWITCH = "LOCALAWS_INSTANCE_LIMITS"
OUT_OF_MEMORY = "Please use an instance type with more memory, or reduce the size of job data processed on an instance."
_GIB = 1024**3
_NAME = re.compile(r"ml\.(?P<kind>[cgmrt])[0-9](?:[adi]|ad|dn|id|)\.(?P<multiple>[0-9]*x)?large")
_GIB_PER_CPU = {"m": 4.0, "c": 2.0, "r": 8.0, "t": 4.0, "g": 4.0}
_EXCEPTIONS = {
    "ml.t3.medium": (2, 4.0),
    "ml.t3.large": (2, 8.0),
    "ml.c4.xlarge": (4, 7.5),
    "ml.c4.2xlarge": (8, 15.0),
    "ml.c4.4xlarge": (16, 30.0),
    "ml.c4.8xlarge": (36, 60.0),
    "ml.p3.2xlarge": (8, 61.0),
    "ml.p3.8xlarge": (32, 244.0),
    "ml.p3.16xlarge": (64, 488.0),
    "ml.p3dn.24xlarge": (96, 768.0),
    "ml.p4d.24xlarge": (96, 1152.0),
}
_turns = itertools.count()


@dataclass(frozen=True)
class Size:
    """The resources of an instance."""

    cpus: int
    memory_bytes: int


def size_of(instance_type: str) -> Size:
    """Return the size of an instance type.

    Raises
    ------
    UnsupportedOperation
        If its size is not known here.
    """
    if instance_type in _EXCEPTIONS:
        cpus, gibibytes = _EXCEPTIONS[instance_type]
        return Size(cpus, int(gibibytes * _GIB))
    match = _NAME.fullmatch(instance_type)
    if match is None:
        raise UnsupportedOperation(
            f"The size of the instance type '{instance_type}' is not known to the local SageMaker: use another type,"
            f" or start without {SWITCH}"
        )
    multiple = match["multiple"]
    cpus = 4 * int(multiple.removesuffix("x") or 1) if multiple else 2
    return Size(cpus, int(cpus * _GIB_PER_CPU[match["kind"]] * _GIB))


def limits_of(instance_type: str) -> Size | None:
    """Return the size that a job's instances are limited to, or None if they are not.

    Raises
    ------
    UnsupportedOperation
        If they are limited and the size is not known, or if the switch has an invalid value.
    """
    value = os.environ.get(SWITCH, "off")
    if value not in ("on", "off"):
        raise UnsupportedOperation(f"{SWITCH} has value '{value}': on or off was expected")
    return size_of(instance_type) if value == "on" else None


def cpus_for(count: int) -> list[int]:
    """Return this many of the host's CPUs, different ones from call to call; all of them if it does not have more."""
    available = sorted(os.sched_getaffinity(0))
    if count >= len(available):
        return available
    first = next(_turns) * count
    return sorted(available[(first + number) % len(available)] for number in range(count))
