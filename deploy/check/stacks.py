"""Stacks: whether the last change of each was completed, and whether the stages are deployed."""

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.system import Resource, System
from deploy.stacks import describe

STAGE = "Stage"


def whole(system: System, resource: Resource) -> Verdict:
    """A stack whose last change failed or was rolled back is not what its template says."""
    stack = describe(system.client("cloudformation"), resource.physical_id)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return failed("deleted, though the stack around it has it", f"update the stack {resource.stack.name}")
    said = f"{stack.status} {stack.reason}".rstrip()
    if stack.is_whole:
        return ok(said)
    if stack.is_busy:
        return warning(said, "wait until the change has ended, then check again")
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        return warning(said, "its last change was taken back: see its events for the reason, then try it again")
    return failed(said, f"`aws cloudformation describe-stack-events --stack-name {stack.name}` says what failed")


def deployed(system: System, resource: Resource) -> Verdict:
    """A stage is there once ModelDeploy has brought a version to it."""
    stage = resource.physical_id
    stack = system.stages[stage]
    if stack is None:
        return warning(
            "not deployed yet", f"{system.command(stage)}; ModelDeploy does it for the stages, after an approval"
        )
    return ok(f"stack {stack.name}")


def stage_subjects(system: System) -> list[Resource]:
    """Return the stages and the API."""
    return [Resource(STAGE, stage, stack or system.root, stage) for stage, stack in system.stages.items()]


CHECKS = (Check("Whole", whole),)
STAGE_CHECKS = (Check("Deployed", deployed),)
