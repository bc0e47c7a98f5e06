"""What can go wrong when a pipeline is defined or run, reported in one sentence and with an exit status.

RoadError             1   the work could not be done: model_road.errors
├── UsageError        2   the command, its options or the module it names are wrong
├── LocalAwsError     1   AWS on the laptop is not installed or does not start
├── NoModelError      1   batch transform needs an approved model, and the registry holds none
└── PipelineError     1   a pipeline could not be defined or run
"""

from model_road.errors import RoadError


class PipelineError(RoadError):
    """A pipeline could not be defined or run; the message says why and what to do next."""
