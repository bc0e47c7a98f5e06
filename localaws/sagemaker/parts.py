"""The parts of one local SageMaker, put together: what every operation works with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localaws.document import Document
from localaws.sagemaker.aws import Aws
from localaws.sagemaker.jobs.runner import JobRunner
from localaws.sagemaker.notifier import Notifier
from localaws.storage.store import Store


@dataclass(frozen=True)
class Control:
    """One local SageMaker.

    Attributes
    ----------
    created_by : dict
        The ``UserContext`` in documents that have one.
    """

    store: Store
    aws: Aws
    notifier: Notifier
    jobs: JobRunner
    state_dir: Path

    @property
    def created_by(self) -> Document:
        """Who made a resource."""
        return self.aws.user_context

    def tag(self, arn: str, request: Document) -> None:
        """Store the Tags of a Create request."""
        self.store.tag(arn, {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []})


Handler = Callable[[Control, Document], Document]
"""An operation: gets a checked request, returns the answer's members and perhaps more, which are cut off."""
