"""What the tests of state machines share: machines and functions of a test's own."""

import io
import json
import time
import uuid
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import Bench

ROLE = "arn:aws:iam::000000000000:role/states"
_BOUND_SECONDS = 60


@dataclass(frozen=True)
class States:
    """A client of Step Functions and of Lambda."""

    client: Any
    functions: Any

    def machine(self, definition: dict[str, Any], **members: Any) -> str:
        """Make a state machine; its ARN."""
        name = f"machine-{uuid.uuid4().hex[:12]}"
        text = json.dumps(definition)
        given = {"roleArn": ROLE, **members}
        made = self.client.create_state_machine(name=name, definition=text, **given)
        return str(made["stateMachineArn"])

    def start(self, definition: dict[str, Any], **given: Any) -> str:
        """Start an execution of a machine of its own; its ARN."""
        started = self.client.start_execution(stateMachineArn=self.machine(definition), input=json.dumps(given))
        return str(started["executionArn"])

    def run(self, state: dict[str, Any], **given: Any) -> dict[str, Any]:
        """Run a machine of one state, with what follows it in `then`, to its end."""
        then = state.pop("then", {})
        first = {**state, **({} if "Next" in state else {"End": True})}
        return self.wait(self.start({"StartAt": "First", "States": {"First": first, **then}}, **given))

    def wait(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution; what Describe says then."""
        deadline = time.monotonic() + _BOUND_SECONDS
        while time.monotonic() < deadline:
            execution: dict[str, Any] = self.client.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(0.02)
        raise AssertionError(f"{arn} did not end")

    def function(self, source: str) -> str:
        """Make a Python function; its name."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("f.py", source)
        name = f"f-{uuid.uuid4().hex[:12]}"
        code = {"ZipFile": packed.getvalue()}
        self.functions.create_function(
            FunctionName=name, Runtime="python3.12", Handler="f.handler", Role=ROLE, Code=code
        )
        return name


def states_of(aws: LocalAws) -> States:
    return States(aws.client("stepfunctions"), aws.client("lambda"))


@pytest.fixture
def states(local_aws: LocalAws) -> States:
    return states_of(local_aws)


@pytest.fixture
def bench(local_aws: LocalAws) -> Bench:
    bucket = f"states-{uuid.uuid4().hex}"
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    return Bench(local_aws.client("sagemaker"), s3, local_aws.client("logs"), bucket)
