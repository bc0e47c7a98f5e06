"""What can go wrong when a model is deployed, reported in one sentence and with an exit status.

RoadError                1   the work could not be done: model_road.errors
├── UsageError           2   the command, its options or a configuration file are wrong
├── NoModelError         1   the registry holds no such version of a model, or no approved one
└── DeployError          1   a stack, an endpoint or the registry is not as it must be
    ├── NotReleasedError 1   the model has not been tested in staging, or not been approved after that
    ├── NotAsApprovedError 1 the model is not approved, or has changed since
    └── StackError       1   CloudFormation could not bring a stack to what was asked for
"""

from model_road.errors import RoadError


class DeployError(RoadError):
    """A stack, an endpoint or the registry is not as it must be; the message says what to do next."""


class NotReleasedError(DeployError):
    """The model has not passed the test in staging, or has not been approved after that."""


class NotAsApprovedError(DeployError):
    """The model is not approved in the registry, or is not what was approved; the message says what to do next."""


class StackError(DeployError):
    """CloudFormation failed, and went back to what was there before."""
