"""The instances of a job: one container each, on this one host.

Each has its own /opt/ml and the name ``algo-<number>``. All share the host's network, so the instances of a job with
several get an address each in the loopback network, 127.0.0.0/8, in a block that no other job has at the same time: a
script can bind any port at its own name and finds its peers at theirs, as on separate machines. The only instance of
a job keeps 127.0.0.1.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.document import Document
from localaws.sagemaker.errors import UnsupportedOperation

MOST = 100
_GROUP = "homogeneousCluster"
_BLOCKS = 200 * 256
_blocks = itertools.count()


@dataclass(frozen=True)
class Instance:
    """One of the containers of a job.

    Attributes
    ----------
    number : int
        Counted from 1.
    address : str
        The address of its name in every instance's /etc/hosts.
    folder : Path
        The folder that becomes its /opt/ml.
    log : Path
        The file of its output.
    """

    number: int
    address: str
    folder: Path
    log: Path

    @property
    def name(self) -> str:
        """Its host name."""
        return f"algo-{self.number}"


def make_instances(count: int, folder: Path, log: Path) -> list[Instance]:
    """Return the instances of a job, with their folders created.

    Parameters
    ----------
    count : int
    folder, log : Path
        Those of the first instance; the others are created beside them.
    """
    first = Instance(1, "127.0.0.1", folder, log)
    if count == 1:
        return [first]
    block = next(_blocks) % _BLOCKS
    network = f"127.{1 + block // 256}.{block % 256}"
    made = [Instance(1, f"{network}.1", folder, log)]
    for number in range(2, count + 1):
        home = folder.parent / f"algo-{number}"
        (home / folder.name).mkdir(parents=True)
        made.append(Instance(number, f"{network}.{number}", home / folder.name, home / log.name))
    return made


def check_count(path: str, count: int, *, isolated: bool) -> None:
    """Refuse an instance count that this host cannot provide.

    Raises
    ------
    UnsupportedOperation
        If there are more than `MOST` instances, or several without a network, since they could not reach each other.
    """
    if count > MOST:
        raise UnsupportedOperation(f"{path} = {count} is not supported by the local SageMaker: at most {MOST}")
    if count > 1 and isolated:
        raise UnsupportedOperation(
            f"{path} = {count} with EnableNetworkIsolation is not supported by the local SageMaker: the instances"
            " would not reach each other. Use one instance, or leave out the isolation."
        )


def resource_config(instance: Instance, instances: Sequence[Instance], instance_type: str) -> Document:
    """Return an instance's ``resourceconfig.json``."""
    hosts = [each.name for each in instances]
    return {
        "current_host": instance.name,
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": hosts,
        "instance_groups": [{"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": hosts}],
        "network_interface_name": "lo",
    }
