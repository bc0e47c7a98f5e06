"""The system that the API benchmarks measure: local AWS, an endpoint with the linear regression, api.yml's stack."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import invocations
from benchmarks.serving_process import linear_regression
from deploy import artifacts, stages
from deploy.commands.api import FUNCTION, TEMPLATE

ENDPOINT = "plain"
_STACK = "api"
_START_SECONDS = 60


@dataclass(frozen=True)
class ApiStack:
    """The addresses of the stack.

    Attributes
    ----------
    port : int
        The port of the gateway; the local SageMaker has the next one.
    path : str
        The prefix of /stream and /batch.
    model : Path
        The folder of the model that the endpoint serves.
    """

    port: int
    path: str
    api_id: str
    key: str
    model: Path


@contextmanager
def api_stack(port: int) -> Iterator[ApiStack]:
    """Start everything on a port and the next one, and delete it at the end."""
    with tempfile.TemporaryDirectory() as folder, invocations.local_aws(Path(folder), port):
        model = linear_regression(Path(folder) / "lr", n_features=1)
        invocations.deploy(model, port)
        yield deploy_api(port, ENDPOINT, model)


def deploy_api(port: int, endpoint_name: str, model: Path) -> ApiStack:
    """Deploy api.yml in front of an endpoint."""
    outputs = _deploy(port, endpoint_name)
    key = invocations.client("apigateway", port).get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
    stage = outputs["ApiUrl"].rpartition("/")[2]
    path = f"/_aws/execute-api/{outputs['ApiId']}/{stage}"
    return ApiStack(port, path, outputs["ApiId"], key["value"], model)


def _deploy(port: int, endpoint_name: str) -> dict[str, str]:
    content = artifacts.pack(stages.FOLDER / "functions" / FUNCTION)
    invocations.client("s3", port).put_object(Bucket=invocations.BUCKET, Key="function.zip", Body=content)
    parameters = {
        "SageMakerProjectName": "benchmark",
        "EndpointName": endpoint_name,
        "FunctionCodeBucket": invocations.BUCKET,
        "FunctionCodeKey": "function.zip",
        "SetUpApiGatewayLogging": "true",
        # The benchmark measures the path of a request, not the usage plan.
        "RateLimit": "10000",
        "BurstLimit": "5000",
    }
    cloudformation = invocations.client("cloudformation", port)
    cloudformation.create_stack(
        StackName=_STACK,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = ended(cloudformation, _STACK, "CREATE_COMPLETE")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def ended(cloudformation: Any, name: str, status: str, seconds: float = _START_SECONDS) -> Any:
    """Return the stack once its change has ended with the expected status."""
    deadline = time.monotonic() + seconds
    while True:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if stack["StackStatus"] == status:
            return stack
        if not stack["StackStatus"].endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            raise RuntimeError(f"the stack is {stack['StackStatus']}: {stack.get('StackStatusReason', '')}")
        time.sleep(0.1)
