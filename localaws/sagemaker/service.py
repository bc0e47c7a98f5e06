"""The API without HTTP: an operation's name and a request in, an answer or an ApiError out."""

from localaws.document import Document
from localaws.sagemaker import search
from localaws.sagemaker.errors import UnsupportedOperation
from localaws.sagemaker.families import documents as simple_families
from localaws.sagemaker.families import table as families
from localaws.sagemaker.families import tags
from localaws.sagemaker.hosting import operations as hosting_operations
from localaws.sagemaker.hosting.host import Host
from localaws.sagemaker.hosting.routes import Routes
from localaws.sagemaker.jobs import operations as job_operations
from localaws.sagemaker.lineage import associations, experiments
from localaws.sagemaker.parts import Control
from localaws.sagemaker.pipelines import operations as pipelines
from localaws.sagemaker.pipelines import versions as pipeline_versions
from localaws.sagemaker.pipelines.executor import Executor
from localaws.sagemaker.registry import group_policy
from localaws.sagemaker.registry import operations as registry
from localaws.sagemaker.service_model import answer, check_request, operation_names
from localaws.sagemaker.tuning import operations as tuning_operations
from localaws.sagemaker.tuning.tuner import Tuner
from localaws.sagemaker.unsupported import refuse_unsupported


class Api:
    """All operations of one local SageMaker.

    Parameters
    ----------
    control : Control
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._known = operation_names()  # loads botocore's model now, not in the first caller's time
        self.executor = Executor(control, self.call)
        self.tuner = Tuner(control, self.call)
        self.routes = Routes()
        self.host = Host(control, self.routes)
        self._handlers = {
            **families.handlers(),
            **tags.handlers(),
            **simple_families.handlers(),
            **experiments.handlers(),
            **associations.handlers(),
            **search.handlers(),
            **job_operations.handlers(),
            **registry.handlers(),
            **group_policy.handlers(),
            **pipelines.handlers(self.executor),
            **pipeline_versions.handlers(),
            **tuning_operations.handlers(self.tuner),
            **hosting_operations.handlers(self.host),
        }

    @property
    def operations(self) -> frozenset[str]:
        """The names of the operations that are there."""
        return frozenset(self._handlers)

    def call(self, operation: str, request: Document) -> Document:
        """Check and carry out one request.

        Parameters
        ----------
        operation : str
            Such as ``CreateTrainingJob``.
        request : dict
            Members as in botocore's model, times in seconds since the epoch.

        Raises
        ------
        ApiError
            The request is wrong, or cannot be carried out.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            known = "is an operation of SageMaker which" if operation in self._known else "is none that"
            raise UnsupportedOperation(f"{operation} {known} the local SageMaker does not have")
        check_request(operation, request)
        refuse_unsupported(operation, request)
        return answer(operation, handler(self._control, request))
