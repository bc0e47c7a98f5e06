"""Invoke, Lambda: a function gets a job and reports its result with PutJobSuccessResult or PutJobFailureResult.

With a continuation token a success only ends the job: the function gets another one, with the token. If a function
never reports a result, its action runs until it times out.
"""

import json
import time

from localaws.document import Document
from localaws.services.codepipeline.actions.action import Job, Progress, Provider
from localaws.services.codepipeline.jobs import Jobs

_CONTINUATION_SECONDS = 1.0


class LambdaFunction(Provider):
    """The action's memory is the job that it waits for."""

    categories = ("Invoke",)
    name = "Lambda"
    inputs = (0, 5)
    outputs = (0, 5)
    required = ("FunctionName",)
    optional = ("UserParameters",)

    def start(self, job: Job) -> Progress:
        """Invoke the function."""
        return self._invoke(job, job.number, None)

    def poll(self, job: Job) -> Progress:
        """Return what the function has reported."""
        jobs = Jobs(job.context)
        number = job.memory["job"]
        result = jobs.result(number)
        if result is None:
            return Progress(memory=job.memory)
        details = result.get("executionDetails") or {}
        external = {"externalExecutionId": details["externalExecutionId"]} if "externalExecutionId" in details else {}
        if "failureDetails" in result:
            failure = result["failureDetails"]
            if "externalExecutionId" in failure:
                external["externalExecutionId"] = failure["externalExecutionId"]
            return Progress("Failed", failure["message"], external, error_code=failure["type"])
        token = result.get("continuationToken")
        if token and time.time() < result["at"] + _CONTINUATION_SECONDS:
            return Progress(summary=details.get("summary", ""), memory=job.memory)
        if token:
            return self._invoke(job, f"{job.number[:24]}{int(job.memory['count']) + 1:012x}", token)
        return Progress("Succeeded", details.get("summary", ""), external, variables=result.get("outputVariables", {}))

    def _invoke(self, job: Job, number: str, token: str | None) -> Progress:
        """Invoke the function with a job of this number; after a crash with the same number."""
        Jobs(job.context).open(number)
        count = int(job.memory.get("count", 0)) + bool(token)
        job.context.aws.client("lambda").invoke(
            FunctionName=job.configuration["FunctionName"],
            InvocationType="Event",
            Payload=json.dumps({"CodePipeline.job": _event(job, number, token)}).encode(),
        )
        return Progress(memory={"job": number, "count": count})


def _event(job: Job, number: str, token: str | None) -> Document:
    """Return the function's event, as in the guide's "Example JSON event"."""
    configuration = {
        name: job.configuration[name] for name in ("FunctionName", "UserParameters") if name in job.configuration
    }
    credentials = job.context.aws.keys()
    data: Document = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [_artifact(name, location) for name, location in job.inputs.items()],
        "outputArtifacts": [_artifact(name, location) for name, location in job.outputs.items()],
        "artifactCredentials": {
            "accessKeyId": credentials.get("AWS_ACCESS_KEY_ID", ""),
            "secretAccessKey": credentials.get("AWS_SECRET_ACCESS_KEY", ""),
            "sessionToken": credentials.get("AWS_SESSION_TOKEN", ""),
        },
    }
    if token:
        data["continuationToken"] = token
    if job.artifacts.encryption_key:
        data["encryptionKey"] = {"id": job.artifacts.encryption_key, "type": "KMS"}
    return {"id": number, "accountId": job.context.aws.account_id, "data": data}


def _artifact(name: str, location: Document) -> Document:
    where = {"bucketName": location["bucket"], "objectKey": location["key"]}
    return {"name": name, "revision": None, "location": {"type": "S3", "s3Location": where}}
