"""A check: its name, and the function that looks at a subject and judges it; and a catalog of them.

What is examined as a whole (a project that is there, or one that is to be made), and what its parts are, each catalog
says: `check-project` has one in deploy/check, `deploy-model doctor` in deploy/doctor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from deploy.check.finding import Verdict


class Subject(Protocol):
    """Something that is checked."""

    @property
    def type(self) -> str:
        """What the catalog has its checks under."""

    @property
    def physical_id(self) -> str:
        """Its name or identifier in AWS."""

    @property
    def label(self) -> str:
        """What the table calls it."""

    @property
    def name(self) -> str:
        """What a sentence calls it."""

    @property
    def when_absent(self) -> str:
        """What to do when AWS says that there is no such thing."""


Whole = TypeVar("Whole")
Part = TypeVar("Part", bound=Subject)


@dataclass(frozen=True)
class Check(Generic[Whole, Part]):
    """What is looked for in a subject, and who looks.

    The first check of a type says whether the subject is there and at work; when it is not, the others are spared. A
    judge returns None when the check has nothing to say about this subject.
    """

    name: str
    judge: Callable[[Whole, Part], Verdict | None]


@dataclass(frozen=True)
class Catalog(Generic[Whole, Part]):
    """The checks of each type of subject, in their order, and what finds the subjects."""

    checks: Mapping[str, tuple[Check[Whole, Part], ...]]
    subjects: Callable[[Whole], Sequence[Part]]
