"""`deploy-model api`: what it finds out for itself. That it deploys is in test_to_production."""

import uuid

import pytest

from deploy.commands import api
from deploy.project import Project
from tests.conftest import LocalAws


def test_the_stack_sets_up_logging_where_the_account_has_no_role_for_it(
    local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in local_aws.env.items():
        monkeypatch.setenv(name, value)
    project = Project(f"api-{uuid.uuid4().hex[:8]}", "group", "bucket", None, None, "")
    gateway = local_aws.client("apigateway")
    role = gateway.get_account().get("cloudwatchRoleArn")

    def give(arn: str) -> None:
        gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}])

    try:
        give("arn:aws:iam::000000000000:role/logs")
        assert api.sets_up_logging(project) == "false"
        gateway.update_account(patchOperations=[{"op": "remove", "path": "/cloudwatchRoleArn"}])
        assert api.sets_up_logging(project) == "true"
    finally:
        if role:
            give(role)
