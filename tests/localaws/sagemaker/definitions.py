"""Pipeline definitions of tests, and what a callback step asks."""

import json
import time
from typing import Any

from tests.localaws.sagemaker.conftest import Bench

Document = dict[str, Any]


def definition(*steps: Document, parameters: list[Document] | None = None) -> str:
    return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": list(steps)})


def processing(bench: Bench, name: str, script: str, **members: Any) -> Document:
    """A processing step that runs a script."""
    arguments = bench.processing(script, **members.pop("Arguments", {}))
    del arguments["ProcessingJobName"]
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **members}


def fail(name: str, message: Any) -> Document:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def callback_step(queue_url: str) -> Document:
    outputs = [{"OutputName": "verdict", "OutputType": "String"}, {"OutputName": "score", "OutputType": "Integer"}]
    return {
        "Name": "Ask",
        "Type": "Callback",
        "SqsQueueUrl": queue_url,
        "Arguments": {"question": "good?"},
        "OutputParameters": outputs,
    }


def next_message(sqs: Any, queue_url: str) -> Document:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=queue_url).get("Messages", []):
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            body: Document = json.loads(message["Body"])
            return body
        time.sleep(0.02)
    raise AssertionError("no message came")
