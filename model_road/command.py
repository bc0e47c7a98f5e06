"""How every command ends: an error becomes one sentence and a status.

Status 0 is success, 1 that the work could not be done, 2 a mistake in the command (argparse's own status
too), 130 an interruption by Ctrl-C, 141 that the reader of the output is gone, as after `| head`. Nothing heavy is
imported before the options have been understood.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from model_road import aws, proposals
from model_road.advice import advice
from model_road.errors import RoadError, UsageError

INTERRUPTED = 130
UNREAD = 141


def exit_status(work: Callable[[], int], options: str = "") -> int:
    """Do the work of a command; if it cannot be done, print why in one sentence.

    Only a defect of this package still ends in a stack trace.

    Parameters
    ----------
    work : callable() -> int
    options : str
        The options of the user's command that proposed commands repeat: see `model_road.proposals`.
    """
    try:
        status = work()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Python flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except RoadError as error:
        _complain(error, options)
        return error.exit_status
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except Exception as error:
        return _aws_status(error, options)


def shell_command(shell_setup: str, command: str) -> str:
    """Return a command that can be pasted into a new shell."""
    return f"{shell_setup} && {command}" if shell_setup else command


def _aws_status(error: Exception, options: str) -> int:
    """Print an error of the AWS SDK in its own words and return the exit status; raise any other again."""
    if not aws.is_error(error):
        raise error
    if aws.is_unconfigured(error):
        _complain(f"{error} Add --local to run on this machine, without an AWS account.")
        return UsageError.exit_status
    then = advice(error)
    _complain(f"{error}{' -- ' if then else ''}{then}", options)
    return RoadError.exit_status


def _complain(message: object, options: str = "") -> None:
    print(f"{Path(sys.argv[0]).stem}: {proposals.completed(str(message), options)}", file=sys.stderr)
