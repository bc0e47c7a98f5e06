"""The tasks of a state machine do what its role may, and nothing else, where IAM is enforced."""

from typing import Any

import pytest

from tests.conftest import LocalAws
from tests.localaws.roles import allow, make_role
from tests.localaws.stepfunctions.conftest import States, states_of

DESCRIBE = {"Resource": "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint", "Parameters": {"EndpointName": "e"}}
INVOKE = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "nobodys", "Payload": {}}}


@pytest.fixture
def states(enforcing_local_aws: LocalAws) -> States:
    """State machines of the shared local AWS that enforces IAM."""
    return states_of(enforcing_local_aws)


def run(states: States, role_arn: str, task: dict[str, Any]) -> tuple[str, str]:
    """Error and cause of an execution of one task, which has failed."""
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Task", "End": True, **task}}}
    machine = states.machine(definition, roleArn=role_arn)
    execution = states.wait(states.client.start_execution(stateMachineArn=machine)["executionArn"])
    assert execution["status"] == "FAILED"
    return execution["error"], execution["cause"]


@pytest.mark.parametrize(
    ("task", "action", "error", "missing"),
    [
        (DESCRIBE, "sagemaker:DescribeEndpoint", "SageMaker.SageMakerException", "Could not find"),
        (INVOKE, "lambda:InvokeFunction", "Lambda.AccessDeniedException", "not found"),
    ],
)
def test_a_task_is_its_machines_roles(
    enforcing_local_aws: LocalAws, states: States, task: dict[str, Any], action: str, error: str, missing: str
) -> None:
    denied = run(states, make_role(enforcing_local_aws, "states"), task)
    assert denied[0] == error
    assert f"is not authorized to perform: {action} " in denied[1]
    _, cause = run(states, make_role(enforcing_local_aws, "states", allow(action)), task)
    assert missing in cause
    _, cause = run(states, make_role(enforcing_local_aws, "lambda", allow(action)), task)
    assert "allows states.amazonaws.com to assume it" in cause
