"""CloudFormation's role may do what CloudFormation does to make the stacks of both stages.

What that is for each type of resource, AWS publishes with the type's schema, as the permissions of its handlers.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import load
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from deploy import stages

TEMPLATES = stages.FOLDER / "templates"
# What handlers may do for resources that the template does not make.
NOT_NEEDED = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "application-autoscaling:DeleteScheduledAction": "no ScheduledActions",
        "application-autoscaling:PutScheduledAction": "no ScheduledActions",
        "lambda:DeleteProvisionedConcurrencyConfig": "not a function's",
        "lambda:GetProvisionedConcurrencyConfig": "not a function's",
        "lambda:PutProvisionedConcurrencyConfig": "not a function's",
    },
}
HANDLERS = ("create", "read", "update", "delete")


def made_by_the_role() -> list[str]:
    """The types in endpoint.yml, but for those that are made only where no key is given: the project gives one."""
    resources = load(str(TEMPLATES / "endpoint.yml"))["Resources"].values()
    return sorted({each["Type"] for each in resources if each.get("Condition") != "MakesKey"})


def needed(type_name: str) -> set[str]:
    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
    handlers = schema["handlers"]
    return {permission for name in HANDLERS for permission in handlers.get(name, {}).get("permissions", ())}


def granted() -> Iterator[str]:
    role = load(str(TEMPLATES / "release.yml"))["Resources"]["DeployRole"]
    for policy in role["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            action = statement["Action"]
            yield from [action] if isinstance(action, str) else action


@pytest.mark.parametrize("type_name", made_by_the_role())
def test_it_may_do_what_the_handlers_of_a_type_do(type_name: str) -> None:
    allowed = [action.lower() for action in granted()]
    missing = {each for each in needed(type_name) if not any(fnmatchcase(each.lower(), one) for one in allowed)}
    assert missing == set(NOT_NEEDED.get(type_name, {})), json.dumps(sorted(missing), indent=1)
