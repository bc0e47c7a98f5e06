"""Invoke, StepFunctions: an execution of a state machine, until it ends."""

import json
from typing import ClassVar

from localaws.services.codepipeline.actions.action import Job, Progress, Provider, failed
from localaws.services.codepipeline.artifacts import ArtifactError

_WEEK_MINUTES = 7 * 24 * 60


class StepFunctions(Provider):
    """The name of the execution is derived from the action execution's ID."""

    categories = ("Invoke",)
    name = "StepFunctions"
    inputs = (0, 1)
    required = ("StateMachineArn",)
    optional = ("InputType", "Input", "ExecutionNamePrefix")
    allowed: ClassVar = {"InputType": ("Literal", "FilePath")}
    timeout_minutes = _WEEK_MINUTES

    def start(self, job: Job) -> Progress:
        """Start the execution, or find the one that was started before."""
        try:
            text = _input(job)
        except (ArtifactError, ValueError) as error:
            return failed(str(error), "ConfigurationError")
        client, machine = job.context.aws.client("stepfunctions"), job.configuration["StateMachineArn"]
        prefix = job.configuration.get("ExecutionNamePrefix")
        name = f"{prefix}-{job.number}" if prefix else job.number
        try:
            arn = client.start_execution(stateMachineArn=machine, name=name, input=text)["executionArn"]
        except client.exceptions.ExecutionAlreadyExists:
            arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        return Progress(external={"externalExecutionId": arn}, memory={"execution": arn})

    def poll(self, job: Job) -> Progress:
        """Return the progress of the execution."""
        arn = job.memory["execution"]
        execution = job.context.aws.client("stepfunctions").describe_execution(executionArn=arn)
        status = execution["status"]
        if status == "RUNNING":
            return Progress(external={"externalExecutionId": arn}, memory=job.memory)
        if status != "SUCCEEDED":
            reason = ": ".join(filter(None, (execution.get("error"), execution.get("cause"))))
            return failed(f"The execution {arn} is {status}. {reason}".strip(), externalExecutionId=arn)
        variables = {"ExecutionArn": arn, "StateMachineArn": job.configuration["StateMachineArn"]}
        return Progress("Succeeded", external={"externalExecutionId": arn}, variables=variables)


def _input(job: Job) -> str:
    """Return the execution's input.

    Raises
    ------
    ArtifactError
    ValueError
        If it is not JSON.
    """
    given = job.configuration.get("Input") or "{}"
    if job.configuration.get("InputType", "Literal") == "FilePath":
        if not job.inputs:
            raise ValueError("InputType FilePath needs an input artifact that contains the file")
        [location] = job.inputs.values()
        given = job.artifacts.read(location, given).decode()
    json.loads(given)
    return given
