"""The project's own stack: `project` makes it, `install-project-template` lets SageMaker Studio make it."""

import argparse
from dataclasses import replace
from pathlib import Path

from deploy import assets, deployment, first_commit, provisioned, stacks, stages, studio
from deploy.deployment_view import output_lines
from deploy.errors import DeployError
from deploy.first_commit import FirstCommit
from deploy.options import DEFAULT_GROUP
from deploy.project import Project, own_id

_PREFIX = "model-road"
_PROTECTION = "TableDeletionProtection"


def deploy_project(project: Project, options: argparse.Namespace) -> int:
    """Make or update the stack that holds everything a project needs."""
    _refuse_china(project)
    collected = assets.collect(_first_commit(options))
    place = assets.upload(project.s3, project.bucket, f"{_PREFIX}/assets", collected)
    name = provisioned.stack_name(project.name)
    kept = stages.kept_parameters(project, name, assets.PROJECT_TEMPLATE)
    project_id = options.project_id or project.project_id or kept.get("SageMakerProjectId") or own_id(project)
    values = {
        **kept,
        "SageMakerProjectName": project.name,
        "SageMakerProjectId": project_id,
        "AssetsBucket": project.bucket,
        "AssetsPrefix": place,
        **dict(options.parameters),
    }
    if options.notification_emails is not None:
        values["NotificationEmails"] = options.notification_emails
    tags = {"sagemaker:project-name": project.name, "sagemaker:project-id": project_id}
    wanted = stages.stack_request(project, name, assets.PROJECT_TEMPLATE, values, tags)
    deployment.run(project, wanted, None, options.wait)
    if _PROTECTION not in values and options.wait:
        # Not at once: what is protected cannot be deleted either when a creation fails and is rolled back.
        print("Tables         are protected from now on: nobody can delete them")
        protected = replace(wanted, parameters={**wanted.parameters, _PROTECTION: "true"})
        deployment.run(project, protected, None, options.wait)
    stack = stacks.describe(project.cloudformation, name)
    if stack is None:
        return 0
    for line in output_lines(stack):
        print(line)
    print(
        f"Models         `deploy-model` means the group {project.name} from now on, where the project's builds register"
        f" them; for others: --model-package-group-name {DEFAULT_GROUP}"
    )
    if stack.is_whole and _lacks_data(project, stack.outputs["DataBucketName"]):
        data = f"s3://{stack.outputs['DataBucketName']}/traindata/"
        print(f"Next           put training data into {data}: without any ModelBuild fails")
    return 0


def _first_commit(options: argparse.Namespace) -> FirstCommit:
    """Read the first commit, and say what goes before it goes."""
    commit = first_commit.read(Path(options.source), options.include, options.not_secret)
    for line in commit.lines():
        print(line, flush=True)
    return commit


def _lacks_data(project: Project, bucket: str) -> bool:
    """Return whether there is nothing to train on, as in a new project, whose ModelBuild runs at once."""
    return not project.s3.list_objects_v2(Bucket=bucket, Prefix="traindata/", MaxKeys=1)["KeyCount"]


def install_template(project: Project, options: argparse.Namespace) -> int:
    """Put the project template into SageMaker Studio's list."""
    _refuse_china(project)
    location = options.template_location or f"s3://{project.bucket}/{_PREFIX}/templates/"
    bucket, _, folder = location.removeprefix("s3://").partition("/")
    # In a folder of others `project.yml` may be theirs.
    key = f"{folder}{_PREFIX if options.template_location else 'project'}.yml"
    if options.domain_id:
        studio.check_domain(project.sagemaker, options.domain_id, location)
    collected = assets.collect(_first_commit(options))
    place = assets.upload(project.s3, project.bucket, f"{_PREFIX}/assets", collected)
    text = assets.installed_template(project.bucket, place)
    url = studio.put_template(project.s3, bucket, key, text)
    print(f"Template       {url}")
    print(f"Assets         s3://{project.bucket}/{place}")
    if options.launch_role_arn:
        catalog = project.session.client("servicecatalog")
        product = studio.put_product(catalog, url, collected.digest, options.launch_role_arn)
        print(f"Product        {product} of Service Catalog, version {collected.digest}")
        print("Next           give people access to its portfolio: AWS Service Catalog, Portfolios, Access")
        return 0
    changed = studio.allow_reading(project.s3, bucket)
    print(f"Bucket         {bucket} lets SageMaker Studio read{'' if changed else ' (no change)'}")
    if options.domain_id:
        changed = studio.show_in_domain(project.sagemaker, options.domain_id, location)
        no_change = "" if changed else " (no change)"
        print(f"Domain         {options.domain_id} shows it: Deployments, Projects, Create project{no_change}")
    else:
        print(f"Next           {project.next_command('install-project-template --domain-id ID')}")
    return 0


def _refuse_china(project: Project) -> None:
    """Refuse regions whose CodePipeline deploys no stacks; source: "CloudFormation deploy action reference"."""
    region = project.session.region_name
    if project.session.get_partition_for_region(region) == "aws-cn":
        raise DeployError(
            f"{region}: in China CodePipeline has no CloudFormation action, so that ModelDeploy cannot deploy there; "
            "staging, test, approve, production and api work without it"
        )
