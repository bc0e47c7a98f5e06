"""Approval, Manual: somebody is asked, and PutApprovalResult is waited for."""

import json
import time

from localaws.document import Document
from localaws.services.codepipeline.actions.action import Job, Progress, Provider

_WEEK_MINUTES = 7 * 24 * 60


class ManualApproval(Provider):
    """The token that the answer must have is the action's memory."""

    categories = ("Approval",)
    name = "Manual"
    optional = ("NotificationArn", "CustomData", "ExternalEntityLink")
    timeout_minutes = _WEEK_MINUTES

    def start(self, job: Job) -> Progress:
        """Tell those who are to be asked."""
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
        """Nothing to look at: the answer ends the action."""
        return Progress(memory=job.memory)


def notification(job: Job) -> Document:
    """What is published, after the guide's "JSON data format for manual approval notifications"."""
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
