"""A deployment: a stack brought to the requested state, shown while it runs, with its endpoint's traffic.

"InService" alone proves nothing: after a rollback an endpoint is in service, too, with its old configuration. The stack
says whether a change failed; and the staging test compares configurations.
"""

from collections.abc import Callable

from deploy import stacks, stages, traffic
from deploy.deployment_view import DeploymentPicture, Moment
from deploy.project import Project
from deploy.stacks import Event, Request, Stack
from model_road.live import View


def run(project: Project, request: Request, endpoint_name: str | None, wait: bool) -> bool:
    """Deploy a stack and show how it goes; return whether that changed anything.

    Parameters
    ----------
    project : Project
    request : Request
        What the stack is to become.
    endpoint_name : str or None
        The endpoint whose traffic is shown beside the stack's events.
    wait : bool
        Whether to stay until the change has ended.

    Raises
    ------
    StackError
        When the change failed.
    """
    stages.upload_template(project, request)
    change = stacks.start(project.cloudformation, request)
    if change is None:
        print(f"No change      {request.name} is that already")
        return False
    print(f"Stack          {change.stack_id}", flush=True)
    if wait:
        with View(DeploymentPicture()) as view:
            stacks.follow(project.cloudformation, change, _watcher(project, endpoint_name, view.show))
    return True


def delete(project: Project, stack: Stack) -> None:
    """Delete a stack and show how it goes."""
    with View(DeploymentPicture()) as view:
        stacks.delete(project.cloudformation, stack, _watcher(project, None, view.show))


def _watcher(project: Project, endpoint_name: str | None, show: Callable[[Moment], None]) -> stacks.Watcher:
    def watch(events: list[Event], _stack: Stack) -> None:
        seen = traffic.read(project.sagemaker, project.cloudwatch, endpoint_name) if endpoint_name else None
        show(Moment(tuple(events), seen))

    return watch
