"""The tables of a project's stack, which `TableDeletionProtection` keeps from everybody, CloudFormation too."""

from botocore.exceptions import ClientError

from deploy.project import Project


def release_claims(project: Project) -> None:
    """Let the table of claims be deleted, which goes with the stack; the others stay, and stay protected."""
    try:
        project.session.client("dynamodb").update_table(
            TableName=f"{project.name}-claims", DeletionProtectionEnabled=False
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
