"""What a project's stack leaves behind when it is deleted, and what takes that away.

CloudFormation retains what holds data: buckets, tables, the repository, the versions of the model and the key. Beside
them stays what no stack has made: SageMaker's pipelines and the log groups of endpoints. All of it but the key has
names that follow from the project's, so that it is found, too, when the stack is long gone.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy.check.examination import is_absence
from deploy.errors import DeployError
from deploy.project import Project

KEY_DAYS = 7
"""The shortest time that KMS waits for: PendingWindowInDays of ScheduleKeyDeletion."""


@dataclass(frozen=True)
class Retained:
    """Something that stays.

    Attributes
    ----------
    kind : str
        Of `KINDS`.
    name : str
        Its name, or the key's ARN.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Kind:
    """How a service is asked for something, and how that is deleted, by its client and its name."""

    service: str
    look: Callable[[Any, str], Any]
    delete: Callable[[Any, str], Any]


def find(project: Project, project_id: str, stack_name: str, key_arn: str | None) -> list[Retained]:
    """Return what there is of a project beside its stack, or will be when that is deleted."""
    candidates = [*_named(project, project_id), *_listed(project, stack_name)]
    candidates += [Retained("key", key_arn)] if key_arn else []
    return [each for each in candidates if _is_there(project, each)]


def delete(project: Project, retained: Retained) -> None:
    """Delete it, with all that is in it; for a key that is scheduled, as KMS deletes none at once."""
    kind = KINDS[retained.kind]
    kind.delete(project.session.client(kind.service), retained.name)


def _named(project: Project, project_id: str) -> Iterator[Retained]:
    bucket = f"sagemaker-project-{project_id}"
    # S3 writes its log of accesses to the last one.
    yield from (Retained("bucket", f"{bucket}{which}") for which in ("", "-data", "-log"))
    yield from (Retained("table", f"{project.name}-{which}") for which in ("versions", "jobs"))
    yield Retained("repository", f"sagemaker-{project.name}")
    yield Retained("model package group", project.name)
    yield from (Retained("pipeline", f"{project.name}{which}") for which in ("", "-batch"))


def _listed(project: Project, stack_name: str) -> Iterator[Retained]:
    """Yield what has a name that begins as it does: the system test's table, and the logs of endpoints."""
    for page in project.session.client("dynamodb").get_paginator("list_tables").paginate():
        yield from (Retained("table", name) for name in page["TableNames"] if name.startswith(f"{stack_name}-"))
    prefix = f"/aws/sagemaker/Endpoints/{project.name}-"
    for page in project.session.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        yield from (Retained("log group", group["logGroupName"]) for group in page["logGroups"])


def _is_there(project: Project, retained: Retained) -> bool:
    kind = KINDS[retained.kind]
    try:
        return bool(kind.look(project.session.client(kind.service), retained.name))
    except ClientError as error:
        if is_absence(error):
            return False
        raise


def _delete_bucket(s3: Any, name: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", ()):
                raise DeployError(f"s3://{name}/{error['Key']} cannot be deleted: {error['Message']}")
    s3.delete_bucket(Bucket=name)


def _delete_group(sagemaker: Any, name: str) -> None:
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=name)
    for arn in [row["ModelPackageArn"] for page in pages for row in page["ModelPackageSummaryList"]]:
        sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def _delete_table(dynamodb: Any, name: str) -> None:
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    dynamodb.delete_table(TableName=name)


def _delete_pipeline(sagemaker: Any, name: str) -> None:
    """Stop what runs, and delete the pipeline with its executions."""
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name)
    rows = [row for page in pages for row in page["PipelineExecutionSummaries"]]
    running = [row["PipelineExecutionArn"] for row in rows if row["PipelineExecutionStatus"] == "Executing"]
    for arn in running:
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    while any(_status(sagemaker, arn) in {"Executing", "Stopping"} for arn in running):
        time.sleep(1)
    sagemaker.delete_pipeline(PipelineName=name)


def _status(sagemaker: Any, arn: str) -> str:
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    return str(described["PipelineExecutionStatus"])


KINDS: Mapping[str, Kind] = {
    "bucket": Kind("s3", lambda client, name: client.head_bucket(Bucket=name), _delete_bucket),
    "table": Kind("dynamodb", lambda client, name: client.describe_table(TableName=name), _delete_table),
    "repository": Kind(
        "codecommit",
        lambda client, name: client.get_repository(repositoryName=name),
        lambda client, name: client.delete_repository(repositoryName=name),
    ),
    "model package group": Kind(
        "sagemaker",
        lambda client, name: client.describe_model_package_group(ModelPackageGroupName=name),
        _delete_group,
    ),
    "pipeline": Kind("sagemaker", lambda client, name: client.describe_pipeline(PipelineName=name), _delete_pipeline),
    "log group": Kind("logs", lambda _, name: name, lambda client, name: client.delete_log_group(logGroupName=name)),
    "key": Kind(
        "kms",
        lambda client, arn: client.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Enabled",
        lambda client, arn: client.schedule_key_deletion(KeyId=arn, PendingWindowInDays=KEY_DAYS),
    ),
}
