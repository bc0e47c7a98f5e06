"""Callback steps: a message with a token goes to an SQS queue; the step ends when that token is answered.

A step that was interrupted by a server's end waits for the same token again, and sends its message again: SQS delivers
at least once anyway.
"""

import json

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed, StepStopped
from localaws.sagemaker.pipelines.steps.outputs import as_list, output_parameters

_WAIT_SECONDS = 7 * 86_400


def run(step: Step, context: StepContext, progress: Progress) -> Document:
    """Send the message and wait for at most seven days."""
    queue_url = context.value(step.document["SqsQueueUrl"])
    interrupted = context.interrupted.pop(step.name, {}).get("Callback", {})
    callback = context.callbacks.open(context.execution_arn, interrupted.get("CallbackToken"))
    metadata: Document = {"CallbackToken": callback.token, "SqsQueueUrl": queue_url}
    progress({"Callback": metadata})
    message = {
        "token": callback.token,
        "pipelineExecutionArn": context.execution_arn,
        "stepName": step.name,
        "status": "Executing",
        "arguments": context.request(step),
    }
    try:
        _send(context, queue_url, message)
        context.wait_for(callback.answered, _WAIT_SECONDS)
        answer = context.callbacks.given(callback)
        if context.stopping.is_set() and answer is None:
            _send(context, queue_url, {**message, "status": "Stopping"})
            raise StepStopped
    finally:
        context.callbacks.close(callback)
    if answer is None:
        raise StepFailed(f"ClientError: the callback was not answered within {_WAIT_SECONDS} seconds")
    if "reason" in answer:
        raise StepFailed(answer["reason"] or "ClientError: the callback was answered with a failure")
    outputs = output_parameters(step, answer["outputs"])
    context.properties[step.name] = {"OutputParameters": outputs}
    return {"Callback": {**metadata, "OutputParameters": as_list(outputs)}}


def _send(context: StepContext, queue_url: str, message: Document) -> None:
    try:
        context.aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(message))
    except (ClientError, BotoCoreError) as error:
        raise StepFailed(f"ClientError: cannot send the callback's message to {queue_url}: {error}") from error
