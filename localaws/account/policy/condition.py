"""The operators of a statement's ``Condition``.

- Several values of a policy: one has to match; for an operator with "Not", none may.
- A key that the request does not have: ``...IfExists``, ``ForAllValues:`` and operators with "Not" are met, others and
  every ``ForAnyValue:`` are not.
- ``ForAllValues:`` takes all values of the request's key, ``ForAnyValue:`` at least one. Several values without either
  are taken as ``ForAnyValue:``, with "Not" as ``ForAllValues:``.
- An operator that does not exist, or a value that it cannot read, allows nothing, and a Deny with it denies.

Source: "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys" in IAM's guide.
"""

import base64
import binascii
import ipaddress
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from localaws.account.policy.pattern import Comparison, Lookup, Pattern

Test = Callable[[str, Lookup], bool]
"""Takes a value of the request; whether the policy's value matches it."""

Compile = Callable[[str, bool], Test]
"""Takes a value of a policy, and whether it may have variables."""

_IF_EXISTS = "ifexists"
_SETS = {"forallvalues:": all, "foranyvalue:": any}


class ConditionError(ValueError):
    """A policy names an operator that does not exist, or a value that its operator cannot read.

    Parameters
    ----------
    message : str
        AWS's.
    """


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of one operator.

    Attributes
    ----------
    key : str
        In lower case.
    tests : tuple of callable
        One for each value of the policy.
    negated : bool
    if_exists : bool
    quantifier : callable or None
        `all` for ``ForAllValues:``, `any` for ``ForAnyValue:``.
    """

    key: str
    tests: tuple[Test, ...]
    negated: bool
    if_exists: bool
    quantifier: Callable[[Any], bool] | None

    def is_met(self, lookup: Lookup) -> bool:
        """Return whether a request meets it."""
        found = lookup(self.key)
        values: Sequence[str] = [found] if isinstance(found, str) else found or ()
        if not values:
            return self.if_exists or self.quantifier is all or (self.negated and self.quantifier is not any)
        quantifier = self.quantifier or (all if self.negated else any)
        return quantifier(any(test(value, lookup) for test in self.tests) != self.negated for value in values)


@dataclass(frozen=True, slots=True)
class Null:
    """Whether the request has a key: ``true`` is met if not.

    Attributes
    ----------
    key : str
    wanted : frozenset of bool
    """

    key: str
    wanted: frozenset[bool]

    def is_met(self, lookup: Lookup) -> bool:
        """Return whether a request meets it."""
        found = lookup(self.key)
        return (found is None or (not isinstance(found, str) and not found)) in self.wanted


@dataclass(frozen=True, slots=True)
class Unknown:
    """What cannot be understood.

    Attributes
    ----------
    key : str
    met : bool
    """

    key: str
    met: bool

    def is_met(self, _lookup: Lookup) -> bool:
        """Return what keeps people out."""
        return self.met


AnyCondition = Condition | Null | Unknown


def conditions(block: Any, *, variables: bool, denies: bool) -> tuple[AnyCondition, ...]:
    """Return the conditions of a statement, all of which have to be met.

    Parameters
    ----------
    block : dict
        The member ``Condition``.
    variables : bool
        Whether values may have variables.
    denies : bool
        Whether the statement denies: what cannot be understood is met then.
    """
    found: list[AnyCondition] = []
    for name, keys in block.items() if isinstance(block, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            try:
                found.append(condition(name, key, _texts(values), variables=variables))
            except ConditionError:
                found.append(Unknown(key.lower(), denies))
    return tuple(found)


def condition(name: str, key: str, values: Sequence[str], *, variables: bool = True) -> Condition | Null:
    """Return a condition.

    Parameters
    ----------
    name : str
        The operator's, such as ``ForAnyValue:StringLikeIfExists``.
    key : str
    values : sequence of str
    variables : bool

    Raises
    ------
    ConditionError
    """
    rest = name.lower()
    quantifier = next((_SETS[prefix] for prefix in _SETS if rest.startswith(prefix)), None)
    rest = rest.partition(":")[2] if quantifier else rest
    if rest == "null" and quantifier is None:
        return Null(key.lower(), frozenset(_boolean(value) == "true" for value in values))
    if_exists = rest.endswith(_IF_EXISTS)
    found = _OPERATORS.get(rest.removesuffix(_IF_EXISTS))
    if found is None:
        raise ConditionError(f"Invalid Condition type : {name}.")
    tests = tuple(found.compile(value, variables) for value in values)
    return Condition(key.lower(), tests, found.negated, if_exists, quantifier)


def _texts(values: Any) -> list[str]:
    """Return the values of a condition as text: JSON's true is ``true``."""
    listed = values if isinstance(values, list) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in listed]


@dataclass(frozen=True, slots=True)
class _Operator:
    compile: Compile
    negated: bool = False


def _text(comparison: Comparison, *, wildcards: bool) -> Compile:
    return lambda value, variables: Pattern(value, comparison, wildcards=wildcards, variables=variables).matches


def _ordered(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Compile:
    """Return an operator that compares what two texts mean; it does not match what means nothing."""

    def compiled(value: str, _variables: bool) -> Test:
        wanted = read(value)
        if wanted is None:
            raise ConditionError(f"The value {value!r} cannot be read by its condition operator.")

        def test(given: str, _lookup: Lookup) -> bool:
            found = read(given)
            return found is not None and compare(found, wanted)

        return test

    return compiled


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@lru_cache(1024)
def _date(text: str) -> datetime | None:
    """Return a time in ISO 8601 or in seconds since 1970."""
    try:
        found = datetime.fromisoformat(text) if not _number(text) else datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _boolean(text: str) -> str | None:
    return text.lower() if text.lower() in ("true", "false") else None


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _within(given: Any, wanted: Any) -> bool:
    return bool(given.version == wanted.version and given.subnet_of(wanted))


def _pair(name: str, compile_: Compile, opposite: str) -> dict[str, _Operator]:
    return {name: _Operator(compile_), opposite: _Operator(compile_, negated=True)}


def _comparisons(kind: str, read: Callable[[str], Any]) -> dict[str, _Operator]:
    return {
        **_pair(f"{kind}equals", _ordered(read, operator.eq), f"{kind}notequals"),
        f"{kind}lessthan": _Operator(_ordered(read, operator.lt)),
        f"{kind}lessthanequals": _Operator(_ordered(read, operator.le)),
        f"{kind}greaterthan": _Operator(_ordered(read, operator.gt)),
        f"{kind}greaterthanequals": _Operator(_ordered(read, operator.ge)),
    }


_OPERATORS: Mapping[str, _Operator] = {
    **_pair("stringequals", _text(Comparison.EXACT, wildcards=False), "stringnotequals"),
    **_pair("stringequalsignorecase", _text(Comparison.IGNORE_CASE, wildcards=False), "stringnotequalsignorecase"),
    **_pair("stringlike", _text(Comparison.EXACT, wildcards=True), "stringnotlike"),
    **_pair("arnequals", _text(Comparison.ARN, wildcards=True), "arnnotequals"),
    **_pair("arnlike", _text(Comparison.ARN, wildcards=True), "arnnotlike"),
    **_comparisons("numeric", _number),
    **_comparisons("date", _date),
    **_pair("ipaddress", _ordered(_network, _within), "notipaddress"),
    "bool": _Operator(_ordered(_boolean, operator.eq)),
    "binaryequals": _Operator(_ordered(_binary, operator.eq)),
}
