"""SageMaker as a service: its operations, its runtime, and what runs when its server starts and ends."""

from collections.abc import Mapping
from functools import partial

from localaws.document import Document
from localaws.protocol.asgi import Application
from localaws.sagemaker import search
from localaws.sagemaker.errors import ConflictException
from localaws.sagemaker.families import documents, table, tags
from localaws.sagemaker.hosting import operations as hosting
from localaws.sagemaker.hosting.host import Host
from localaws.sagemaker.hosting.routes import Routes
from localaws.sagemaker.jobs import operations as jobs
from localaws.sagemaker.lineage import associations, experiments
from localaws.sagemaker.lineage.graph import IN_COLUMNS_OF_THEIR_OWN
from localaws.sagemaker.parts import Parts
from localaws.sagemaker.pipelines import operations as pipelines
from localaws.sagemaker.pipelines import versions
from localaws.sagemaker.pipelines.executor import Executor
from localaws.sagemaker.registry import group_policy, sharing
from localaws.sagemaker.registry import operations as registry
from localaws.sagemaker.runtime.api import PREFIX, Runtime
from localaws.sagemaker.tuning import operations as tuning
from localaws.sagemaker.tuning.tuner import Tuner
from localaws.sagemaker.unsupported import refuse_unsupported
from localaws.service.context import Context
from localaws.service.service import Handler, Service


class SageMaker(Service):
    """One local SageMaker.

    Parameters
    ----------
    context : Context
    """

    name = "sagemaker"
    token_mismatch = ConflictException

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.store.define(IN_COLUMNS_OF_THEIR_OWN)
        self._parts = Parts.made_of(context)
        self._routes = Routes()
        self._executor = Executor(self._parts, self.call)
        self._tuner = Tuner(self._parts, self.call)
        self._host = Host(self._parts, self._routes)
        self._runtime = Runtime.made_of(self._parts, self._routes)
        self._parts.jobs.recover(jobs.JOB_TYPES)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        found = {
            **table.handlers(),
            **tags.handlers(),
            **documents.handlers(),
            **experiments.handlers(),
            **associations.handlers(),
            **search.handlers(self._host),
            **jobs.handlers(),
            **registry.handlers(),
            **group_policy.handlers(),
            **pipelines.handlers(self._executor),
            **versions.handlers(),
            **tuning.handlers(self._tuner),
            **hosting.handlers(self._host),
        }
        return {name: partial(handler, self._parts) for name, handler in found.items()}

    def call(self, operation: str, request: Document) -> Document:
        """Check and carry out one request, where its model package is: see `Service.call`."""
        owner = sharing.owner(self._parts, operation, request)
        return super().call(operation, request) if owner is None else owner.call(operation, request)

    def routes(self) -> Mapping[str, Application]:
        """Return the application of SageMaker Runtime."""
        return {PREFIX: self._runtime}

    def refuse_unsupported(self, operation: str, request: Document) -> None:
        """Refuse what `localaws.sagemaker.unsupported` lists."""
        refuse_unsupported(operation, request)

    async def start(self) -> None:
        """Resume the asynchronous invocations that the last server did not finish."""
        await self._runtime.start()

    def recover(self) -> None:
        """Restore the endpoints, tuning jobs and executions of the last server."""
        self._host.recover()
        self._tuner.recover()
        self._executor.recover()

    def close(self) -> None:
        """End the jobs; send the captured data and metrics of the endpoints."""
        self._runtime.close()
        self._host.close()
        self._tuner.close()
        self._parts.jobs.close()
