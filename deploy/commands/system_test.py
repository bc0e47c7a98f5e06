"""The system test: `system-test` starts its state machine on staging and follows it.

A project that SageMaker Studio provisioned has the machine from its template; otherwise it is a stack of its own,
brought up to date first.
"""

import argparse
import json
import time
from typing import Any

from deploy import artifacts, deployment, executions, stacks, staged, stages
from deploy.errors import DeployError
from deploy.executions import Ending, Step
from deploy.project import STAGING, SYSTEM_TEST, Project
from deploy.stacks import Request
from deploy.staged import Staged

TEMPLATE = stages.FOLDER / "templates" / "system_test.yml"
FUNCTION = "system_test"
_SUCCEEDED = "SUCCEEDED"


def system_test(project: Project, options: argparse.Namespace) -> int:
    """Run the state machine on what staging serves; tell the figures, and fail when it fails."""
    project.check_is_here(STAGING, "its system test")
    stage = staged.read(project, STAGING)
    stepfunctions = project.session.client("stepfunctions")
    machine = find_machine(project, stepfunctions)
    document = _input(project, stage, options)
    started = stepfunctions.start_execution(
        stateMachineArn=machine, name=f"{stage.package.version}-{time.time_ns()}", input=json.dumps(document)
    )
    print(f"Execution      {started['executionArn']}", flush=True)
    for seen in executions.follow(stepfunctions, started["executionArn"]):
        if isinstance(seen, Step):
            print(f"{seen.name:<24} {seen.seconds:8.1f} s", flush=True)
        else:
            _tell(stage, seen)
    return 0


def _tell(stage: Staged, ending: Ending) -> None:
    if ending.status != _SUCCEEDED:
        what = " ".join(filter(None, (ending.status, ending.error)))
        raise DeployError(f"the system test of {stage.package.short_name}: {what}: {ending.cause or 'no cause'}")
    result = json.loads(ending.output)
    for name, value in sorted(result["Figures"].items()):
        print(f"{name:<24} {value:10.6g}")
    print(f"Passed         {result['Summary']}")
    print(f"Report         {result['ReportUri']}")


def find_machine(project: Project, stepfunctions: Any) -> str:
    """Find the state machine that the project's template made, or make one; return its ARN.

    Raises
    ------
    DeployError
    """
    name = project.stack_name(SYSTEM_TEST)
    if stacks.describe(project.cloudformation, name) is None:
        provisioned = _named(stepfunctions, f"{project.name}-{SYSTEM_TEST}")
        if provisioned is not None:
            return provisioned
    deployment.run(project, _stack(project, name), None, wait=True)
    stack = stacks.describe(project.cloudformation, name)
    if stack is None or "StateMachineArn" not in stack.outputs:
        raise DeployError(f"the stack {name} has no state machine: it is not of this project")
    return stack.outputs["StateMachineArn"]


def _named(stepfunctions: Any, name: str) -> str | None:
    """Find a state machine by its name."""
    pages = stepfunctions.get_paginator("list_state_machines").paginate()
    machines = (machine for page in pages for machine in page["stateMachines"])
    return next((machine["stateMachineArn"] for machine in machines if machine["name"] == name), None)


def _stack(project: Project, name: str) -> Request:
    """Return what the stack is to become, with the function's code uploaded to the bucket."""
    key = artifacts.publish(project.s3, project.bucket, project.name, stages.FOLDER / "functions" / FUNCTION)
    values = {
        "SageMakerProjectName": project.name,
        "BucketName": project.bucket,
        "FunctionCodeBucket": project.bucket,
        "FunctionCodeKey": key,
    }
    return stages.stack_request(project, name, TEMPLATE, values, {"sagemaker:project-name": project.name})


def _input(project: Project, stage: Staged, options: argparse.Namespace) -> dict[str, Any]:
    """Return the input of the execution; what it leaves out comes from the stack."""
    endpoint = project.endpoint_name(STAGING)
    running = project.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    given = {
        "Tolerance": options.tolerance,
        "MaxLatencyMilliseconds": options.max_latency,
        "Calls": options.calls,
    }
    return {
        "EndpointName": endpoint,
        # The stack knows its configuration's name in lower case only.
        "EndpointConfigName": running if running.lower() == stage.config_name else stage.config_name,
        "ModelPackageArn": stage.package.arn,
        "Thresholds": dict(options.thresholds),
        **{name: value for name, value in given.items() if value is not None},
    }
