"""What a check has found: a verdict on one property of one resource, and what to do about it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from model_road import proposals


class Status(StrEnum):
    """How a check ended; only FAILED is held against the project."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    Attributes
    ----------
    why : str
        What was seen.
    action : str
        What to do next; empty when there is nothing to do.
    """

    status: Status
    why: str
    action: str = ""


@dataclass(frozen=True)
class Finding:
    """A verdict on a resource.

    Attributes
    ----------
    resource : str
        What was looked at, as a person calls it.
    physical_id : str
        What CloudFormation calls it.
    check : str
        What was looked for.
    """

    resource: str
    physical_id: str
    check: str
    verdict: Verdict

    def completed(self, options: str) -> "Finding":
        """Return the finding with the commands that it proposes completed: see `model_road.proposals`."""
        action = proposals.completed(self.verdict.action, options)
        return replace(self, verdict=replace(self.verdict, action=action))

    @property
    def document(self) -> dict[str, str]:
        """The finding for a program."""
        said = self.verdict
        return {
            "Resource": self.resource,
            "PhysicalResourceId": self.physical_id,
            "Check": self.check,
            "Status": said.status.value,
            "Why": said.why,
            "Action": said.action,
        }


def ok(why: str) -> Verdict:
    """Return the verdict that all is well."""
    return Verdict(Status.OK, why)


def warning(why: str, action: str) -> Verdict:
    """Return the verdict that something is not there yet, or will be missed."""
    return Verdict(Status.WARNING, why, action)


def failed(why: str, action: str) -> Verdict:
    """Return the verdict that something is missing or wrong."""
    return Verdict(Status.FAILED, why, action)


def unknown(why: str, action: str) -> Verdict:
    """Return the verdict that this cannot be known from here."""
    return Verdict(Status.UNKNOWN, why, action)
