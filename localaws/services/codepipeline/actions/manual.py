"""Approval, Manual: publishes a request for approval and waits for PutApprovalResult."""

import json
import time

from localaws.document import Document
from localaws.services.codepipeline.actions.action import Job, Progress, Provider

_WEEK_MINUTES = 7 * 24 * 60


class ManualApproval(Provider):
    """The action's memory is the token that the answer must have."""

    categories = ("Approval",)
    name = "Manual"
    optional = ("NotificationArn", "CustomData", "ExternalEntityLink")
    timeout_minutes = _WEEK_MINUTES

    def start(self, job: Job) -> Progress:
        """Notify the approvers."""
        topic = job.configuration.get("NotificationArn")
        if topic:
            job.context.aws.client("sns").publish(
                TopicArn=topic,
                Subject=f"APPROVAL NEEDED: AWS CodePipeline {job.pipeline_name} for action {job.declaration['name']}"[
                    :100
                ],
                Message=json.dumps(notification(job)),
            )
        return Progress(memory={"token": job.number})

    def poll(self, job: Job) -> Progress:
        """Return that it is in progress: the answer ends the action."""
        return Progress(memory=job.memory)


def notification(job: Job) -> Document:
    """Return the notification, as in the guide's "JSON data format for manual approval notifications"."""
    region = job.context.aws.region
    console = f"https://console.aws.amazon.com/codepipeline/home?region={region}#/view/{job.pipeline_name}"
    stage, action = job.stage, job.declaration["name"]
    return {
        "region": region,
        "consoleLink": console,
        "approval": {
            "pipelineName": job.pipeline_name,
            "stageName": stage,
            "actionName": action,
            "token": job.number,
            "expires": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(job.expires)),
            "externalEntityLink": job.configuration.get("ExternalEntityLink"),
            "approvalReviewLink": f"{console}/{stage}/{action}/approve/{job.number}",
            "customData": job.configuration.get("CustomData"),
        },
    }
