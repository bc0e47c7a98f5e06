"""What can go wrong when a pipeline is defined or run, told in one sentence and with an exit status.

    PipelineError               1   the work could not be done
    ├── UsageError              2   the command, its options or the module it names are wrong
    ├── NoApprovedModelError    1   batch transform was asked for, and nobody has approved a model
    └── LocalAwsError           1   AWS on the laptop is not installed or does not start

The console scripts print the message and leave with the status; nothing else of ours reaches a user.
"""


class PipelineError(Exception):
    """The work could not be done; the message says why and what to do next."""

    exit_status = 1


class UsageError(PipelineError):
    """The user's mistake: an option, a value, or the module that an option names."""

    exit_status = 2


class NoApprovedModelError(PipelineError):
    """The model package group holds no approved version."""


class LocalAwsError(PipelineError):
    """`local-aws` is missing, or did not bring AWS up on this machine."""
