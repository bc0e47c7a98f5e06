"""`python -m deploy.build`: the parameter file of each stage for the latest approved version, as CodeBuild calls it.

CodePipeline's CloudFormation action takes a template and such a file: {"Parameters": {...}, "Tags": {...}}. The options
are those of the build script in SageMaker's own project templates, and their defaults the variables that those set.

That action cannot update a stack whose creation was rolled back, so one that a stage has left is deleted here. Its own
mode REPLACE_ON_FAILURE is not suited for production: it would also delete a stack that serves, after an update whose
rollback failed.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model_road import command, platform_settings
from model_road.environment import account
from model_road.errors import UsageError

if TYPE_CHECKING:
    from deploy.packages import Package

# Option, the variable of CodeBuild's environment that gives it, and what it is.
_GIVEN = (
    ("--model-execution-role", "MODEL_EXECUTION_ROLE_ARN", "ARN of the role that the model runs as"),
    ("--model-package-group-name", "SOURCE_MODEL_PACKAGE_GROUP_NAME", "where the model's versions are"),
    ("--sagemaker-project-name", "SAGEMAKER_PROJECT_NAME", "what stacks and endpoints are named after"),
    ("--sagemaker-project-id", "SAGEMAKER_PROJECT_ID", "of the project that SageMaker Studio provisioned"),
    ("--s3-bucket", "ARTIFACT_BUCKET", "where captured data goes"),
)
# The same for what a stage's file may say itself.
_OPTIONAL = (
    ("--kms-key-arn", "KMS_KEY_ARN", "key of captured data and volumes; each stack makes one otherwise"),
    ("--notification-topic-arn", "NOTIFICATION_TOPIC_ARN", "SNS topic that alarms tell"),
)
_COMMIT = ("--commit-id", "COMMIT_ID", "the commit whose templates these are; a version of another one is refused")
_WRITTEN = (
    ("--export-staging-config", "EXPORT_TEMPLATE_STAGING_CONFIG", "staging-config-export.json", "staging's parameters"),
    ("--export-prod-config", "EXPORT_TEMPLATE_PROD_CONFIG", "prod-config-export.json", "production's parameters"),
    ("--export-cfn-template", "EXPORT_TEMPLATE_NAME", "template-export.yml", "the template of both"),
    (
        *("--export-system-test-input", "EXPORT_SYSTEM_TEST_INPUT", "system-test-input.json"),
        "what the state machine of the system test is started with",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = _parser().parse_args(arguments)
    return command.exit_status(lambda: _build(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.build",
        description="Write the parameter file of each stage for the latest approved version of the model.",
        epilog="exit status: 0 written, 1 no version is approved, it has changed since, or a stack cannot be deleted, "
        "2 the command or a stage's configuration is wrong",
    )
    for option, variable, help_text in _GIVEN:
        value = os.environ.get(variable)
        parser.add_argument(option, default=value, required=value is None, help=f"{help_text} (${variable})")
    for option, variable, help_text in _OPTIONAL:
        parser.add_argument(option, default=os.environ.get(variable), metavar="ARN", help=f"{help_text} (${variable})")
    option, variable, help_text = _COMMIT
    parser.add_argument(option, default=os.environ.get(variable), metavar="ID", help=f"{help_text} (${variable})")
    for option, variable in (
        ("--staging-account-id", "STAGING_ACCOUNT_ID"),
        ("--production-account-id", "PRODUCTION_ACCOUNT_ID"),
    ):
        help_text = f"the stage's account, where it has one of its own (${variable})"
        parser.add_argument(option, default=os.environ.get(variable), metavar="ID", help=help_text)
    for option, name in (("--import-staging-config", "staging"), ("--import-prod-config", "production")):
        path = Path(__file__).parent / "config" / f"{name}.json"
        parser.add_argument(option, type=Path, default=path, metavar="FILE", help=f"{name}'s file (%(default)s)")
    for option, variable, usual, help_text in _WRITTEN:
        path = Path(os.environ.get(variable, usual))
        parser.add_argument(
            option, type=Path, default=path, metavar="FILE", help=f"{help_text} (${variable}, or {usual})"
        )
    return parser


def _build(parsed: argparse.Namespace) -> int:
    # They import botocore: 0.2 s, which `-h` is spared.
    from deploy import approved, packages, stacks, stages  # noqa: PLC0415
    from deploy.project import PRODUCTION, STAGING, Project  # noqa: PLC0415

    environment = account(None, parsed.model_execution_role)
    project = Project(
        name=parsed.sagemaker_project_name,
        model_package_group_name=parsed.model_package_group_name,
        bucket=parsed.s3_bucket,
        role_arn=environment.role_arn,
        project_id=parsed.sagemaker_project_id,
        kms_key_arn=parsed.kms_key_arn,
        notification_topic_arn=parsed.notification_topic_arn,
        settings=platform_settings.of_build(os.environ),
        options="",
        accounts={
            stage: account_id
            for stage, account_id in ((STAGING, parsed.staging_account_id), (PRODUCTION, parsed.production_account_id))
            if account_id
        },
    )
    package = packages.latest_approved(project.sagemaker, project.model_package_group_name)
    print(f"Model package  {package.arn}")
    _check_commit(package, parsed.commit_id)
    approved.check(project.session.client, package)
    for stage, source, target in (
        (STAGING, parsed.import_staging_config, parsed.export_staging_config),
        (PRODUCTION, parsed.import_prod_config, parsed.export_prod_config),
    ):
        config = stages.read_config(source)
        role = project.of(stage).role_arn or parsed.model_execution_role
        parameters = stages.parameters(project, config, package.arn, role)
        document = {"Parameters": parameters, "Tags": stages.tags(project, config)}
        _write(target, json.dumps(document, indent=2) + "\n")
    tested = {"EndpointName": project.endpoint_name(STAGING), "ModelPackageArn": package.arn}
    _write(parsed.export_system_test_input, json.dumps(tested) + "\n")
    _write(parsed.export_cfn_template, stages.read_template(stages.ENDPOINT_TEMPLATE))
    for stage in stages.STAGES:
        name = project.stack_name(stage)
        if stacks.delete_failed_creation(project.of(stage).cloudformation, name):
            print(f"Deleted        {name}, which holds nothing: its creation was rolled back")
    return 0


def _check_commit(package: "Package", commit_id: str | None) -> None:
    """Make sure that a version is deployed with the templates of the commit that built it.

    Raises
    ------
    DeployError
    """
    from deploy.errors import DeployError  # noqa: PLC0415 -- as above

    if package.commit_id is None:
        print("Commit         that built it is not known: the templates are those of this one")
    elif commit_id is not None and commit_id != package.commit_id:
        raise DeployError(
            f"{package.short_name} was built from commit {package.commit_id}, and these templates are those of "
            f"{commit_id}. start-deployment starts ModelDeploy with the right one; by hand: aws codepipeline "
            "start-pipeline-execution --name PIPELINE --source-revisions actionName=Code,revisionType=COMMIT_ID,"
            f"revisionValue={package.commit_id}"
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    print(f"Written        {path}")


if __name__ == "__main__":
    sys.exit(main())
