"""Why a training job fails.

::

    AlgorithmError     something went wrong in the algorithm
    +-- ClientError    what the user has to change: a hyperparameter, a channel, a file
"""


class AlgorithmError(Exception):
    """The training failed; its name and text become the job's FailureReason."""

    exit_code = 1


class ClientError(AlgorithmError):
    """The training failed for something that the user has to change."""

    exit_code = 2
