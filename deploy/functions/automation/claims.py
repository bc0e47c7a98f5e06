"""Work done once, although events come several times and functions may end in the middle.

A DynamoDB table says what has been taken up, by conditional writes:

1. a claim is taken: `InProgress`, with a lease. A function that finds another's claim whose lease still runs
   waits a little, then fails, and the queue brings the message again; a claim whose lease is over is taken over, as its
   owner ended in the middle;
2. the work is done, with a token that is the same for the same claim, so that a service that takes a client's token
   starts one thing, even if the function ended between the start and the next line;
3. the claim is `Done`. A function that finds it so handles a repetition.

A subject whose state changes, such as a model package, is `entered` first: an event that is older than what is known of
it, or that brings no other state, is not new.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

# Longer than a function may run (30 s), shorter than a message stays invisible (180 s).
_LEASE_SECONDS = 90
_POLL_SECONDS = 0.2
_KEPT_SECONDS = 90 * 24 * 3600


class InProgressError(Exception):
    """Another invocation is working on it, and may still end in the middle."""


@dataclass(frozen=True)
class Claims:
    """The table of claims.

    Parameters
    ----------
    dynamodb : boto3 client
    table_name : str
    clock : callable() -> float
    patience_seconds : float
        How long to wait for another one to be done, before the message is left to come again.
    """

    dynamodb: Any
    table_name: str
    clock: Callable[[], float] = time.time
    patience_seconds: float = 5

    def once(self, key: str, work: Callable[[str], str]) -> str | None:
        """Do work that has not been done under this key.

        Parameters
        ----------
        key : str
        work : callable(token) -> str
            Returns what is stored as the result. When it raises, the claim is free again.

        Returns
        -------
        str or None
            The work's result; None: it was done before.

        Raises
        ------
        InProgressError
        """
        if not self._take_or_wait(key):
            return None
        try:
            result = work(token(key))
        except Exception:
            self._update(key, None, State="InProgress", LeaseUntil=0)
            raise
        self._update(key, None, State="Done", Result=result)
        return result

    def enter(self, subject: str, state: str, changed: str) -> bool:
        """Note the state that an event brings; return whether it is new, or the newest state once more.

        Parameters
        ----------
        subject, state : str
        changed : str
            When, in a form that sorts.
        """
        news = "attribute_not_exists(ClaimKey) OR (#Changed <= :Changed AND #State <> :State)"
        again = "(#Changed = :Changed AND #State = :State)"
        return self._update(subject, f"{news} OR {again}", State=state, Changed=changed) is None

    def latest(self, subject: str, changed: str) -> bool:
        """Note when something happened; return whether nothing later is known."""
        condition = "attribute_not_exists(ClaimKey) OR #Changed <= :Changed"
        return self._update(subject, condition, Changed=changed) is None

    def _take_or_wait(self, key: str) -> bool:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return self._take(key)
            except InProgressError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_SECONDS)

    def _take(self, key: str) -> bool:
        now = int(self.clock())
        known = self._update(
            key,
            "attribute_not_exists(ClaimKey) OR (#State = :State AND #LeaseUntil < :TakenAt)",
            State="InProgress",
            LeaseUntil=now + _LEASE_SECONDS,
            ExpiresAt=now + _KEPT_SECONDS,
            TakenAt=now,
        )
        if known and known["State"]["S"] != "Done":
            raise InProgressError(f"{key} is in progress elsewhere, until {known['LeaseUntil']['N']} at most")
        return known is None

    def _update(self, key: str, condition: str | None, **attributes: str | int) -> dict[str, Any] | None:
        """Set attributes; when the condition does not hold, return the existing item."""
        request: dict[str, Any] = {}
        if condition:
            request = {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            self.dynamodb.update_item(
                TableName=self.table_name,
                Key={"ClaimKey": {"S": key}},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": _attribute(value) for name, value in attributes.items()},
                **request,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            item: dict[str, Any] = error.response["Item"]
            return item
        return None


def _attribute(value: str | int) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def token(key: str) -> str:
    """Return the client token for what is started under a key: the same for the same key."""
    return hashlib.sha256(key.encode()).hexdigest()


def sortable(value: Any) -> str:
    """Return a time of an AWS event (ISO 8601, or milliseconds as a number or as text) in one form that sorts."""
    if isinstance(value, int | float) or value.replace(".", "", 1).isdigit():
        seconds, milliseconds = divmod(int(float(value)), 1000)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}Z"
    text = str(value).removesuffix("Z")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction[:3]:0<3}Z"
