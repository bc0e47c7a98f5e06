"""The record of a build: its phases, its status, and the events that announce both.

Every change is stored before anything else happens, and a build that has ended does not change any more.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from localaws.document import Document
from localaws.service.outbox import Outbox
from localaws.storage.store import Resource, Store

KIND = "codebuild/build"
IN_PROGRESS = "IN_PROGRESS"


class BuildRecord:
    """The document of one build.

    Parameters
    ----------
    store : Store
    outbox : Outbox
    arn : str
        The build's ARN.
    """

    def __init__(self, store: Store, outbox: Outbox, arn: str) -> None:
        self._store, self._outbox, self.arn = store, outbox, arn

    def announce(self) -> None:
        """Announce the build's status."""
        document = self.document
        detail = {
            "build-status": document["buildStatus"],
            **_common(document),
            "current-phase": document["currentPhase"],
            "current-phase-context": _contexts(document["phases"][-1]),
        }
        self._outbox.event("codebuild", "CodeBuild Build State Change", detail, [self.arn])

    @property
    def document(self) -> Document:
        """The build as returned by BatchGetBuilds."""
        return self._resource().document

    @property
    def internal(self) -> Document:
        """What only this server needs."""
        return self._resource().internal

    def update(self, **members: Any) -> None:
        """Set members of the document."""
        self._change(lambda document: document.update(members))

    def begin(self, phase: str, at: float | None = None) -> None:
        """Begin a phase."""

        def edit(document: Document) -> None:
            document["currentPhase"] = phase
            document["phases"].append({"phaseType": phase, "startTime": at or time.time()})

        self._change(edit)

    def end(
        self, status: str, status_code: str = "", message: str = "", at: float | None = None, phase: str | None = None
    ) -> None:
        """End the current phase; do nothing if there is none or if it is not `phase`."""
        ended: list[Document] = []

        def edit(document: Document) -> None:
            last = document["phases"][-1]
            if "phaseStatus" in last or phase not in (None, last["phaseType"]):
                return
            now = at or time.time()
            last.update(
                phaseStatus=status,
                endTime=now,
                durationInSeconds=round(now - last["startTime"]),
                contexts=[{"statusCode": status_code, "message": message}],
            )
            ended.append(last)

        with self._store.transaction():
            self._change(edit)
            if ended:
                self._announce_phase(ended[0])

    def finish(self, status: str) -> None:
        """End the build."""

        def edit(document: Document) -> None:
            now = time.time()
            document["phases"].append({"phaseType": "COMPLETED", "startTime": now})
            document.update(buildStatus=status, currentPhase="COMPLETED", endTime=now, buildComplete=True)

        with self._store.transaction():
            if self._change(edit):
                self.announce()

    def _change(self, edit: Callable[[Document], object]) -> bool:
        changed: list[bool] = []

        def change(document: Document, _: Document) -> dict[str, str]:
            if not document["buildComplete"]:
                edit(document)
                changed.append(True)
            return {"status": document["buildStatus"]}

        self._store.change(self.arn, change)
        return bool(changed)

    def _resource(self) -> Resource:
        found = self._store.by_arn(self.arn)
        if found is None:
            raise KeyError(f"The build {self.arn} was deleted while it ran")
        return found

    def _announce_phase(self, phase: Document) -> None:
        detail = {
            "completed-phase": phase["phaseType"],
            "completed-phase-status": phase["phaseStatus"],
            "completed-phase-start": _time(phase["startTime"]),
            "completed-phase-end": _time(phase["endTime"]),
            "completed-phase-duration-seconds": phase["durationInSeconds"],
            "completed-phase-context": _contexts(phase),
            **_common(self.document),
        }
        self._outbox.event("codebuild", "CodeBuild Build Phase Change", detail, [self.arn])


def _common(document: Document) -> Document:
    source = document["source"]
    environment = document["environment"]
    variables = environment.get("environmentVariables", [])
    return {
        "project-name": document["projectName"],
        "build-id": document["arn"],
        "additional-information": {
            "artifact": {name: document["artifacts"].get(name, "") for name in ("md5sum", "sha256sum", "location")},
            "environment": {
                "image": environment["image"],
                "privileged-mode": environment.get("privilegedMode", False),
                "compute-type": environment["computeType"],
                "type": environment["type"],
                "environment-variables": variables,
            },
            "timeout-in-minutes": document["timeoutInMinutes"],
            "build-complete": document["buildComplete"],
            "initiator": document["initiator"],
            "build-start-time": _time(document["startTime"]),
            "source": {name: source[name] for name in ("location", "type") if name in source},
            "logs": _logs(document["logs"]),
            "phases": [_phase(phase) for phase in document["phases"]],
        },
        "version": "1",
    }


def _logs(logs: Document) -> Document:
    names = {"groupName": "group-name", "streamName": "stream-name", "deepLink": "deep-link"}
    return {names[name]: value for name, value in logs.items() if name in names}


def _phase(phase: Document) -> Document:
    shown = {"phase-type": phase["phaseType"], "start-time": _time(phase["startTime"])}
    if "endTime" not in phase:
        return shown
    return {
        **shown,
        "phase-context": json.loads(_contexts(phase)),
        "end-time": _time(phase["endTime"]),
        "duration-in-seconds": phase["durationInSeconds"],
        "phase-status": phase["phaseStatus"],
    }


def _contexts(phase: Document) -> str:
    """Return a phase's contexts as events contain them: a list of ``code: message``, as text."""
    contexts = phase.get("contexts", [])
    return json.dumps([f"{context['statusCode']}: {context['message']}" for context in contexts])


def _time(seconds: float) -> str:
    """Format a time as in ``Sep 1, 2017 4:12:29 PM``."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%b} {at.day}, {at.year} {at.hour % 12 or 12}:{at:%M:%S %p}"
