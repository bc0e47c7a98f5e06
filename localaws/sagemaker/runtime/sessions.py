"""Stateful sessions: requests of one session go to the instance that opened it.

A caller opens a session with ``NEW_SESSION``; the model server answers with
``X-Amzn-SageMaker-New-Session-Id: id; Expires=time`` and later, to close it, with
``X-Amzn-SageMaker-Closed-Session-Id``. A session ends with its instance.

Source: "Stateful inference with Amazon SageMaker AI models" in the SageMaker Developer Guide.
"""

from collections import OrderedDict

from localaws.sagemaker.hosting.routes import Fleet, Route, Variant
from localaws.sagemaker.runtime.client import Answer
from localaws.sagemaker.runtime.errors import ValidationError
from localaws.sagemaker.runtime.invocation import Request

SESSION_ID = b"x-amzn-sagemaker-session-id"
NEW_SESSION_ID = b"x-amzn-sagemaker-new-session-id"
CLOSED_SESSION_ID = b"x-amzn-sagemaker-closed-session-id"

_NEW = "NEW_SESSION"
_MOST = 100_000


class Sessions:
    """Which instance has which session."""

    def __init__(self) -> None:
        self._instances: OrderedDict[str, str] = OrderedDict()

    def instance_of(self, request: Request) -> str | None:
        """Return the ID of the instance that has the request's session; None if it does not belong to one yet.

        Raises
        ------
        ValidationError
            If the session does not exist.
        """
        session = request.headers.get(SESSION_ID, b"").decode("latin-1")
        if session in ("", _NEW):
            return None
        instance_id = self._instances.get(session)
        if instance_id is None:
            raise ValidationError(f"Session {session} is not found: it was closed, or never opened.")
        return instance_id

    def note(self, instance_id: str, answer: Answer) -> None:
        """Record what an instance's answer says about sessions."""
        if opened := answer.headers.get(NEW_SESSION_ID):
            self._instances[opened.decode("latin-1").partition(";")[0].strip()] = instance_id
            if len(self._instances) > _MOST:
                self._instances.popitem(last=False)
        if closed := answer.headers.get(CLOSED_SESSION_ID):
            self._instances.pop(closed.decode("latin-1").strip(), None)


def place_of(route: Route, instance_id: str, request: Request) -> tuple[Fleet, Variant]:
    """Return the fleet and the variant that an instance belongs to.

    Raises
    ------
    ValidationError
        If the instance is gone, and the session with it.
    """
    for fleet in route.fleets:
        for variant in fleet.variants:
            if any(instance.instance_id == instance_id for instance in variant.instances):
                return fleet, variant
    session = request.headers[SESSION_ID].decode("latin-1")
    raise ValidationError(f"Session {session} is not available any more: its instance is gone.")
