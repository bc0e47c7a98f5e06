"""Names: whether what the project will be called fits, and is free.

What holds data stays when a project is deleted, and CloudFormation refuses to make it again. A bucket's name has to be
free among those of all accounts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from deploy.check.check import Check
from deploy.check.examination import is_absence
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.doctor.launch import Launch, Part

PROJECT, BUCKET, NAME = "Project", "Bucket", "Name"
# As project.yml has it.
_PROJECT_ID = "[a-z0-9](-*[a-z0-9])*"
_ID_LENGTH = 20
_DELETE = 'docs/project.md, "Deleting and creating again", says how to delete it; or take another --project-name'

# How each service is asked whether it has something of a name, and what it is asked.
_ASK: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "repository": ("codecommit", lambda client, name: client.get_repository(repositoryName=name)),
    "model package group": (
        "sagemaker",
        lambda client, name: client.describe_model_package_group(ModelPackageGroupName=name),
    ),
    "table": ("dynamodb", lambda client, name: client.describe_table(TableName=name)),
}


def fits(launch: Launch, _part: Part) -> Verdict:
    """The id is one that project.yml takes; with it and the name every name that is made of them is short enough."""
    if len(launch.project_id) > _ID_LENGTH or not re.fullmatch(_PROJECT_ID, launch.project_id):
        return failed(
            f"{launch.project_id!r} is no SageMakerProjectId",
            f"give --project-id 1 to {_ID_LENGTH} lower-case letters, digits and hyphens",
        )
    return ok(f"id {launch.project_id}, stack {launch.stack_name}")


def new(launch: Launch, _part: Part) -> Verdict:
    """There is no such project yet; what is said of its names would be about its own otherwise."""
    if launch.is_made_already():
        return warning("it is there already, so this would be an update", "`check-project` looks at what is there")
    return ok("there is none of this name yet")


def free(launch: Launch, part: Part) -> Verdict:
    """Nothing of this name is left from an earlier project."""
    if launch.is_made_already():
        return ok("the project's own")
    service, ask = _ASK[part.service]
    try:
        ask(launch.client(service), part.physical_id)
    except ClientError as error:
        if is_absence(error):
            return ok("free")
        raise
    return failed(f"there is a {part.service} of this name: the stack cannot make it", _DELETE)


def bucket_free(launch: Launch, part: Part) -> Verdict:
    """No account has a bucket of this name."""
    if launch.is_made_already():
        return ok("the project's own")
    answer = _bucket_status(launch, part.physical_id)
    if answer == 404:
        return ok("free")
    if answer == 403:
        return failed("the name is taken, by another account or a bucket you may not see", "give another --project-id")
    return failed("there is a bucket of this name: the stack cannot make it", f"{_DELETE}, or another --project-id")


def bucket_there(launch: Launch, part: Part) -> Verdict:
    """The bucket that the templates are put into is there."""
    answer = _bucket_status(launch, part.physical_id)
    if answer == 404:
        return failed("there is no such bucket to put the templates into", f"`aws s3 mb s3://{part.physical_id}`")
    if answer == 403:
        return failed("the caller may not use it, or another account has it", "name another one by --s3-bucket")
    return ok("there")


def name_parts(launch: Launch) -> list[Part]:
    """Return what will bear a name that may be taken: what stays when a project is deleted."""
    project, bucket = launch.project_name, f"sagemaker-project-{launch.project_id}"
    parts = [Part(NAME, name, "bucket") for name in (bucket, f"{bucket}-data", f"{bucket}-log")]
    parts += [Part(NAME, f"{project}-{table}", "table") for table in ("versions", "jobs")]
    parts.append(Part(NAME, project, "model package group"))
    if launch.parameters.get("SourceProvider") != "CodeConnection":
        parts.append(Part(NAME, f"sagemaker-{project}", "repository"))
    return parts


def _bucket_status(launch: Launch, name: str) -> int:
    """Return S3's status for a bucket: 200, 404, 403; 301 or 400 when it is in another region."""
    try:
        answer = launch.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def _free(launch: Launch, part: Part) -> Verdict:
    return bucket_free(launch, part) if part.service == "bucket" else free(launch, part)


CHECKS = (Check("Free", _free),)
PROJECT_CHECKS = (Check("Fits", fits), Check("New", new))
BUCKET_CHECKS = (Check("There", bucket_there),)
