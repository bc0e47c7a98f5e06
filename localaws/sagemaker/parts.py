"""The parts of one local SageMaker that every operation works with."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Self

from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.jobs.runner import JobRunner
from localaws.service.context import Context


@dataclass(frozen=True)
class Parts(Context):
    """The context of one local SageMaker, and the runner of its jobs."""

    aws: SageMakerAws
    jobs: JobRunner = field(kw_only=True)

    @classmethod
    def made_of(cls, context: Context) -> Self:
        """Return the parts of the local SageMaker with this context."""
        aws = SageMakerAws.of(context.aws)
        jobs = JobRunner(context.store, aws, context.outbox, context.state_dir, context.account_dir)
        given = {field.name: getattr(context, field.name) for field in fields(context)}
        return cls(**given | {"aws": aws}, jobs=jobs)

    @property
    def created_by(self) -> Document:
        """The ``UserContext`` in documents that have one."""
        return self.aws.user_context

    def tag(self, arn: str, request: Document) -> None:
        """Store the Tags of a Create request."""
        self.store.tag(arn, {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []})


Handler = Callable[[Parts, Document], Document]
"""An operation: takes a validated request and returns the answer's members; any other members are dropped."""
