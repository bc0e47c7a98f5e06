"""A check: its name, and the function that looks at a resource and judges it."""

from collections.abc import Callable
from dataclasses import dataclass

from deploy.check.finding import Verdict
from deploy.check.system import Resource, System

# None says that the check has nothing to say about this resource.
Judge = Callable[[System, Resource], Verdict | None]


@dataclass(frozen=True)
class Check:
    """What is looked for in a resource, and who looks.

    The first check of a type says whether the resource is there and at work; when it is not, the others are spared.
    """

    name: str
    judge: Judge
