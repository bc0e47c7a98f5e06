"""Polled sources: a new revision starts the pipeline, unless an EventBridge rule is to do so.

AWS polls a source about once a minute.
"""

import logging
import time
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from localaws.api_errors import ApiError
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codecommit.git import GitError
from localaws.services.codepipeline.actions.action import SourceProvider, acting_for
from localaws.services.codepipeline.declarations import KIND
from localaws.services.codepipeline.executions import Executions
from localaws.services.codepipeline.structure import Providers
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

_SECONDS = 2.0


class Polling:
    """Polls the sources of all pipelines.

    Parameters
    ----------
    context : Context
    executions : Executions
    providers : mapping of (category, provider) to Provider
    """

    def __init__(self, context: Context, executions: Executions, providers: Providers) -> None:
        self._context, self._executions, self._providers = context, executions, providers
        self._next = 0.0

    def look(self) -> None:
        """Poll each source that is due."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SECONDS
        for pipeline in self._context.store.every(KIND):
            for provider, action in self._polled(pipeline.document):
                self._look_at(pipeline, provider, action)

    def _polled(self, declaration: Document) -> Iterator[tuple[SourceProvider, Document]]:
        for action in declaration["stages"][0]["actions"]:
            configuration = action.get("configuration", {})
            asked = configuration.get("PollForSourceChanges", configuration.get("DetectChanges", "true"))
            kind = action["actionTypeId"]
            provider = self._providers[(kind["category"], kind["provider"])]
            if asked == "true" and isinstance(provider, SourceProvider):
                yield provider, action

    def _look_at(self, pipeline: Resource, provider: SourceProvider, action: Document) -> None:
        """Start the pipeline if there is a new revision; a busy source stage will fetch that itself."""
        name = action["name"]
        try:
            context = acting_for(self._context, pipeline.document["roleArn"], action.get("roleArn"))
            newest = provider.latest(context, action["configuration"])
        except (BotoCoreError, ClientError, ApiError, GitError) as error:
            logger.warning("The source %s of %s cannot be polled: %s", name, pipeline.name, error)
            return
        with self._context.store.transaction():
            known = self._context.store.by_arn(pipeline.arn)
            if known is None or newest is None or newest == known.internal["seen"].get(name):
                return
            if any(execution.internal["stage"] == 0 for execution in self._executions.running(known)):
                return
            self._context.store.change(known.arn, lambda _, internal: internal["seen"].update({name: newest}))
            trigger = {"triggerType": "PollForSourceChanges", "triggerDetail": name}
            self._executions.start(known, trigger)
