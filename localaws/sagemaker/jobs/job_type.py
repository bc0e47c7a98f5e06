"""What differs between processing, training and batch transform jobs."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from localaws.document import Document

if TYPE_CHECKING:
    from localaws.sagemaker.jobs.runner import Job, JobRunner

FINAL = ("Completed", "Failed", "Stopped")
DAY_SECONDS = 86_400


class JobType(ABC):
    """A type of job.

    Attributes
    ----------
    noun : str
        ``Processing``, ``Training`` or ``Transform``: the first word of the members' names.
    """

    noun: ClassVar[str]

    @property
    def kind(self) -> str:
        """The word for such jobs in ARNs, such as ``training-job``."""
        return f"{self.noun.lower()}-job"

    @property
    def status(self) -> str:
        """The member that holds the status, such as ``TrainingJobStatus``."""
        return f"{self.noun}JobStatus"

    @abstractmethod
    def check(self, request: Document, runner: "JobRunner") -> None:
        """Refuse a request that is invalid beyond botocore's model."""

    @abstractmethod
    def run(self, job: "Job") -> None:
        """Stage the job's folder, run its container, upload the results.

        Raises
        ------
        JobFailure
            If the job fails; with the reason.
        JobStopped
            If the job was asked to stop.
        """

    def completed(self, request: Document) -> Document:
        """Return the request with what AWS adds to it before the job begins."""
        return request

    def results(self, request: Document) -> Document:  # noqa: ARG002 - training jobs only
        """Return the members that say where the results of a job will be."""
        return {}

    def move(self, document: Document, secondary_status: str, now: float) -> None:  # noqa: B027 - training jobs only
        """Set a secondary status, and its history, in a job's document."""

    def times(self, document: Document, now: float) -> Document:  # noqa: ARG002 - training jobs only
        """Return the members that say how long a job took that ends now."""
        return {}
