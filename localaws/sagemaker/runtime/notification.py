"""The message that SageMaker publishes to an SNS topic about an asynchronous invocation.

Source: "Check prediction results" in the SageMaker Developer Guide.
"""

import json
import time

from localaws.document import Document
from localaws.protocol.times import iso_milliseconds
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.runtime.async_request import AsyncRequest


def publish(aws: SageMakerAws, config: Document, pending: AsyncRequest, content_type: str, failure: str | None) -> None:
    """Publish how an invocation ended to the topic of the endpoint's configuration, if it names one.

    Parameters
    ----------
    aws : SageMakerAws
    config : dict
        The endpoint's AsyncInferenceConfig.
    pending : AsyncRequest
    content_type : str
        The media type of the answer.
    failure : str or None
        Why there is no answer.
    """
    topics = config["OutputConfig"].get("NotificationConfig") or {}
    topic = topics.get("SuccessTopic" if failure is None else "ErrorTopic")
    if topic:
        text = json.dumps(message(aws.region, pending, content_type, failure))
        aws.client("sns").publish(TopicArn=topic, Message=text)


def message(region: str, pending: AsyncRequest, content_type: str, failure: str | None) -> Document:
    """Return the notification."""
    asked = {
        "contentType": pending.content_type,
        "accept": pending.accept,
        "customAttributes": pending.custom_attributes,
        "endpointName": pending.endpoint_name,
        "inputLocation": pending.input_location,
    }
    found: Document = {
        "awsRegion": region,
        "eventTime": iso_milliseconds(time.time()),
        "receivedTime": iso_milliseconds(pending.received),
        "invocationStatus": "Completed" if failure is None else "Failed",
        "requestParameters": {name: value for name, value in asked.items() if value},
        "inferenceId": pending.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if failure is None:
        found["responseParameters"] = {"contentType": content_type, "outputLocation": pending.output_location}
    else:
        found["failureReason"] = failure
        found["responseParameters"] = {"outputLocation": pending.failure_location} if pending.failure_location else {}
    return found
