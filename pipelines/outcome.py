"""How an execution ended, for the person who started it.

A success: what was registered or written, and what can be done with it. A failure: which step, why, and what
its job wrote last.
"""

from collections.abc import Iterator
from typing import Any

from model_road import proposals, quality
from pipelines.execution import JOB_KINDS, Snapshot, StepState, describe_job, last_log_lines


def success(boto_session: Any, sagemaker_client: Any, final: Snapshot, options: str) -> Iterator[str]:
    """Yield lines on each model package that was registered and each folder of predictions that was written.

    Parameters
    ----------
    boto_session : boto3.Session
    sagemaker_client : boto3 SageMaker client
    final : Snapshot
    options : str
        The options of the user's command that proposed commands repeat.
    """
    for step in final.steps:
        if step.kind == "RegisterModel":
            yield from _registered(boto_session.client("s3"), sagemaker_client, step, options)
        elif step.kind == "TransformJob":
            output = describe_job(sagemaker_client, step)["TransformOutput"]
            yield f"Predictions    {output['S3OutputPath']}"


def failure(boto_session: Any, sagemaker_client: Any, final: Snapshot) -> Iterator[str]:
    """Yield lines on each failed step: the reason, and the last lines of its job's log."""
    yield f"The execution {final.status.lower()}" + (f": {final.reason}" if final.reason else "")
    for step in final.steps:
        if step.status == "Failed":
            yield f"{step.name} failed: {step.reason or 'no reason given'}"
            if step.kind in JOB_KINDS and step.arn:
                yield from _log(boto_session, sagemaker_client, step)


def _log(boto_session: Any, sagemaker_client: Any, step: StepState) -> Iterator[str]:
    try:
        name = describe_job(sagemaker_client, step)[f"{step.kind}Name"]
        lines = last_log_lines(boto_session.client("logs"), step.kind, name)
    except sagemaker_client.exceptions.ClientError as error:
        # The reason has been printed: a log that cannot be read must not stop the rest.
        yield f"Its log cannot be shown: {error}"
        return
    yield f"The last lines of {name}:" if lines else f"{name} wrote no log."
    yield from (f"  {line}" for line in lines)


def _registered(s3_client: Any, sagemaker_client: Any, step: StepState, options: str) -> Iterator[str]:
    package = sagemaker_client.describe_model_package(ModelPackageName=step.arn)
    status = package.get("ModelApprovalStatus", "unknown")
    yield f"Model package  {package['ModelPackageArn']}"
    yield f"Approval       {status}"
    figures = quality.package_metrics(s3_client, package)
    if figures:
        yield f"Metrics        {', '.join(f'{name} {value:.6g}' for name, value in figures.items())}"
    if status == "PendingManualApproval":
        command = proposals.command("deploy-model", f"approve-model {package['ModelPackageArn']}", options)
        yield f"Next           approve it: {command}"
