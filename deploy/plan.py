"""What a deployment would change: the stack as it is, compared with what it is to become.

It only describes. A change set would say more, but making one is a call that changes something; so this compares the
template and the parameters, which together decide what a stack is.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.stacks import Request, Stack


@dataclass(frozen=True)
class Plan:
    """The difference between a stack and a request.

    Attributes
    ----------
    is_new : bool
        Whether there is no stack yet.
    parameters : mapping of str to (str or None, str or None)
        Each parameter that differs, as it is and as it would be; None where the template has its own default.
    added_lines, removed_lines : int
        Of the template.
    tags : mapping of str to (str or None, str or None)
    """

    stack_name: str
    is_new: bool
    parameters: Mapping[str, tuple[str | None, str | None]]
    added_lines: int
    removed_lines: int
    tags: Mapping[str, tuple[str | None, str | None]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.is_new or self.parameters or self.added_lines or self.removed_lines or self.tags)


def compare(before: Stack | None, template: str, request: Request, defaults: Mapping[str, str]) -> Plan:
    """Compare a stack with what it is to become.

    Parameters
    ----------
    before : Stack or None
    template : str
        The one that the stack was made from.
    request : Request
    defaults : mapping of str to str
        Of the new template's parameters: what a parameter becomes that the request leaves out.
    """
    if before is None or before.is_empty:
        every = {name: (None, value) for name, value in sorted(request.parameters.items())}
        return Plan(request.name, True, every, len(request.template.splitlines()), 0, {})
    marks = [line[0] for line in difflib.ndiff(template.splitlines(), request.template.splitlines())]
    return Plan(
        stack_name=request.name,
        is_new=False,
        parameters=_differences(before.parameters, {**defaults, **request.parameters}),
        added_lines=marks.count("+"),
        removed_lines=marks.count("-"),
        tags=_differences(before.tags, request.tags),
    )


def lines(plan: Plan) -> Iterator[str]:
    """Yield a plan as lines for a person."""
    if plan.is_empty:
        yield f"{plan.stack_name}: no change"
        return
    yield f"{plan.stack_name}: {'would be created' if plan.is_new else 'would be updated'}"
    for name, (old, new) in plan.parameters.items():
        yield f"  {name:<28} {new}" if plan.is_new else f"  {name:<28} {_shown(old)} -> {_shown(new)}"
    for name, (old, new) in plan.tags.items():
        yield f"  tag {name:<24} {_shown(old)} -> {_shown(new)}"
    if not plan.is_new and (plan.added_lines or plan.removed_lines):
        yield f"  {'template':<28} {plan.added_lines} line(s) added, {plan.removed_lines} removed"


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    names = sorted(name for name, value in new.items() if old.get(name) != value)
    return {name: (old.get(name), new[name]) for name in names}


def _shown(value: str | None) -> str:
    return "(default)" if value is None else value
