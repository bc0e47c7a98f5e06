"""What can go wrong with local AWS as a whole. Each says what to do next, and has an exit code.

::

    LocalAwsError           exit code 1
    +-- NotLinuxError       namespaces and prctl are Linux's
    +-- NotRunningError     the command needs servers that are not there
    +-- PortInUseError      another program listens where a server should
    +-- StateDirError       the folder is not ours, or belongs to servers on other ports
    +-- StartFailedError    a server did not come up
    +-- HookMissingError    the installed MiniStack is another than the one this was built for
    +-- UnknownLogError     nothing of this name has a log, or several things have
    +-- UnknownMailError    no mail of this number, or none that asks for what was to be confirmed
    +-- ImageError          no such image of AWS, or it cannot be installed on this machine
"""


class LocalAwsError(Exception):
    """A mistake or a condition that the user can do something about; never shown with a stack trace."""

    exit_code = 1


class NotLinuxError(LocalAwsError):
    """Local AWS was started on another operating system than Linux."""


class NotRunningError(LocalAwsError):
    """The servers are not running."""


class PortInUseError(LocalAwsError):
    """A port that a server needs is taken, or not allowed to this user."""


class StateDirError(LocalAwsError):
    """The state folder cannot be used as it was asked."""


class StartFailedError(LocalAwsError):
    """A server ended, or did not answer in time."""


class HookMissingError(LocalAwsError):
    """MiniStack lacks a private name that is used here."""


class UnknownLogError(LocalAwsError):
    """No job, build, function, endpoint or execution has this name, or more than one."""


class UnknownMailError(LocalAwsError):
    """The mailbox has no such mail, or no subscription waits for it."""


class ImageError(LocalAwsError):
    """An image of AWS is unknown, or its environment cannot be made here."""
