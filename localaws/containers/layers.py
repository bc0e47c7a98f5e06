"""A container's writes outside /opt/ml, kept to itself: a layer of its own over every folder of the host.

An image's file system is writable, and what was written is discarded with the container: a job may `pip install`
without any other job seeing it. Here an overlay does that: over each folder of the host's root, with an upper layer
on a tmpfs that ends with the container's mount namespace. One `mount --all` makes all mounts, since starting a
program costs 1 ms.

An overlay hides what is mounted below the folder it covers, so a folder with mounts below it is passed through and
its subfolders are covered (in a user namespace the kernel requires that, too). What is left, such as files in the
root itself, is read-only to root's containers and beyond the permissions of others; /dev/shm is a tmpfs of its own.

Some kernels refuse overlays: those older than 5.11 in a user namespace, or where the host is a container on an
overlay itself. Then the interpreter's environment is mounted read-only, and nothing else is protected from a job.
"""

import functools
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

HOSTS = ".hosts"
"""The container's /etc/hosts, below the folder that becomes /opt/ml."""

_LAYERS, _FSTAB = ".layers", ".fstab"
_OPT_ML = "/opt/ml"
_AS_THEY_ARE = ("/proc", "/sys", "/dev", _OPT_ML)
_NOT_COVERED = (*_AS_THEY_ARE, "/run", "/boot", "/lost+found")

# $ml: the folder. $1: the number of layers; then the command line.
MOUNT = rf"""
layers=$1; shift
mount -t tmpfs -o mode=0755 none "$ml/{_LAYERS}"
while [ "$layers" -gt 0 ]; do
    layers=$((layers - 1)); folders="$folders $layers/upper $layers/work"
done
cd "$ml/{_LAYERS}"
mkdir -p $folders
mount --all --fstab "$ml/{_FSTAB}"
"""


@dataclass(frozen=True)
class Layers:
    """The folders that are covered by a layer, and the mount points that become read-only."""

    covered: Sequence[str]
    read_only: Sequence[str]

    def write(self, folder: Path) -> None:
        """Prepare the folder that becomes /opt/ml."""
        (folder / _LAYERS).mkdir(exist_ok=True)
        (folder / _FSTAB).write_text(self._fstab(folder))

    def _fstab(self, folder: Path) -> str:
        """Return the mounts in the order in which they are made: what lies under a covered folder comes first."""
        here = f"{_OPT_ML}/{_LAYERS}"
        # The layers are found once; a folder may have been removed since, such as one beside a temporary state folder.
        overlays = (
            f"none {_escaped(covered)} overlay lowerdir={_escaped(covered, option=True)},"
            f"upperdir={here}/{number}/upper,workdir={here}/{number}/work 0 0"
            for number, covered in enumerate(self.covered)
            if Path(covered).is_dir()
        )
        # `mount --all` skips the root itself, and whatever seems to be mounted already.
        remounts = (f"read-only {_escaped(point)}/. none remount,bind,ro 0 0" for point in self.read_only)
        return "\n".join(
            (
                f"{_escaped(str(folder))} {_OPT_ML} none rbind 0 0",
                *overlays,
                f"{_OPT_ML}/{HOSTS} /etc/hosts none bind 0 0",
                "none /dev/shm tmpfs mode=1777 0 0",
                *remounts,
                "",
            )
        )


@functools.cache
def layers_of_host(unshare: tuple[str, ...], make_mount_point: str, writable: tuple[str, ...]) -> Layers | None:
    """Return the layers of this host's containers, found once; None, after a log line, if the kernel refuses them.

    Parameters
    ----------
    unshare : tuple of str
        The command line prefix that runs a program in a container's namespaces.
    make_mount_point : str
        The lines of shell that create /opt/ml if it is absent; ``$ml`` is a folder to mount on.
    writable : tuple of str
        Folders that a container must be able to write to, if the user can.
    """
    layers = plan(_mount_points(), writable)
    with tempfile.TemporaryDirectory() as folder:
        layers.write(Path(folder))
        (Path(folder) / HOSTS).touch()
        script = f"set -e; ml=$1; shift; {make_mount_point} {MOUNT}"
        tried = subprocess.run(
            [*unshare, "/bin/sh", "-c", script, "layers", folder, str(len(layers.covered))],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if tried.returncode == 0:
        return layers
    logger.warning(
        "Files that jobs write outside /opt/ml stay on this host: the kernel refused a layer over it (%s)."
        " Only the environment of their interpreter is protected from them: it is read-only.",
        " ".join(tried.stderr.split()),
    )
    return None


def plan(mount_points: Sequence[str], writable: Sequence[str] = ()) -> Layers:
    """Choose which folders to cover, and which of the file systems to make read-only.

    Parameters
    ----------
    mount_points : sequence of str
        The mount points of this host, including ``/``.
    writable : sequence of str
        Folders that a container must be able to write to, if the user can.
    """
    covered = list(_coverable("/", [*mount_points, _OPT_ML]))
    covered += [folder for folder in writable if _needs_its_own(folder)]
    left = [point for point in mount_points if point not in covered and not _is_in(point, _AS_THEY_ARE)]
    return Layers(covered, [point for point in left if os.geteuid() == 0 and os.access(point, os.W_OK)])


def _coverable(folder: str, mount_points: Sequence[str]) -> Iterator[str]:
    """Yield the largest folders in a folder, or the folder itself, that have no mounts below."""
    if _is_in(folder, _NOT_COVERED) or not os.access(folder, os.R_OK | os.X_OK):
        return
    inside = f"{folder.rstrip('/')}/"
    if not any(point.startswith(inside) and point != folder for point in mount_points):
        yield folder
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _coverable(entry.path, mount_points)


def _needs_its_own(folder: str) -> bool:
    """Return whether a folder needs its own layer because one above it would not do.

    A first write creates the parent folders in the upper layer, with their owners. In the user namespace of an
    unprivileged user, no owner but that user exists.
    """
    user, path = os.geteuid(), Path(folder)
    return path.stat().st_uid == user and any(up.stat().st_uid != user for up in path.parents)


def _is_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _mount_points() -> list[str]:
    """Return this host's mount points except those that cannot be looked up any more (fifth field, octal escapes)."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = dict.fromkeys(line.split()[4].encode().decode("unicode_escape") for line in lines)
    return [point for point in points if Path(point).exists()]


def _escaped(path: str, *, option: bool = False) -> str:
    """Return a path as fstab writes it; in an option, commas and colons are escaped for overlayfs first."""
    if option:
        path = path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")
    return path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
