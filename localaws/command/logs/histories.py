"""Executions of pipelines and state machines: a line for each thing that has happened, and the logs that say more.

A name is that of the pipeline or state machine, which means its latest execution; or NAME/EXECUTION; or the execution's
ARN.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from localaws.command.logs.log import Clients, Entry, Log, asked

Happened = tuple[datetime, str]
"""When, and what."""

_MOST_WORDS = 400


class History:
    """What has happened, as a service tells it anew with each call.

    Parameters
    ----------
    read : callable() -> iterable of Happened
        In the order of time.
    since : datetime or None
    """

    def __init__(self, read: Callable[[], Iterable[Happened]], since: datetime | None) -> None:
        self._read, self._since = read, since
        self._told: set[Happened] = set()

    def new_lines(self) -> Iterator[str]:
        """Yield a line for each thing that is new since the last call."""
        for moment, what in self._read():
            if (moment, what) in self._told or (self._since is not None and moment < self._since):
                continue
            self._told.add((moment, what))
            yield f"{moment.astimezone():%H:%M:%S}  {what}"


def find_pipeline(clients: Clients, name: str, since: datetime | None) -> Log | None:
    """Find an execution of a SageMaker pipeline."""
    sagemaker = clients("sagemaker")
    arn = _pipeline_execution(sagemaker, name)
    found = arn and asked(sagemaker.describe_pipeline_execution, PipelineExecutionArn=arn)
    if not found:
        return None

    def read() -> Iterator[Happened]:
        pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        for step in (step for page in pages for step in page["PipelineExecutionSteps"]):
            if "StartTime" in step:
                yield step["StartTime"], f"{step['StepName']:<28} started{_job_log(step)}"
            if "EndTime" in step:
                yield step["EndTime"], f"{step['StepName']:<28} {step['StepStatus']}{_why(step.get('FailureReason'))}"
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if _pipeline_is_over(execution):
            what = f"{execution['PipelineExecutionStatus']}{_why(execution.get('FailureReason'))}"
            yield execution["LastModifiedTime"], f"{'the execution':<28} {what}"

    history = History(lambda: sorted(read(), key=lambda happened: happened[0]), since)
    describe = sagemaker.describe_pipeline_execution
    return Log(str(arn), history.new_lines, lambda: _pipeline_is_over(describe(PipelineExecutionArn=arn)))


def _pipeline_execution(sagemaker: Any, name: str) -> str | None:
    if name.startswith("arn:"):
        return name if ":pipeline/" in name and "/execution/" in name else None
    pipeline, _, wanted = name.partition("/")
    if asked(sagemaker.describe_pipeline, PipelineName=pipeline) is None:
        return None
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending"
    )
    arns = (each["PipelineExecutionArn"] for page in pages for each in page["PipelineExecutionSummaries"])
    return next((arn for arn in arns if not wanted or arn.endswith(f"/{wanted}")), None)


def _pipeline_is_over(execution: Any) -> bool:
    return execution["PipelineExecutionStatus"] not in ("Executing", "Stopping")


def _job_log(step: Any) -> str:
    """Return the command that shows the log of the step's job."""
    metadata = step.get("Metadata", {})
    arns = (metadata[kind]["Arn"] for kind in ("ProcessingJob", "TrainingJob", "TransformJob") if kind in metadata)
    job = next(arns, "").rpartition("/")[2]
    return f"  (local-aws logs {job})" if job else ""


def latest_pipelines(clients: Clients, most: int) -> Iterator[Entry]:
    """Yield the latest execution of the pipelines that were executed last."""
    sagemaker = clients("sagemaker")
    pipelines = sagemaker.list_pipelines(SortBy="CreationTime", SortOrder="Descending")["PipelineSummaries"]
    executed = [each for each in pipelines if "LastExecutionTime" in each]
    executed.sort(key=lambda each: each["LastExecutionTime"], reverse=True)
    for pipeline in executed[:most]:
        name = pipeline["PipelineName"]
        answer = sagemaker.list_pipeline_executions(
            PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )
        for each in answer["PipelineExecutionSummaries"]:
            own = each["PipelineExecutionArn"].rpartition("/")[2]
            yield Entry(each["StartTime"], each["PipelineExecutionStatus"], f"{name}/{own}")


def find_codepipeline(clients: Clients, name: str, since: datetime | None) -> Log | None:
    """Find an execution of CodePipeline."""
    codepipeline = clients("codepipeline")
    pipeline, _, own = name.partition("/")
    if not own:
        answer = asked(codepipeline.list_pipeline_executions, pipelineName=pipeline, maxResults=1)
        summaries = answer["pipelineExecutionSummaries"] if answer else ()
        own = next((each["pipelineExecutionId"] for each in summaries), "")
    execution = {"pipelineName": pipeline, "pipelineExecutionId": own}
    if not own or asked(codepipeline.get_pipeline_execution, **execution) is None:
        return None

    def read() -> Iterator[Happened]:
        pages = codepipeline.get_paginator("list_action_executions").paginate(
            pipelineName=pipeline, filter={"pipelineExecutionId": own}
        )
        for action in (action for page in pages for action in page["actionExecutionDetails"]):
            place = f"{action['stageName']}, {action['actionName']}"
            yield action["startTime"], f"{place:<40} started"
            if action["status"] != "InProgress":
                yield action["lastUpdateTime"], f"{place:<40} {action['status']}{_outcome(action)}"

    def is_over() -> bool:
        found = asked(codepipeline.get_pipeline_execution, **execution)
        return found is None or found["pipelineExecution"]["status"] not in ("InProgress", "Stopping")

    history = History(lambda: sorted(read(), key=lambda happened: happened[0]), since)
    return Log(f"{pipeline}/{own}", history.new_lines, is_over)


def _outcome(action: Any) -> str:
    """Return why an action failed, and the command that shows its log."""
    result = action.get("output", {}).get("executionResult", {})
    why = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
    provider = action.get("input", {}).get("actionTypeId", {}).get("provider")
    own = result.get("externalExecutionId")
    command = f"  (local-aws logs {own})" if own and provider in ("CodeBuild", "StepFunctions") else ""
    return f"{_why(why) if action['status'] != 'Succeeded' else ''}{command}"


def latest_codepipelines(clients: Clients, most: int) -> Iterator[Entry]:
    """Yield the latest execution of the pipelines that were changed last."""
    codepipeline = clients("codepipeline")
    pipelines = sorted(codepipeline.list_pipelines()["pipelines"], key=lambda each: each["updated"], reverse=True)
    for pipeline in pipelines[:most]:
        answer = codepipeline.list_pipeline_executions(pipelineName=pipeline["name"], maxResults=1)
        for each in answer["pipelineExecutionSummaries"]:
            yield Entry(each["startTime"], each["status"], f"{pipeline['name']}/{each['pipelineExecutionId']}")


def find_state_machine(clients: Clients, name: str, since: datetime | None) -> Log | None:
    """Find an execution of a state machine of Step Functions."""
    states = clients("stepfunctions")
    arn = _state_machine_execution(states, name)
    if arn is None or asked(states.describe_execution, executionArn=arn) is None:
        return None

    def read() -> Iterator[Happened]:
        for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
            for event in page["events"]:
                yield event["timestamp"], f"{event['id']:>4}  {event['type']}{_details(event)}"

    history = History(read, since)
    return Log(arn, history.new_lines, lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")


def _state_machine_execution(states: Any, name: str) -> str | None:
    if name.startswith("arn:"):
        return name if ":execution:" in name else None
    machine, _, wanted = name.partition("/")
    pages = states.get_paginator("list_state_machines").paginate()
    machines = (each for page in pages for each in page["stateMachines"])
    arn = next((each["stateMachineArn"] for each in machines if each["name"] == machine), None)
    answer = arn and asked(states.list_executions, stateMachineArn=arn)
    executions = answer["executions"] if answer else ()
    return next((each["executionArn"] for each in executions if wanted in ("", each["name"])), None)


def _details(event: Any) -> str:
    """Return what an event is about: the state's name, the error and its cause."""
    members: Any = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    said = [str(members[name]) for name in ("name", "error") if members.get(name)]
    return f"  {': '.join(said)}" * bool(said) + _why(members.get("cause"))


def latest_state_machines(clients: Clients, most: int) -> list[Entry]:
    """Return the latest executions of state machines."""
    states = clients("stepfunctions")
    machines = (
        each for page in states.get_paginator("list_state_machines").paginate() for each in page["stateMachines"]
    )
    found = []
    for machine in machines:
        answer = asked(states.list_executions, stateMachineArn=machine["stateMachineArn"], maxResults=1)
        for each in answer["executions"] if answer else ():
            found.append(Entry(each["startDate"], each["status"], f"{machine['name']}/{each['name']}"))
    return sorted(found, key=lambda entry: entry.created, reverse=True)[:most]


def _why(reason: str | None) -> str:
    return f": {' '.join(reason.split())[:_MOST_WORDS]}" if reason else ""
