"""Lambda steps: invoke a function with the step's arguments; the output parameters are what it returns."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Step
from localaws.sagemaker.pipelines.retries import SERVICE_FAULT, THROTTLING
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed
from localaws.sagemaker.pipelines.steps.outputs import as_list, output_parameters

_THROTTLED = "TooManyRequestsException"


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Invoke the function and wait for it; AWS allows ten minutes, the function's own timeout is shorter."""
    arn = context.value(step.document["FunctionArn"])
    returned = _invoke(context, arn, context.request(step))
    outputs = output_parameters(step, returned)
    context.properties[step.name] = {"OutputParameters": outputs}
    return {"Lambda": {"Arn": arn, "OutputParameters": as_list(outputs)}}


def _invoke(context: StepContext, arn: str, arguments: Document) -> Document:
    client = context.aws.client("lambda")
    try:
        answer = client.invoke(FunctionName=arn, Payload=json.dumps(arguments).encode())
        payload = json.loads(answer["Payload"].read() or b"null")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        kind = THROTTLING if code == _THROTTLED else None
        raise StepFailed(f"ClientError: Lambda refused to invoke {arn}: {error}", kind=kind) from error
    except BotoCoreError as error:
        raise StepFailed(f"ClientError: Lambda did not answer: {error}", kind=SERVICE_FAULT) from error
    if "FunctionError" in answer:
        said = payload.get("errorMessage", payload) if isinstance(payload, dict) else payload
        raise StepFailed(f"ClientError: Lambda {arn} raised {said}")
    if not isinstance(payload, dict):
        raise StepFailed(f"ClientError: Lambda {arn} returned {payload!r}: a JSON object was expected")
    return payload
