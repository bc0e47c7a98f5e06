"""The SDK session in which pipelines are defined, and the account's defaults: bucket and execution role.

This module works around three traps of the SDK. It cannot be imported without a region. To find bucket and role, it
calls a hard-coded STS address, whatever endpoint is configured, so it is always given both. And it sends usage data,
with account id and ARNs, from a thread of its own: that is off unless the user's own SDK configuration turns it on.
"""

import os
from typing import Any

from model_road import aws
from pipelines import sdk
from pipelines.errors import PipelineError


def pipeline_session(region: str, default_bucket: str | None = None) -> Any:
    """Open a `PipelineSession`, which records requests instead of sending them.

    Parameters
    ----------
    region : str
        For example `eu-west-1`.
    default_bucket : str, optional
        Where code and results go; by default the account's `sagemaker-{region}-{account}`.
    """
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    # Otherwise the SDK asks iam:SimulatePrincipalPolicy first, which an execution role is seldom allowed.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    boto_session = aws.session(region)
    return sdk.PipelineSession(
        boto_session=boto_session,
        default_bucket=default_bucket or aws.default_bucket_name(boto_session),
        sagemaker_config=_sdk_config(),
    )


def project_prefix(sagemaker_project_name: str | None) -> str:
    """Return the prefix of all names in a project, which keeps the projects of an account apart."""
    return f"{sagemaker_project_name}-" if sagemaker_project_name else ""


def execution_role(boto_session: Any) -> str:
    """Return the ARN of the role that the caller runs as: in Studio and CodeBuild that is the execution role.

    Raises
    ------
    PipelineError
        When the caller is a user: a job cannot run as one.
    """
    caller = boto_session.client("sts").get_caller_identity()["Arn"]
    # arn:aws:sts::123456789012:assumed-role/<role name, its path left out>/<session>
    _, is_assumed, role_and_session = caller.partition(":assumed-role/")
    if not is_assumed:
        raise PipelineError(
            f"no execution role: jobs cannot run as {caller}. Name a role with --role-arn, or as role= of "
            "get_pipeline()."
        )
    name = role_and_session.partition("/")[0]
    return str(boto_session.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def _sdk_config() -> dict[str, Any]:
    """Return the SDK configuration of the user's own files, with usage data off unless they say otherwise."""
    config: dict[str, Any] = sdk.load_sagemaker_config() or {}
    config.setdefault("SchemaVersion", "1.0")
    modules = config.setdefault("SageMaker", {}).setdefault("PythonSDK", {}).setdefault("Modules", {})
    modules.setdefault("TelemetryOptOut", True)
    return config
