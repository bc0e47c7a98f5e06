"""The resource policy of a model package group: stored and returned, for registries shared between accounts."""

import json

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.families.lookup import find
from localaws.sagemaker.parts import Handler, Parts
from localaws.storage.store import Resource


def handlers() -> dict[str, Handler]:
    """Return the operations of this module by name."""
    return {
        "PutModelPackageGroupPolicy": put_policy,
        "GetModelPackageGroupPolicy": get_policy,
        "DeleteModelPackageGroupPolicy": delete_policy,
    }


def put_policy(parts: Parts, request: Document) -> Document:
    """Store a group's policy, replacing an earlier one."""
    policy = request["ResourcePolicy"]
    _check(policy)
    group = _group(parts, request, "PutModelPackageGroupPolicy")

    def keep(_: Document, internal: Document) -> None:
        internal["policy"] = policy

    parts.store.change(group.arn, keep)
    return {"ModelPackageGroupArn": group.arn}


def get_policy(parts: Parts, request: Document) -> Document:
    """Return the policy as it was put."""
    return {"ResourcePolicy": _policy(_group(parts, request, "GetModelPackageGroupPolicy"))}


def delete_policy(parts: Parts, request: Document) -> Document:
    """Delete the policy."""
    group = _group(parts, request, "DeleteModelPackageGroupPolicy")
    _policy(group)

    def drop(_: Document, internal: Document) -> None:
        internal.pop("policy", None)

    parts.store.change(group.arn, drop)
    return {}


def _group(parts: Parts, request: Document, operation: str) -> Resource:
    return find(parts, "model-package-group", request["ModelPackageGroupName"], operation)


def _policy(group: Resource) -> str:
    if "policy" not in group.internal:
        raise ValidationError(f"Cannot find a resource policy of the model package group: {group.arn}")
    policy: str = group.internal["policy"]
    return policy


def _check(policy: str) -> None:
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValidationError(f"Malformed ResourcePolicy: it must be JSON with a Statement: {error}") from error
    for statement in statements if isinstance(statements, list) else [statements]:
        lacking = [name for name in ("Effect", "Principal", "Action", "Resource") if name not in statement]
        if lacking:
            raise ValidationError(f"Malformed ResourcePolicy: a Statement lacks {', '.join(lacking)}")
