"""Requests and policies of the tests of `localaws.account.policy`."""

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.account.policy.document import Request, Statements, parse
from localaws.account.policy.principal import Principal

ACCOUNT, OTHER = "111122223333", "444455556666"
ANN = Principal(f"arn:aws:iam::{ACCOUNT}:user/Ann", ACCOUNT)
BOB = Principal(f"arn:aws:iam::{ACCOUNT}:user/Bob", ACCOUNT)
ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
STRANGER = Principal(f"arn:aws:iam::{OTHER}:user/Ann", OTHER)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/Builder"
SESSION = Principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/Builder/run", ACCOUNT, ROLE)
NOBODY = Principal("*")
OBJECT = "arn:aws:s3:::bucket/home/Ann/k"

Known = Mapping[str, str | Sequence[str]]


def asked(
    known: Known | None = None, *, who: Principal = ANN, action: str = "s3:GetObject", resource: str = OBJECT
) -> Request:
    """A request, and what is known about it."""
    lowered = {key.lower(): value for key, value in (known or {}).items()}
    return Request(action, resource, who, lowered.get)


def policy(*statements: Mapping[str, Any], version: str = "2012-10-17") -> Statements:
    """A policy of statements that allow all, where they do not say otherwise."""
    plain = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return parse({"Version": version, "Statement": [_filled(plain, dict(each)) for each in statements]})


def _filled(plain: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    missing = {name: value for name, value in plain.items() if f"Not{name}" not in given}
    return {**missing, **given}
