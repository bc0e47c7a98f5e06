"""How a container's work can fail.

::

    JobFailure    it failed, with this reason
    JobStopped    it was stopped on request
"""


class JobFailure(Exception):
    """A job cannot continue; the text becomes its ``FailureReason``."""


class JobStopped(Exception):
    """A job was stopped on request."""
