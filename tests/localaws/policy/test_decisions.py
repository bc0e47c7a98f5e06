"""What several policies come to, by the tables and diagrams of IAM's guide."""

from collections.abc import Mapping
from typing import Any

import pytest

from localaws.account.policy.decision import (
    Outcome,
    ResourcePolicy,
    combined_decision,
    identity_decision,
    resource_decision,
)
from localaws.account.policy.document import Statements
from localaws.account.policy.principal import Principal
from tests.localaws.policy.asked import ACCOUNT, ANN, BOB, NOBODY, OTHER, ROLE, ROOT, SESSION, STRANGER, asked, policy

ALLOW, DENY, NEITHER = Outcome.ALLOW, Outcome.DENY, Outcome.NEITHER
ALL: Mapping[str, Any] = {}
NO: Mapping[str, Any] = {"Effect": "Deny"}
NONE = policy()
ELSEWHERE = {"Resource": "arn:aws:s3:::elsewhere/*"}


def named(*arns: str, **others: Any) -> dict[str, Any]:
    return {"Principal": {"AWS": list(arns)}, **others}


def decided(
    who: Principal,
    own: Statements = NONE,
    resource: Statements = NONE,
    *limits: Statements,
    owner: str = ACCOUNT,
    required: bool = False,
) -> Outcome:
    """What a caller's policies, its limits and the policy of a resource come to."""
    request = asked(who=who)
    said = identity_decision(request, own, limits)
    return combined_decision(request, said, limits, ResourcePolicy(resource, owner, required)).outcome


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Action": "s3:GetObject"}, ALLOW),
        ({"Action": "S3:getobject"}, ALLOW),
        ({"Action": "s3:Get*"}, ALLOW),
        ({"Action": "s3:?etObject"}, ALLOW),
        ({"Action": ["s3:Put*", "s3:List*"]}, NEITHER),
        ({"NotAction": "s3:Put*"}, ALLOW),
        ({"NotAction": ["s3:*", "iam:*"]}, NEITHER),
        ({"NotResource": "arn:aws:s3:::elsewhere/*"}, ALLOW),
        ({"NotResource": "arn:aws:s3:::bucket/*"}, NEITHER),
        ({"Resource": "arn:aws:s3:::Bucket/*"}, NEITHER),
        ({"Effect": "Deny", "NotAction": "s3:Get*"}, NEITHER),
        ({"Effect": "Deny", "NotAction": "s3:Put*"}, DENY),
    ],
)
def test_a_statement(statement: Mapping[str, Any], expected: Outcome) -> None:
    assert identity_decision(asked(), policy(statement)).outcome is expected


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [
        ([], [], NEITHER),
        ([ALL], [], ALLOW),
        ([ALL, NO], [], DENY),
        ([NO, ALL], [], DENY),
        ([ALL], [[ALL]], ALLOW),
        ([ALL], [[]], NEITHER),
        ([ALL], [[ELSEWHERE]], NEITHER),
        ([ALL], [[ALL], [ELSEWHERE]], NEITHER),
        ([ALL], [[ALL, NO]], DENY),
        ([], [[ALL]], NEITHER),
        ([], [[NO]], DENY),
    ],
)
def test_limits_allow_nothing_by_themselves(own: list[Any], limits: list[list[Any]], expected: Outcome) -> None:
    """The permissions boundary and the session's policies."""
    assert identity_decision(asked(), policy(*own), [policy(*each) for each in limits]).outcome is expected


@pytest.mark.parametrize(
    ("who", "resource", "alone", "with_own"),
    [
        (ANN, named(ANN.arn), ALLOW, ALLOW),
        (ANN, named(BOB.arn), NEITHER, ALLOW),
        (ANN, named("*"), ALLOW, ALLOW),
        (ANN, {"Principal": "*"}, ALLOW, ALLOW),
        (ANN, named(ACCOUNT), NEITHER, ALLOW),
        (ANN, named(ROOT.arn), NEITHER, ALLOW),
        (SESSION, named(SESSION.arn), ALLOW, ALLOW),
        (SESSION, named(ROLE), ALLOW, ALLOW),
        (SESSION, named(f"arn:aws:iam::{OTHER}:role/team/Builder"), NEITHER, ALLOW),
        (SESSION, named(f"{ROLE}s"), NEITHER, ALLOW),
        (ANN, {"Principal": {"Service": "s3.amazonaws.com"}}, NEITHER, ALLOW),
        (ANN, named(ANN.arn, Effect="Deny"), DENY, DENY),
        (ANN, named(ACCOUNT, Effect="Deny"), DENY, DENY),
        (ANN, named(BOB.arn, Effect="Deny"), NEITHER, ALLOW),
        (NOBODY, named("*"), ALLOW, ALLOW),
    ],
)
def test_a_resource_of_the_same_account(
    who: Principal, resource: Mapping[str, Any], alone: Outcome, with_own: Outcome
) -> None:
    """ "Evaluating identity-based policies with resource-based policies"."""
    owner = ACCOUNT if who.account else ""
    assert decided(who, NONE, policy(resource), owner=owner) is alone
    assert decided(who, policy(ALL), policy(resource), owner=owner) is with_own


@pytest.mark.parametrize(
    ("own", "resource", "expected"),
    [
        (NONE, named(STRANGER.arn), NEITHER),
        (NONE, named(OTHER), NEITHER),
        (NONE, named("*"), NEITHER),
        (policy(ALL), named(STRANGER.arn), ALLOW),
        (policy(ALL), named(OTHER), ALLOW),
        (policy(ALL), named("*"), ALLOW),
        (policy(ALL), named(ANN.arn), NEITHER),
        (policy(ALL), named(ACCOUNT), NEITHER),
        (policy(ALL), named(OTHER, Effect="Deny"), DENY),
        (policy(ALL, NO), named(OTHER), DENY),
    ],
)
def test_across_accounts_both_have_to_allow(own: Statements, resource: Mapping[str, Any], expected: Outcome) -> None:
    assert decided(STRANGER, own, policy(resource)) is expected


@pytest.mark.parametrize(
    ("who", "resource", "expected"),
    [
        (ANN, named(ANN.arn), ALLOW),
        (ANN, named("*"), NEITHER),
        (SESSION, named(SESSION.arn), ALLOW),
        (SESSION, named(ROLE), NEITHER),
    ],
)
def test_who_is_named_itself_is_limited_by_nothing(
    who: Principal, resource: Mapping[str, Any], expected: Outcome
) -> None:
    """ "Permissions boundaries for IAM entities": a boundary that allows nothing."""
    assert decided(who, NONE, policy(resource), NONE) is expected
    assert decided(who, NONE, policy(resource), policy(NO)) is DENY


@pytest.mark.parametrize(
    ("who", "own", "resource", "expected"),
    [
        (ANN, policy(ALL), NONE, NEITHER),
        (ANN, policy(ALL), policy(named(ROOT.arn)), ALLOW),
        (ANN, NONE, policy(named(ROOT.arn)), NEITHER),
        (ANN, NONE, policy(named(ANN.arn)), ALLOW),
        (ROOT, policy(ALL), policy(named(ROOT.arn)), ALLOW),
        (ROOT, policy(ALL), policy(named(ANN.arn)), NEITHER),
    ],
)
def test_a_kms_key_is_used_by_whom_its_policy_allows(
    who: Principal, own: Statements, resource: Statements, expected: Outcome
) -> None:
    assert decided(who, own, resource, required=True) is expected


SPARED = [SESSION.arn, ROLE, ROOT.arn]


@pytest.mark.parametrize(
    ("who", "listed", "expected"),
    [
        (ANN, [ANN.arn, ROOT.arn], ALLOW),
        (ANN, [ANN.arn, ACCOUNT], ALLOW),
        (BOB, [ANN.arn, ROOT.arn], DENY),
        (ANN, [ANN.arn], DENY),
        (ROOT, [ANN.arn, ROOT.arn], ALLOW),
        (SESSION, SPARED, ALLOW),
        (SESSION, SPARED[1:], DENY),
        (SESSION, [SESSION.arn, ROOT.arn], DENY),
        (ANN, ["*"], ALLOW),
    ],
)
def test_a_deny_with_not_principal_spares_whom_it_lists_entirely(
    who: Principal, listed: list[str], expected: Outcome
) -> None:
    """ "AWS JSON policy elements: NotPrincipal"."""
    resource = policy({"Effect": "Deny", "NotPrincipal": {"AWS": listed}})
    assert decided(who, policy(ALL), resource) is expected


def test_not_principal_with_allow_means_everybody_else() -> None:
    resource = policy({"NotPrincipal": {"AWS": [ANN.arn]}})
    assert (decided(ANN, NONE, resource), decided(BOB, NONE, resource)) == (NEITHER, ALLOW)


def test_not_principal_denies_nobody_who_is_known_and_services() -> None:
    resource = policy({"Principal": "*"}, {"Effect": "Deny", "NotPrincipal": {"Service": "sns.amazonaws.com"}})
    for who in (NOBODY, ANN, Principal("*", service="s3.amazonaws.com")):
        assert resource_decision(asked(who=who), resource).outcome is DENY
    assert resource_decision(asked(who=Principal("*", service="sns.amazonaws.com")), resource).outcome is ALLOW


def test_a_trust_policy_has_no_resource() -> None:
    trust = policy({"Principal": {"Service": ["codebuild.amazonaws.com"]}, "Action": "sts:AssumeRole", "Resource": []})
    service = Principal("*", service="CodeBuild.amazonaws.com")
    assert resource_decision(asked(who=service, action="sts:AssumeRole"), trust).outcome is ALLOW
    assert resource_decision(asked(who=ROOT, action="sts:AssumeRole"), trust).outcome is NEITHER
    web = policy({"Principal": {"Federated": "provider"}, "Action": "sts:AssumeRoleWithWebIdentity"})
    identity = Principal("*", federated="provider")
    assert resource_decision(asked(who=identity, action="sts:AssumeRoleWithWebIdentity"), web).outcome is ALLOW


def test_a_grant_allows_what_no_policy_does_and_a_deny_wins() -> None:
    request = asked()
    for own, expected in ((NONE, ALLOW), (policy(NO), DENY)):
        said = identity_decision(request, own)
        resource = ResourcePolicy(policy(named(ROOT.arn)), ACCOUNT, required=True, granted=True)
        assert combined_decision(request, said, (), resource).outcome is expected
