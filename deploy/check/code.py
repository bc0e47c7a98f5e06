"""Code: the repository or connection that it comes through, the projects that build it, the pipelines that run them."""

from typing import Any

from deploy import codepipeline, failures
from deploy.check import roles
from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.check.system import Resource, System

CONNECTION = "CodeConnection"


def repository(system: System, resource: Resource) -> Verdict:
    """The repository exists. CloudFormation knows it by its id, this API by its name."""
    name = _repository_name(system, resource)
    return ok(system.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]["cloneUrlHttp"])


def branch(system: System, resource: Resource) -> Verdict:
    """The branch whose commits are built has one."""
    name, wanted = _repository_name(system, resource), system.parameter("BranchName")
    codecommit = system.client("codecommit")
    try:
        told = codecommit.get_branch(repositoryName=name, branchName=wanted)["branch"]
    except codecommit.exceptions.BranchDoesNotExistException:
        return failed(f"no branch {wanted}: nothing is built", f"`git push origin {wanted}`")
    return ok(f"{told['branchName']} at {told['commitId'][:12]}")


def connected(system: System, resource: Resource) -> Verdict:
    """Somebody has completed the handshake with the other side."""
    told = system.client("codeconnections").get_connection(ConnectionArn=resource.physical_id)["Connection"]
    if told["ConnectionStatus"] == "AVAILABLE":
        return ok(f"{told['ProviderType']}, available")
    return failed(
        f"the connection is {told['ConnectionStatus']}",
        "complete it in the console: Developer Tools, Settings, Connections, Update pending connection",
    )


def project(system: System, resource: Resource) -> Verdict:
    """The build project exists."""
    if _project(system, resource) is None:
        return failed(f"{resource.name} is not there", f"update the stack {resource.stack.name}")
    return ok("there")


def project_role(system: System, resource: Resource) -> Verdict | None:
    """CodeBuild may assume the project's role."""
    told = _project(system, resource)
    return roles.assumable(system, told["serviceRole"], "codebuild.amazonaws.com") if told else None


def project_log(system: System, resource: Resource) -> Verdict | None:
    """What a build prints is kept."""
    told = _project(system, resource) or {}
    log = told.get("logsConfig", {}).get("cloudWatchLogs", {})
    if log.get("status") == "ENABLED":
        return ok(log.get("groupName", "the default group"))
    return warning("its log is not kept", "enable CloudWatchLogs in the project's LogsConfig")


def pipeline(system: System, resource: Resource) -> Verdict:
    """The pipeline exists, with stages."""
    told = _pipeline(system, resource)
    return ok(", ".join(stage["name"] for stage in told["stages"]))


def pipeline_role(system: System, resource: Resource) -> Verdict:
    """CodePipeline may assume the pipeline's role."""
    return roles.assumable(system, _pipeline(system, resource)["roleArn"], "codepipeline.amazonaws.com")


def transitions(system: System, resource: Resource) -> Verdict:
    """Nobody has stopped what passes from one stage to the next."""
    told = system.client("codepipeline").get_pipeline_state(name=resource.physical_id)
    stopped = [
        f"{stage['stageName']} ({stage['inboundTransitionState'].get('disabledReason', 'no reason is given')})"
        for stage in told.get("stageStates", [])
        if not stage.get("inboundTransitionState", {}).get("enabled", True)
    ]
    if not stopped:
        return ok("every stage lets executions in")
    return warning(
        f"no execution gets into {', '.join(stopped)}",
        f"`aws codepipeline enable-stage-transition --pipeline-name {resource.physical_id} --transition-type Inbound "
        "--stage-name STAGE`",
    )


def last_execution(system: System, resource: Resource) -> Verdict:
    """Its last execution has not failed."""
    state = codepipeline.read(system.client("codepipeline"), resource.physical_id)
    found = failures.read(system.client, state)
    if not found:
        return ok("has not failed")
    if waits := failures.waiting(system.client, state, found, system.project_name, system.model_package_group_name):
        return ok(waits)
    said = f" ({found[0].last_words[-1]})" if found[0].last_words else ""
    look = system.command(f"log {found[0].build_id}" if found[0].build_id else "follow")
    return warning(f"{found[0].sentence}{said}", look)


def connection_subjects(system: System) -> list[Resource]:
    """Return the code connection, when the code comes through one."""
    arn = system.parameter("CodeConnectionArn")
    return [Resource(CONNECTION, arn, system.root, arn.rpartition("/")[2])] if arn else []


def _repository_name(system: System, resource: Resource) -> str:
    return system.parameter("RepositoryName") or resource.physical_id


def _project(system: System, resource: Resource) -> Any:
    found = system.client("codebuild").batch_get_projects(names=[resource.physical_id])["projects"]
    return found[0] if found else None


def _pipeline(system: System, resource: Resource) -> Any:
    return system.client("codepipeline").get_pipeline(name=resource.physical_id)["pipeline"]


REPOSITORY_CHECKS = (Check("There", repository), Check("Branch", branch))
CONNECTION_CHECKS = (Check("Available", connected),)
PROJECT_CHECKS = (Check("There", project), Check("Role", project_role), Check("Log", project_log))
PIPELINE_CHECKS = (
    Check("There", pipeline),
    Check("Role", pipeline_role),
    Check("Transitions", transitions),
    Check("LastExecution", last_execution),
)
