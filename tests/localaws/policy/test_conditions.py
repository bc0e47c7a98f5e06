"""Condition operators, by the tables of IAM's guide."""

import time
from typing import Any

import pytest

from localaws.account.policy.condition import ConditionError, condition
from localaws.account.policy.decision import Outcome, identity_decision
from localaws.account.policy.document import parse, problem
from tests.localaws.policy.asked import asked, policy

TEAM = "arn:aws:sns:eu-west-1:111122223333:team"


def met(operator: str, wanted: Any, known: Any) -> bool:
    """Whether a condition on the key ``k`` is met by its value; None: the request has no such key."""
    values = wanted if isinstance(wanted, list) else [wanted]
    lookup = {} if known is None else {"k": known}
    return condition(operator, "K", values).is_met(lookup.get)


@pytest.mark.parametrize(
    ("operator", "wanted", "known", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "abc", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "aB", "Ab", True),
        ("StringNotEqualsIgnoreCase", "aB", "Ab", False),
        ("StringLike", "home/*", "home/Ann/k", True),
        ("StringLike", "home/?", "home/ab", False),
        ("StringLike", "*", "", True),
        ("StringLike", "a*", "a\nb", True),
        ("StringLike", "[a]*", "a", False),
        ("StringNotLike", "home/*", "home/k", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericNotEquals", "10", "11", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericEquals", "10", "ten", False),
        ("DateLessThan", "2026-07-01T00:00:00Z", "2026-06-30T23:59:59Z", True),
        ("DateGreaterThan", "2026-07-01T00:00:00Z", "1782864001", True),
        ("DateEquals", "2026-07-01", "2026-07-01T00:00:00+00:00", True),
        ("DateNotEquals", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00+01:00", False),
        ("Bool", "true", "TRUE", True),
        ("Bool", "false", "true", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::9", True),
        ("IpAddress", "203.0.113.0/24", "2001:db8::1", False),
        ("NotIpAddress", ["203.0.113.0/24", "10.0.0.0/8"], "10.1.2.3", False),
        ("ArnLike", "arn:aws:sns:*:111122223333:t*", TEAM, True),
        ("ArnEquals", "arn:aws:sns:*:111122223333:t*", TEAM, True),
        ("ArnLike", "arn:aws:sns:*:team", TEAM, False),
        ("ArnLike", "arn:aws:sns:*", TEAM, True),
        ("ArnNotLike", "arn:aws:sqs:*:*:*", TEAM, True),
        ("ArnLike", "arn:*", "no ARN", False),
    ],
)
def test_an_operator(operator: str, wanted: Any, known: Any, expected: bool) -> None:
    assert met(operator, wanted, known) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "expected"),
    [
        ("StringEquals", "a", False),
        ("StringNotEquals", "a", True),
        ("StringEqualsIfExists", "a", True),
        ("StringNotEqualsIfExists", "a", True),
        ("NotIpAddress", "10.0.0.0/8", True),
        ("Bool", "false", False),
        ("Null", "true", True),
        ("Null", "false", False),
        ("ForAllValues:StringEquals", "a", True),
        ("ForAnyValue:StringEquals", "a", False),
        ("ForAnyValue:StringNotEquals", "a", False),
        ("ForAnyValue:StringEqualsIfExists", "a", True),
    ],
)
@pytest.mark.parametrize("known", [None, []])
def test_a_key_that_the_request_does_not_have(operator: str, wanted: str, expected: bool, known: Any) -> None:
    assert met(operator, wanted, known) is expected


@pytest.mark.parametrize(
    ("operator", "known", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["c", "a"], True),
        ("ForAnyValue:StringEquals", ["c", "d"], False),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["c", "a"], False),
        ("ForAnyValue:StringNotEquals", ["c", "a"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
        ("ForAllValues:StringLike", ["a", "b"], True),
        ("StringEquals", ["c", "a"], True),
        ("StringNotEquals", ["c", "a"], False),
        ("Null", ["a"], False),
    ],
)
def test_a_key_with_several_values(operator: str, known: list[str], expected: bool) -> None:
    """`a` and `b` are the policy's."""
    wanted = ["true"] if operator == "Null" else ["a", "b"]
    assert met(operator, wanted, known) is expected


KNOWN = {"aws:username": "Ann", "aws:PrincipalTag/Team": "blue", "aws:TagKeys": ["x"], "s3:prefix": "home/Ann/"}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("arn:aws:s3:::bucket/home/${aws:username}/*", True),
        ("arn:aws:s3:::bucket/home/${AWS:UserName}/*", True),
        ("arn:aws:s3:::bucket/home/${aws:userid}/*", False),
        ("arn:aws:s3:::bucket/home/${aws:userid, 'Ann'}/*", True),
        ("arn:aws:s3:::bucket/home/${aws:username,'Bob'}/*", True),
        ("arn:aws:s3:::bucket/home/${aws:PrincipalTag/Team, 'Ann'}/*", False),
        ("arn:aws:s3:::bucket/home/${aws:TagKeys}/*", False),
        ("arn:aws:s3:::bucket/home/Ann/${*}", False),
        ("arn:aws:s3:::bucket/home/Ann/?", True),
        ("arn:aws:s3:::bucket/home/Ann/${?}", False),
        ("arn:aws:s3:::bucket/home/Ann/${$}{*}", False),
        ("arn:aws:s3", True),
    ],
)
def test_a_resource_with_variables(resource: str, expected: bool) -> None:
    decided = identity_decision(asked(KNOWN), policy({"Resource": resource}))
    assert (decided.outcome is Outcome.ALLOW) is expected


def test_wildcards_that_are_characters() -> None:
    for text, path in (("a${*}b", "a*b"), ("a${?}", "a?"), ("${$}{aws:username}", "${aws:username}")):
        own = policy({"Resource": f"arn:aws:s3:::bucket/{text}"})
        assert identity_decision(asked(KNOWN, resource=f"arn:aws:s3:::bucket/{path}"), own).outcome is Outcome.ALLOW


def test_a_value_has_no_wildcards() -> None:
    """Who is called ``*`` is not everybody."""
    own = policy({"Resource": "arn:aws:s3:::bucket/home/${aws:username}/*"})
    assert identity_decision(asked({"aws:username": "*"}), own).outcome is Outcome.NEITHER


def test_a_deny_with_a_variable_denies() -> None:
    deny = {"Effect": "Deny", "NotResource": "arn:aws:s3:::bucket/home/${aws:username}/*"}
    own = policy({}, deny)
    assert identity_decision(asked(KNOWN), own).outcome is Outcome.ALLOW
    assert identity_decision(asked({**KNOWN, "aws:username": "Bob"}), own).outcome is Outcome.DENY
    assert identity_decision(asked(), own).outcome is Outcome.DENY


def test_variables_in_conditions() -> None:
    listed = policy({"Condition": {"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}})
    assert identity_decision(asked(KNOWN), listed).outcome is Outcome.ALLOW
    assert identity_decision(asked({**KNOWN, "aws:username": "Bob"}), listed).outcome is Outcome.NEITHER
    tagged = policy({"Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team, 'none'}"}}})
    assert identity_decision(asked({"aws:ResourceTag/Team": "blue", **KNOWN}), tagged).outcome is Outcome.ALLOW
    assert identity_decision(asked({"aws:ResourceTag/Team": "none"}), tagged).outcome is Outcome.ALLOW
    numeric = policy({"Condition": {"NumericEquals": {"s3:max-keys": "${aws:username}"}}})
    assert identity_decision(asked({"s3:max-keys": "1"}), numeric).outcome is Outcome.NEITHER


def test_an_old_version_has_no_variables() -> None:
    own = policy({"Resource": "arn:aws:s3:::bucket/${aws:username}"}, version="2008-10-17")
    literal = "arn:aws:s3:::bucket/${aws:username}"
    assert identity_decision(asked(KNOWN, resource="arn:aws:s3:::bucket/Ann"), own).outcome is Outcome.NEITHER
    assert identity_decision(asked(KNOWN, resource=literal), own).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "block",
    [{"StringEqual": {"k": "v"}}, {"NumericEquals": {"k": "ten"}}, {"IpAddress": {"k": "10.0.0.0/99"}}],
)
def test_what_cannot_be_understood_keeps_people_out(block: dict[str, Any]) -> None:
    assert identity_decision(asked({"k": "v"}), policy({"Condition": block})).outcome is Outcome.NEITHER
    deny = {"Effect": "Deny", "Condition": block}
    assert identity_decision(asked({"k": "v"}), policy({}, deny)).outcome is Outcome.DENY


def test_what_iam_refuses_when_a_policy_is_put() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for condition_, said in (
        ({"StringEqual": {"k": "v"}}, "Invalid Condition type : StringEqual."),
        ({"ForAllValues:Null": {"k": "true"}}, "Invalid Condition type : ForAllValues:Null."),
        ({"StringEquals": "v"}, "Syntax errors in policy."),
        ({"StringEquals": {"k": {}}}, "Syntax errors in policy."),
        ({"StringEquals": {"k": ["v"]}, "Bool": {"k": True}}, None),
    ):
        assert problem({"Statement": [{**statement, "Condition": condition_}]}) == said


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"Statement": 7}', '{"Statement": [7, {"Effect": "Maybe"}]}'])
def test_what_is_no_policy_has_no_statements(text: str) -> None:
    assert parse(text) == ()


def test_no_pattern_takes_longer_than_its_length_times_the_texts() -> None:
    """A regular expression made of `.*` would take minutes."""
    own = policy({"Resource": "arn:aws:s3:::" + "a*" * 100 + "b"})
    start = time.process_time()
    assert identity_decision(asked(resource="arn:aws:s3:::" + "a" * 1000), own).outcome is Outcome.NEITHER
    assert time.process_time() - start < 1


def test_operators_that_do_not_exist() -> None:
    for name in ("StringEqual", "StringLikeIfExist", "ForSomeValues:StringLike", "NullIfExists"):
        with pytest.raises(ConditionError, match=name):
            condition(name, "k", ["v"])
