"""Events that are not lost: kept in the store together with what they tell of, sent afterwards.

An event is written in the transaction that changes a resource; `Outbox.send` hands what is there to EventBridge and
forgets what has arrived. A server that dies in between sends it after its next start: at least once, as AWS does.
"""

import json
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document
from localaws.service.context import Context
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)


class Outbox:
    """The events of one service.

    Parameters
    ----------
    context : Context
    service : str
        Such as ``codepipeline``: the source is ``aws.codepipeline``.
    """

    def __init__(self, context: Context, service: str) -> None:
        self._context, self._service = context, service
        self._kind = f"{service}/event"

    def put(self, detail_type: str, detail: Document, resources: Sequence[str]) -> None:
        """Write an event down; inside a transaction, it is there when the transaction is."""
        number = uuid.uuid4().hex
        entry = {
            "Source": f"aws.{self._service}",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
            "Time": datetime.now(UTC).isoformat(),
        }
        self._context.store.add(Resource(self._kind, number, f"{self._kind}/{number}", entry))

    def send(self) -> None:
        """Send what is there, in order; what EventBridge cannot take now stays."""
        for event in self._context.store.every(self._kind):
            try:
                answer = self._context.aws.client("events").put_events(Entries=[event.document])
            except (BotoCoreError, ClientError) as error:
                logger.warning("An event waits for EventBridge: %s", error)
                return
            if answer["FailedEntryCount"]:
                logger.error("EventBridge refuses an event: %s: %s", answer["Entries"], event.document)
            self._context.store.remove(event.arn)
