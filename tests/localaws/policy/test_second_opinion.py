"""Generated requests and policies, decided by MiniStack's evaluator, too.

MiniStack's is another implementation of the same rules, by others: with what it does not know (variables,
``NotPrincipal``) left out, both have to come to the same.
"""

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from localaws.account.policy.decision import ResourcePolicy, combined_decision, identity_decision
from localaws.account.policy.document import parse
from localaws.account.policy.principal import Principal
from tests.localaws.policy.asked import ACCOUNT, ANN, OTHER, ROLE, SESSION, STRANGER, asked

TEXTS = ["a", "b", "A", "ab", "a*", "?", "*", "a?c", "abc", ""]
KEYS = ["aws:RequestTag/x", "aws:RequestTag/y", "s3:prefix", "aws:TagKeys"]
ACTIONS = ["s3:GetObject", "s3:getobject", "s3:*", "s3:Get*", "s3:PutObject", "*", "s3:?etObject", "iam:*"]
RESOURCES = ["*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/home/Ann/k", "arn:aws:s3:::other", "arn:aws:s3:::*/k"]
PRINCIPALS = ["*", ACCOUNT, OTHER, ANN.arn, ROLE, SESSION.arn, STRANGER.arn, f"arn:aws:iam::{ACCOUNT}:root"]
SINGLE = [
    *(
        f"String{kind}"
        for kind in ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")
    ),
]
NUMERIC = [f"Numeric{kind}" for kind in ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")]
NUMBERS = ["0", "1", "1.0", "-2", "10", "9"]
ADDRESSES = ["10.0.0.1", "10.1.0.0", "192.168.0.7", "2001:db8::1"]
NETWORKS = ["10.0.0.0/8", "10.0.0.1", "192.168.0.0/16", "2001:db8::/32", "0.0.0.0/0"]
DATES = ["2026-07-01T00:00:00Z", "2026-07-01T01:00:00+01:00", "2026-12-31T00:00:00Z", "1782864000"]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


def operator(names: list[str]) -> st.SearchStrategy[str]:
    """A name with what may stand before and after it."""
    before, after = st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]), st.sampled_from(["", "", "IfExists"])
    return st.tuples(before, st.sampled_from(names), after).map("".join)


def block(names: list[str], keys: list[str], values: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(
        operator(names), st.dictionaries(st.sampled_from(keys), some(values), min_size=1), max_size=2
    )


CONDITIONS = st.one_of(
    st.just({}),
    block(SINGLE, KEYS, TEXTS),
    block(NUMERIC, ["s3:max-keys"], NUMBERS),
    block(["IpAddress", "NotIpAddress"], ["s3:address"], NETWORKS),
    block(["DateEquals", "DateNotEquals", "DateLessThan", "DateGreaterThanEquals"], ["s3:date"], DATES),
    block(["Bool"], ["s3:flag"], ["true", "false"]),
    st.dictionaries(st.just("Null"), st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["true", "false"]))),
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "aws:RequestTag/x": st.sampled_from(TEXTS),
        "aws:RequestTag/y": st.sampled_from(TEXTS),
        "s3:prefix": st.sampled_from(TEXTS),
        "s3:max-keys": st.sampled_from(NUMBERS),
        "s3:address": st.sampled_from(ADDRESSES),
        "s3:date": st.sampled_from(DATES),
        "s3:flag": st.sampled_from(["true", "false"]),
    },
)
STATEMENT = st.fixed_dictionaries({"Effect": st.sampled_from(["Allow", "Allow", "Deny"]), "Condition": CONDITIONS})


def either(name: str, values: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(st.fixed_dictionaries({name: some(values)}), st.fixed_dictionaries({f"Not{name}": some(values)}))


def merged(parts: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def documents(*others: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    statement = st.tuples(STATEMENT, either("Action", ACTIONS), either("Resource", RESOURCES), *others).map(merged)
    return st.lists(statement, max_size=3).map(lambda each: {"Version": "2012-10-17", "Statement": each})


OWN = documents()
OF_A_RESOURCE = documents(some(PRINCIPALS).map(lambda each: {"Principal": {"AWS": each}}))


class MiniStack:
    """Its evaluator as it is installed: a module of this test's own, which no hook has changed."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("ministack.core.iam_evaluator")
        assert found is not None and found.origin is not None
        spec = importlib.util.spec_from_file_location("second_opinion", found.origin)
        assert spec is not None and spec.loader is not None
        self.module: Any = importlib.util.module_from_spec(spec)
        with mock.patch.dict(sys.modules, {"second_opinion": self.module}):  # its dataclasses look themselves up
            spec.loader.exec_module(self.module)

    def context(self, known: Mapping[str, Any], who: Principal) -> Any:
        kind = "AssumedRole" if who.role else "User"
        return self.module.EvalContext(
            principal_arn=who.arn,
            principal_type=kind,
            principal_account=who.account,
            action="s3:GetObject",
            resource_arn="arn:aws:s3:::bucket/home/Ann/k",
            region="us-east-1",
            service_context={"aws:tagkeys": None, **{key.lower(): value for key, value in known.items()}},
        )

    def parsed(self, document: Mapping[str, Any]) -> Any:
        return [self.module.parse_policy_document(document)]


@pytest.fixture(scope="module")
def ministack() -> MiniStack:
    return MiniStack()


THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@seed(20261201)
@THOROUGH
@given(known=KNOWN, own=OWN, boundary=st.none() | OWN)
def test_a_callers_policies(ministack: MiniStack, known: Mapping[str, Any], own: Any, boundary: Any) -> None:
    limits = [] if boundary is None else [boundary]
    said = identity_decision(asked(known), parse(own), [parse(each) for each in limits])
    theirs = ministack.module.evaluate(
        ministack.context(known, ANN), ministack.parsed(own), *(ministack.parsed(each) for each in limits)
    )
    assert said.outcome.value == theirs.decision


@seed(20261202)
@THOROUGH
@given(
    known=KNOWN,
    own=OWN,
    resource=OF_A_RESOURCE,
    boundary=st.none() | OWN,
    who=st.sampled_from([ANN, SESSION, STRANGER]),
    required=st.booleans(),
)
def test_with_the_policy_of_a_resource(
    ministack: MiniStack,
    known: Mapping[str, Any],
    own: Any,
    resource: Any,
    boundary: Any,
    who: Principal,
    required: bool,
) -> None:
    limits = [] if boundary is None else [boundary]
    request, parsed = asked(known, who=who), [parse(each) for each in limits]
    said = identity_decision(request, parse(own), parsed)
    ours = combined_decision(request, said, parsed, ResourcePolicy(parse(resource), ACCOUNT, required))
    context, theirs = ministack.context(known, who), [ministack.parsed(each) for each in limits]
    identity = ministack.module.evaluate(context, ministack.parsed(own), *theirs)
    combined = ministack.module.combine_resource_policy(identity, context, resource, ACCOUNT, required, tuple(theirs))
    assert ours.outcome.value == combined.decision
