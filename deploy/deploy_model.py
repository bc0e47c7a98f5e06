"""`deploy-model`: take an approved model to staging, through a test and a person's approval, to production and its API.

    approve-model ─> staging ─> test ─> approve ─> production ─> api
                                                   ├─ rollback
                                                   └─ ab, shadow ─> promote

Every command can be run again: it leaves alone what exists already.
"""

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from deploy.options import (
    DEFAULT_GROUP,
    DEFAULT_PROJECT,
    add_project_name_option,
    add_report_options,
    count,
    percent,
    positive,
    s3_folder,
    share,
    threshold,
)
from model_road import aws, command, platform_settings
from model_road.environment import ENVIRONMENTS
from model_road.options import ENVIRONMENT_OPTIONS, add_environment_options, add_parameters_option, role_arn

if TYPE_CHECKING:
    from deploy.project import Project

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

# The options of every command that say which project is meant, and what they are when nothing is said.
_COMMON = {
    "project_name": DEFAULT_PROJECT,
    "model_package_group_name": os.environ.get("SOURCE_MODEL_PACKAGE_GROUP_NAME"),
    "s3_bucket": os.environ.get("ARTIFACT_BUCKET"),
    "role_arn": None,
    "region": None,
}

_DELETE_HELP = "a stage, all stages, or the project's own stack when no stage is left"
_PACKAGE_HELP = "an ARN, a version number, or `latest`"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = parser().parse_args(arguments)
    return command.exit_status(lambda: _run(parsed), _common_options(parsed))


def parser() -> argparse.ArgumentParser:
    """Make the parser; each command names its function in the way of an entry point."""
    every = argparse.ArgumentParser(
        prog="deploy-model",
        description="Move an approved model to staging, test it there, and then to production.",
        epilog="Order: approve-model, staging, test, approve, production, api. Exit status: 0 done (also when there "
        "was nothing to do), 1 it failed, 2 the command is wrong, 130 Ctrl-C (CloudFormation goes on)",
    )
    commands = every.add_subparsers(metavar="COMMAND", required=True)
    _add_registry(commands)
    _add_stages(commands)
    _add_release(commands)
    _add_api_and_overview(commands)
    _add_project(commands)
    _add_pipelines(commands)
    return every


def _add_registry(commands: "Commands") -> None:
    listing = _add(commands, "list", "registry:list_packages", "list the versions with their metrics side by side")
    listing.add_argument("--max-items", type=count, default=20, help="how many to list, newest first (%(default)s)")
    approving = _add(commands, "approve-model", "registry:approve_model", "approve a version in the registry")
    approving.add_argument("package", metavar="ARN", help=_PACKAGE_HELP)
    approving.add_argument("--reason", default="", help="ApprovalDescription: why")
    rejecting = _add(commands, "reject-model", "registry:reject_model", "reject a version in the registry")
    rejecting.add_argument("package", metavar="ARN", help=_PACKAGE_HELP)
    rejecting.add_argument("--reason", required=True, help="ApprovalDescription: why; those who built it will ask")


def _add_stages(commands: "Commands") -> None:
    planning = _add(
        commands, "plan", "stage:show_plan", "show what staging and production would change; change nothing"
    )
    planning.add_argument("--model-package", dest="package", metavar="ARN", help=f"{_PACKAGE_HELP}; latest approved")
    staging = _add(commands, "staging", "stage:deploy_staging", "deploy the latest approved version to staging")
    staging.add_argument("--model-package", dest="package", metavar="ARN", help=f"another one: {_PACKAGE_HELP}")
    _add_wait(staging)
    testing = _add(
        commands, "test", "stage:test_staging", "invoke staging with the evaluation's records; write a JUnit report"
    )
    testing.add_argument("--report", metavar="FILE", help="the report ($EXPORT_TEST_RESULTS, or staging-test.xml)")
    testing.add_argument(
        "--tolerance",
        type=share,
        default=0.01,
        help="how far a metric may be from the package's, as a share of it (%(default)s)",
    )
    testing.add_argument(
        "--max-latency", type=positive, default=1000.0, metavar="MS", help="limit for 99 %% of the calls (%(default)s)"
    )
    testing.add_argument("--calls", type=count, default=100, help="how many calls to time (%(default)s)")
    testing.add_argument(
        "--capture-seconds", type=positive, default=300.0, help="how long to wait for data capture (%(default)s)"
    )
    _add_system_test(commands)
    _add(commands, "approve", "stage:approve_staging", "approve what staging runs, and has been tested, for production")
    production = _add(
        commands, "production", "stage:deploy_production", "deploy what staging runs to production, if approved"
    )
    _add_without_alarms(production)
    _add_wait(production)


def _add_system_test(commands: "Commands") -> None:
    testing = _add(
        commands, "system-test", "system_test:system_test", "run the system test's state machine on what staging serves"
    )
    testing.add_argument(
        "--thresholds",
        nargs="+",
        action="extend",
        type=threshold,
        default=[],
        metavar="METRIC=LIMIT",
        help="limits other than the package's own metrics: r2=0.45 rmse=60, or accuracy=0.9",
    )
    testing.add_argument(
        "--tolerance", type=share, help="how much worse than the package's a metric may be, as a share of it"
    )
    testing.add_argument(
        "--max-latency", type=positive, metavar="MS", help="limit for 99 %% of the calls with one record"
    )
    testing.add_argument("--calls", type=count, help="how many calls with one record to time")


def _add_release(commands: "Commands") -> None:
    rolling = _add(commands, "rollback", "release:roll_back", "bring production back to the version before")
    rolling.add_argument("--to", metavar="ARN", help=f"a version that has been in production before: {_PACKAGE_HELP}")
    _add_without_alarms(rolling)
    _add_wait(rolling)
    testing = _add(commands, "ab", "release:ab_test", "give a share of production's traffic to another version")
    testing.add_argument("package", metavar="ARN", help=_PACKAGE_HELP)
    testing.add_argument("--weight", type=percent, default=10, help="its share in percent, 1 to 99 (%(default)s)")
    _add_wait(testing)
    shadowing = _add(commands, "shadow", "release:shadow", "send copies of production's requests to another version")
    shadowing.add_argument("package", metavar="ARN", help=_PACKAGE_HELP)
    shadowing.add_argument(
        "--sampling",
        type=percent,
        default=99,
        help="share of the requests that is copied, in percent, 1 to 99 (%(default)s)",
    )
    _add_wait(shadowing)
    promoting = _add(commands, "promote", "release:promote", "deploy the experiment's version to production")
    _add_without_alarms(promoting)
    _add_wait(promoting)


def _add_api_and_overview(commands: "Commands") -> None:
    api = _add(commands, "api", "api:deploy_api", "put POST /stream and POST /batch in front of production")
    add_parameters_option(
        api, "values for parameters of the template; the others stay as they are: RateLimit=50 QuotaLimit=100000"
    )
    _add_wait(api)
    _add(commands, "status", "overview:status", "show the stacks, what they serve and who gets the traffic")
    deleting = _add(commands, "delete", "overview:delete", "delete a stack, or all")
    deletable = ["staging", "production", "api", "system-test", "all", "project"]
    deleting.add_argument("what", choices=deletable, help=_DELETE_HELP)
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    deleting.add_argument(
        "--delete-retained-resources",
        action="store_true",
        help="of the project: also what CloudFormation retains, which are its buckets with all data, its tables, "
        "repository, versions and key; and its pipelines and logs",
    )


def _add_project(commands: "Commands") -> None:
    _add_doctor(commands)
    making = _add(
        commands, "project", "project:deploy_project", "create the project's own stack, with all that it needs"
    )
    making.add_argument("--project-id", help="SageMakerProjectId ($SAGEMAKER_PROJECT_ID, or derived from the name)")
    making.add_argument("--notification-emails", metavar="LIST", help="addresses to notify, separated by commas")
    add_parameters_option(making, "values for other parameters of project.yml: RetrainingSchedule='rate(7 days)'")
    _add_wait(making)
    # These make what the others find.
    making.set_defaults(is_in_project=False)
    installing = _add(
        commands,
        "install-project-template",
        "project:install_template",
        "put that stack's template into SageMaker Studio's list of project templates",
    )
    installing.set_defaults(is_in_project=False)
    installing.add_argument("--domain-id", metavar="ID", help="the Studio domain that shows it")
    installing.add_argument(
        "--template-location",
        metavar="S3URI",
        type=s3_folder,
        help="the folder to put it in, s3://bucket/folder/, such as one that a domain already shows "
        "(the default: model-road/templates/ of the bucket)",
    )
    installing.add_argument(
        "--launch-role-arn",
        metavar="ARN",
        type=role_arn,
        help="add it as a product of Service Catalog instead, provisioned by this role",
    )
    for command_parser in (making, installing):
        command_parser.add_argument(
            "--source",
            default=".",
            metavar="FOLDER",
            help="working copy to initialize the repository from: what git tracks there (%(default)s)",
        )
        command_parser.add_argument(
            "--include",
            nargs="+",
            default=[],
            metavar="FILE",
            help="files and folders of the working copy that git does not track, and that go, too",
        )
        command_parser.add_argument(
            "--not-secret",
            nargs="+",
            default=[],
            metavar="FILE",
            help="files that may go although they look like secrets",
        )


def _add_doctor(commands: "Commands") -> None:
    looking = _add(
        commands,
        "doctor",
        "doctor:diagnose",
        "say whether account, region, quotas, permissions and names suffice for a project, before it is made",
    )
    # It says itself what is wrong with credentials and region.
    looking.set_defaults(is_prepared=False)
    looking.add_argument("--project-id", help="SageMakerProjectId ($SAGEMAKER_PROJECT_ID, or derived from the name)")
    looking.add_argument(
        "--launch-role-arn", metavar="ARN", type=role_arn, help="examine this role's permissions, not the caller's"
    )
    looking.add_argument(
        "--definitions",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="definitions of your pipelines, as `get-pipeline-definition --file-name FILE` writes them (the sample's)",
    )
    add_parameters_option(looking, "parameters that `project` will be given: SourceProvider=CodeConnection")
    add_report_options(looking)


def _add_pipelines(commands: "Commands") -> None:
    following = _add(
        commands, "follow", "pipeline:follow", "show both CodePipelines until both have stopped or wait for a person"
    )
    following.add_argument(
        "--quiet-seconds",
        type=positive,
        default=10.0,
        help="how long both must have been idle: one pipeline starts the other by an event (%(default)s)",
    )
    reading = _add(
        commands, "log", "pipeline:log", "print the log of a build, of which a failure or a mail gives the id"
    )
    reading.add_argument("build", metavar="BUILD", help="its id, such as demo-build:8745a7a9-...")
    showing = _add(
        commands,
        "demo",
        "demo:show",
        "push a change to the sample model, approve it twice, watch it reach production; transform a file",
    )
    showing.add_argument("--minutes", type=positive, default=60.0, help="time limit for each part (%(default)s)")
    answering = _add(
        commands, "answer", "pipeline:answer", "answer the approval that ModelDeploy's CodePipeline waits for"
    )
    answering.add_argument("verdict", choices=["approve", "reject"])
    answering.add_argument("--summary", default="", help="the reason, kept with the execution")


def _add(commands: "Commands", name: str, function: str, help_text: str) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
    added.set_defaults(function=function, is_in_project=True, is_prepared=True)
    add_project_name_option(added, "what stacks and endpoints are named after")
    added.add_argument(
        "--model-package-group-name",
        default=_COMMON["model_package_group_name"],
        metavar="NAME",
        help=f"where the versions are ($SOURCE_MODEL_PACKAGE_GROUP_NAME, the project's own, or {DEFAULT_GROUP})",
    )
    added.add_argument(
        "--s3-bucket",
        default=_COMMON["s3_bucket"],
        metavar="NAME",
        help="for captured data and functions ($ARTIFACT_BUCKET, the project's own, or sagemaker-<region>-<account>)",
    )
    add_environment_options(
        added,
        role_help="role of the model ($MODEL_EXECUTION_ROLE_ARN, the project's own, or the one that is deployed)",
        local_help="use AWS on this machine: start it if necessary, create bucket and role",
    )
    return added


def _add_without_alarms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without-alarms",
        action="store_true",
        help="no alarm rolls this one update back: for a fix that is better than what is there, and not good yet",
    )


def _add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-wait",
        dest="wait",
        action="store_false",
        help="return as soon as CloudFormation has begun; `status` shows the progress",
    )


def _run(parsed: argparse.Namespace) -> int:
    module, _, name = parsed.function.partition(":")
    if not parsed.is_prepared:
        alone: Callable[[argparse.Namespace], int]
        alone = getattr(importlib.import_module(f"deploy.commands.{module}"), name)
        return alone(parsed)
    project = _project(parsed)
    work: Callable[[Project, argparse.Namespace], int]
    work = getattr(importlib.import_module(f"deploy.commands.{module}"), name)
    try:
        return work(project, parsed)
    except KeyboardInterrupt:
        print(f"\nWhat AWS has begun goes on. To follow it: {project.next_command('status')}", file=sys.stderr)
        return command.INTERRUPTED


def _project(parsed: argparse.Namespace) -> "Project":
    """Prepare the environment and return the project in it."""
    # They import botocore: 0.2 s, which `-h` is spared.
    from deploy import provisioned  # noqa: PLC0415
    from deploy.project import Project  # noqa: PLC0415

    role = parsed.role_arn or os.environ.get("MODEL_EXECUTION_ROLE_ARN")
    environment = ENVIRONMENTS[parsed.environment](parsed.region, role)
    # A build is given all of it as variables, and its role may not read the project's stack.
    session = aws.session()
    reads = parsed.is_in_project and "SAGEMAKER_PROJECT_ID" not in os.environ
    own = provisioned.facts(session.client("cloudformation"), parsed.project_name) if reads else {}
    return Project(
        name=parsed.project_name,
        model_package_group_name=parsed.model_package_group_name or own.get("ModelPackageGroupName", DEFAULT_GROUP),
        bucket=parsed.s3_bucket or own.get("ArtifactBucketName") or aws.default_bucket_name(session),
        role_arn=role or own.get("ModelExecutionRoleArn") or environment.role_arn,
        project_id=os.environ.get("SAGEMAKER_PROJECT_ID") or own.get("SageMakerProjectId"),
        kms_key_arn=os.environ.get("KMS_KEY_ARN") or own.get("KmsKeyArn"),
        notification_topic_arn=os.environ.get("NOTIFICATION_TOPIC_ARN") or own.get("NotificationTopicArn"),
        settings=own or platform_settings.of_build(os.environ),
        options=_common_options(parsed),
        accounts=_accounts(own),
    )


def _accounts(own: Mapping[str, str]) -> dict[str, str]:
    """Return the accounts of the stages that have one of their own, by stage.

    Parameters
    ----------
    own : mapping of str to str
        What the project's stack says, if there is one.
    """
    given = {
        stage: os.environ.get(f"{stage.upper()}_ACCOUNT_ID") or own.get(f"{stage.title()}AccountId", "")
        for stage in ("staging", "production")
    }
    # The project's own account, written out, is none of their own.
    home = own.get("KmsKeyArn", "::::").split(":")[4]
    return {stage: account for stage, account in given.items() if account not in ("", home)}


def _common_options(parsed: argparse.Namespace) -> str:
    """Return the project and environment options of this command, for the commands that it proposes."""
    known = {name: getattr(parsed, name) for name in _COMMON}
    given = [
        f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in known.items() if value != _COMMON[name]
    ]
    return " ".join([*given, *ENVIRONMENT_OPTIONS[parsed.environment]])


if __name__ == "__main__":
    sys.exit(main())
