"""Functions: active, with a place for the events that they could not handle. State machines and tables: active."""

from botocore.exceptions import ClientError

from deploy.check import policies, queues, roles
from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.policies import listed
from deploy.check.system import Resource, System

# They call a function and do not wait for its answer: what it could not handle is lost, or goes to the DLQ.
_ASYNCHRONOUS = {"events.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com", "scheduler.amazonaws.com"}


def active(system: System, resource: Resource) -> Verdict:
    """The function can be called."""
    told = system.client("lambda").get_function_configuration(FunctionName=resource.physical_id)
    state, update = told.get("State", "Active"), told.get("LastUpdateStatus", "Successful")
    # Inactive wakes at the next call; while an update is under way the code before it answers.
    if state in {"Active", "Inactive"} and update != "Failed":
        return ok(f"{state}, last update {update}")
    if state == "Pending":
        return warning("Pending", "it is being made: check again in a minute")
    reason = told.get("StateReason") or told.get("LastUpdateStatusReason") or "no reason is given"
    return failed(f"{state}, last update {update}: {reason}", f"update the stack {resource.stack.name}")


def role(system: System, resource: Resource) -> Verdict:
    """Lambda may assume the function's role."""
    told = system.client("lambda").get_function_configuration(FunctionName=resource.physical_id)
    return roles.assumable(system, told["Role"], "lambda.amazonaws.com")


def dead_letters(system: System, resource: Resource) -> Verdict | None:
    """An event that the function could not handle goes somewhere; callers that wait get the error."""
    read = _queues(system, resource)
    without = [arn for arn in read if not queues.attributes_of(system, arn).get("RedrivePolicy")]
    if without:
        return failed(
            f"the queue {without[0]} has no dead-letter queue: what the function cannot handle is lost in the end",
            "give the queue a RedrivePolicy",
        )
    callers = sorted(_callers(system, resource) & _ASYNCHRONOUS)
    if not callers:
        return ok("that of its queue") if read else None
    place = _dead_letter_target(system, resource)
    if place:
        return ok(place.rpartition(":")[2])
    return failed(
        f"no dead-letter queue: an event of {', '.join(callers)} that it cannot handle is lost",
        "give the function a DeadLetterConfig, or an EventInvokeConfig with a destination on failure",
    )


def _callers(system: System, resource: Resource) -> set[str]:
    own = policies.of_function(system.client("lambda"), resource.physical_id)
    principals = [statement.get("Principal", {}) for statement in own]
    return {name for one in principals if isinstance(one, dict) for name in listed(one.get("Service", []))}


def _queues(system: System, resource: Resource) -> list[str]:
    """Return the queues that Lambda reads for the function."""
    told = system.client("lambda").list_event_source_mappings(FunctionName=resource.physical_id)
    return [one["EventSourceArn"] for one in told["EventSourceMappings"] if ":sqs:" in one.get("EventSourceArn", "")]


def _dead_letter_target(system: System, resource: Resource) -> str:
    client = system.client("lambda")
    told = client.get_function_configuration(FunctionName=resource.physical_id)
    place = str(told.get("DeadLetterConfig", {}).get("TargetArn", ""))
    if place:
        return place
    try:
        asked = client.get_function_event_invoke_config(FunctionName=resource.physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return ""
        raise
    return str(asked.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", ""))


def mapped(system: System, resource: Resource) -> Verdict:
    """Lambda reads the queue: otherwise events wait in it until they are too old."""
    told = system.client("lambda").get_event_source_mapping(UUID=resource.physical_id)
    if told["State"] in {"Enabled", "Enabling", "Updating", "Creating"}:
        return ok(f"reads {told['EventSourceArn'].rpartition(':')[2]}")
    return failed(
        f"{told['State']}: nothing reads {told['EventSourceArn'].rpartition(':')[2]}",
        f"`aws lambda update-event-source-mapping --uuid {resource.physical_id} --enabled`",
    )


def machine_active(system: System, resource: Resource) -> Verdict:
    """The state machine can be started."""
    told = system.client("stepfunctions").describe_state_machine(stateMachineArn=resource.physical_id)
    if told["status"] == "ACTIVE":
        return ok("active")
    return failed(told["status"], f"update the stack {resource.stack.name}")


def machine_role(system: System, resource: Resource) -> Verdict:
    """Step Functions may assume the state machine's role."""
    told = system.client("stepfunctions").describe_state_machine(stateMachineArn=resource.physical_id)
    return roles.assumable(system, told["roleArn"], "states.amazonaws.com")


def table_active(system: System, resource: Resource) -> Verdict:
    """The table can be read and written."""
    told = system.client("dynamodb").describe_table(TableName=resource.physical_id)["Table"]
    if told["TableStatus"] in {"ACTIVE", "UPDATING"}:
        return ok(told["TableStatus"].lower())
    return failed(told["TableStatus"], f"update the stack {resource.stack.name}")


def table_protected(system: System, resource: Resource) -> Verdict:
    """Nobody can delete the table."""
    if system.client("dynamodb").describe_table(TableName=resource.physical_id)["Table"]["DeletionProtectionEnabled"]:
        return ok("deletion protection is on")
    return warning(
        "whoever may delete tables can delete it", "`deploy-model project --parameters TableDeletionProtection=true`"
    )


CHECKS = (Check("Active", active), Check("Role", role), Check("DeadLetterQueue", dead_letters))
MAPPING_CHECKS = (Check("Enabled", mapped),)
STATE_MACHINE_CHECKS = (Check("Active", machine_active), Check("Role", machine_role))
TABLE_CHECKS = (Check("Active", table_active), Check("DeletionProtection", table_protected))
