"""Delivers events to targets: in threads, with EventBridge's retry policy, and to dead-letter queues if that fails.

Source: "How EventBridge retries delivering events" and "Using dead-letter queues to process undelivered events" in the
EventBridge User Guide.
"""

import heapq
import json
import logging
import random
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.account.clients import Aws
from localaws.ministack.eventbridge.failures import Failure, PolicyError, TargetError, failure
from localaws.ministack.eventbridge.metrics import RuleMetrics
from localaws.ministack.eventbridge.spool import Entry, Spool
from localaws.ministack.eventbridge.targets import Allows, Delivery, call_for, caller, make

logger = logging.getLogger(__name__)

_MOST_ATTEMPTS, _OLDEST_SECONDS = 185, 86_400
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 60.0
_LANES = 8
# The server whose port is called is only about to listen.
_AFTER_A_START_SECONDS = 1.0


class Courier:
    """Makes deliveries, as EventBridge calls them, until it is closed.

    Parameters
    ----------
    spool : Spool
    aws : Aws
    allows : callable(principal, action, ARN, rule's ARN) -> bool
        Whether the policy of what is called, such as a queue, allows EventBridge.
    metrics : RuleMetrics
    """

    def __init__(self, spool: Spool, aws: Aws, allows: Allows, metrics: RuleMetrics) -> None:
        self._spool, self._aws, self._allows, self._metrics = spool, aws, allows, metrics
        # One thread for all deliveries to a target, so that its events stay in order as long as nothing fails.
        self._lanes = [ThreadPoolExecutor(max_workers=1, thread_name_prefix="courier") for _ in range(_LANES)]
        self._aws_by_account: dict[str, Aws] = {}
        self._due: list[tuple[float, int, Entry]] = []
        self._changed = threading.Condition()
        self._closed = False

    def start(self) -> None:
        """Begin, with what an earlier process left."""
        for entry in self._spool.entries():
            self._plan(entry, _AFTER_A_START_SECONDS)
        threading.Thread(target=self._run, name="courier", daemon=True).start()

    def close(self) -> None:
        """End; what is not delivered yet stays on disk."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        for lane in self._lanes:
            lane.shutdown(wait=False, cancel_futures=True)

    def take(self, delivery: Delivery) -> None:
        """Deliver, soon."""
        self._plan(self._spool.add(delivery), 0.0)

    def _plan(self, entry: Entry, wait: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + wait, entry.number, entry))
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                else:
                    entry = heapq.heappop(self._due)[2]
                    lane = zlib.crc32(entry.delivery.target["Arn"].encode()) % _LANES
                    self._lanes[lane].submit(self._attempt, entry)

    def _attempt(self, entry: Entry) -> None:
        rule_arn = entry.delivery.rule_arn
        self._metrics.attempted(rule_arn, again=entry.attempts > 0)
        try:
            make(call_for(entry.delivery), caller(entry.delivery, self._aws_of(rule_arn), self._allows))
        except (ClientError, BotoCoreError, TargetError, PolicyError) as error:
            self._after(entry, failure(error))
        except Exception:
            logger.exception("A delivery to %s failed", entry.delivery.target["Arn"])
            self._metrics.failed(rule_arn)
            self._spool.remove(entry)
        else:
            self._metrics.succeeded(rule_arn)
            self._spool.remove(entry)

    def _aws_of(self, rule_arn: str) -> Aws:
        """Return the other services as the account of a rule, a schedule or an alarm reaches them."""
        account_id = rule_arn.split(":")[4]
        with self._changed:
            if account_id not in self._aws_by_account:
                self._aws_by_account[account_id] = self._aws.of_account(account_id)
            return self._aws_by_account[account_id]

    def _after(self, entry: Entry, found: Failure) -> None:
        """Plan another attempt, or give the delivery up."""
        policy = entry.delivery.target.get("RetryPolicy", {})
        exhausted = ""
        if entry.attempts >= int(policy.get("MaximumRetryAttempts", _MOST_ATTEMPTS)):
            exhausted = "MaximumRetryAttempts"
        elif time.time() - entry.taken >= int(policy.get("MaximumEventAgeInSeconds", _OLDEST_SECONDS)):
            exhausted = "MaximumEventAgeInSeconds"
        if found.retryable and not exhausted:
            longest = min(_FIRST_WAIT_SECONDS * 2**entry.attempts, _LONGEST_WAIT_SECONDS)
            self._plan(self._spool.failed(entry), random.uniform(longest / 2, longest))  # noqa: S311 - only spreads
            return
        logger.warning("%s: no delivery to %s: %s", found.code, entry.delivery.target["Arn"], found.message)
        self._metrics.failed(entry.delivery.rule_arn)
        self._bury(entry, found, exhausted if found.retryable else "")
        self._spool.remove(entry)

    def _bury(self, entry: Entry, found: Failure, exhausted: str) -> None:
        """Put an event that cannot be delivered into the target's dead-letter queue, if it has one."""
        queue_arn = entry.delivery.target.get("DeadLetterConfig", {}).get("Arn")
        if not queue_arn:
            return
        *_, account, name = queue_arn.split(":")
        words = {
            "RULE_ARN": entry.delivery.rule_arn,
            "TARGET_ARN": entry.delivery.target["Arn"],
            "ERROR_CODE": found.code,
            "ERROR_MESSAGE": found.message,
            "RETRY_ATTEMPTS": str(entry.attempts),
            "EXHAUSTED_RETRY_CONDITION": exhausted,
        }
        attributes: dict[str, Any] = {
            key: {"DataType": "String", "StringValue": value} for key, value in words.items() if value
        }
        try:
            letters = Delivery({**entry.delivery.target, "Arn": queue_arn}, {}, None, entry.delivery.rule_arn)
            caller(letters, self._aws_of(letters.rule_arn), self._allows)("sqs").send_message(
                QueueUrl=f"https://sqs.amazonaws.com/{account}/{name}",
                MessageBody=json.dumps(entry.delivery.event),
                MessageAttributes=attributes,
            )
        except (ClientError, BotoCoreError, TargetError, PolicyError) as error:
            logger.warning("The dead-letter queue %s took nothing: %s", queue_arn, error)
            self._metrics.buried(entry.delivery.rule_arn, delivered=False)
        else:
            self._metrics.buried(entry.delivery.rule_arn, delivered=True)
