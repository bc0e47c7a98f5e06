"""Keeping processes together on Linux: a child that ends with its parent, and signals to groups."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Loaded here and not in the function, which runs between fork and exec, where an import could deadlock.
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that forked it ends, however it ends.

    Meant for the child side of a fork. SIGKILL, not SIGTERM: a start right after the
    supervisor was killed must find the ports free, and every server's state is safe against kill -9 anyway.

    Parameters
    ----------
    parent_pid : int
        The parent, as it knew itself before the fork. If it is gone already, the process ends at once.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def kill_group(process_group: int, signal_number: int) -> bool:
    """Send a signal to every process of a group; False when the group is empty."""
    try:
        os.killpg(process_group, signal_number)
    except ProcessLookupError:
        return False
    return True
