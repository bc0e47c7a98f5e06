"""Whether a version of the model is still what was approved: CodePipeline asks just before production.

The action's UserParameters are the version's ARN. What the answer is, is the action's: it fails with the sentence that
`deploy-model` would say.
"""

from typing import Any

import boto3

from deploy import approved, packages
from model_road.errors import RoadError

# Of failureDetails.message.
_MESSAGE_LENGTH = 5000


def handler(event: dict[str, Any], _context: object) -> None:
    """Check the version that a job of CodePipeline names, and report the result."""
    job = event["CodePipeline.job"]
    arn = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    codepipeline = boto3.client("codepipeline")
    try:
        approved.check(boto3.client, packages.describe(boto3.client("sagemaker"), arn))
    except Exception as error:  # an action that is not answered waits until it times out
        said = str(error) if isinstance(error, RoadError) else f"{type(error).__name__}: {error}"
        print(f"{arn}: {said}", flush=True)
        failure = {"type": "JobFailed", "message": said[:_MESSAGE_LENGTH]}
        codepipeline.put_job_failure_result(jobId=job["id"], failureDetails=failure)
        return
    print(f"{arn}: as approved", flush=True)
    codepipeline.put_job_success_result(jobId=job["id"])
