"""What can go wrong in any command, reported in one sentence and with an exit status.

    RoadError            1   the work could not be done
    ├── UsageError       2   the command, its options or a file that it names are wrong
    ├── LocalAwsError    1   AWS on the laptop is not installed or does not start
    └── NoModelError     1   the registry holds no such version of a model, or no approved one

A message names the command to go on with in backquotes, with its own arguments: `model_road.proposals` completes it.

`pipelines.errors` and `deploy.errors` extend this tree. The console scripts print the message and exit with the
status; no other exception of ours reaches a user.
"""


class RoadError(Exception):
    """The work could not be done; the message says why and what to do next."""

    exit_status = 1


class UsageError(RoadError):
    """The user's mistake: an option, a value, or what an option names."""

    exit_status = 2


class LocalAwsError(RoadError):
    """`local-aws` is missing, or did not bring AWS up on this machine."""


class NoModelError(RoadError):
    """The registry holds no such version of a model, or no approved one."""
