"""How a container's work can end badly.

::

    JobFailure    it fails, with this reason
    JobStopped    it was asked to stop, and did
"""


class JobFailure(Exception):
    """A job cannot go on; the text becomes its ``FailureReason``."""


class JobStopped(Exception):
    """A job was asked to stop and did."""
