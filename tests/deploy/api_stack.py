"""The stack of api.yml on a local AWS, as `deploy-model api` makes it, before an endpoint that is not there."""

import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import artifacts, stages
from deploy.commands.api import FUNCTION, TEMPLATE, deployed_anew
from deploy.project import API, stack_name_of
from tests.conftest import LocalAws


@dataclass(frozen=True)
class Api:
    """The API, and the value of its key."""

    aws: LocalAws
    name: str
    url: str
    key: str

    @property
    def id(self) -> str:
        return self.url.split("/")[-2]

    def post(
        self,
        route: str,
        body: Any,
        *,
        key: str | None = None,
        content_type: str = "application/json",
        token: str | None = None,
    ) -> Any:
        """Status, headers and document of an answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": content_type, "x-api-key": self.key if key is None else key}
        headers |= {"Authorization": token} if token else {}
        request = urllib.request.Request(f"{self.url}{route}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read())

    def invocations(self) -> int:
        """How often the function has run, by its log."""
        events = self.aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{self.name}-invoke")["events"]
        return sum("START RequestId" in event["message"] for event in events)


def change(aws: LocalAws, name: str, operation: str, **parameters: str) -> Any:
    """Create or update the stack; give it in the end."""
    cloudformation = aws.client("cloudformation")
    values = {
        "SageMakerProjectName": name,
        "EndpointName": name,
        "FunctionCodeBucket": name,
        "FunctionCodeKey": "function.zip",
        "SetUpApiGatewayLogging": "true",
        **parameters,
    }
    stack = stack_name_of(name, API)
    getattr(cloudformation, operation)(
        StackName=stack,
        TemplateBody=deployed_anew(values, Path(TEMPLATE).read_text()),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    deadline = time.monotonic() + 60
    status = operation.partition("_")[0].upper()
    while (found := cloudformation.describe_stacks(StackName=stack)["Stacks"][0])[
        "StackStatus"
    ] != f"{status}_COMPLETE":
        assert not found["StackStatus"].endswith(("FAILED", "ROLLBACK_COMPLETE")), found
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def create(aws: LocalAws) -> Api:
    """Create a stack with a name of its own."""
    name = f"api-{uuid.uuid4().hex[:12]}"
    aws.client("s3").create_bucket(Bucket=name)
    content = artifacts.pack(stages.FOLDER / "functions" / FUNCTION)
    aws.client("s3").put_object(Bucket=name, Key="function.zip", Body=content)
    stack = change(aws, name, "create_stack")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    key = aws.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    stage = outputs["ApiUrl"].rpartition("/")[2]
    return Api(aws, name, f"http://127.0.0.1:{aws.port}/_aws/execute-api/{outputs['ApiId']}/{stage}", key)
