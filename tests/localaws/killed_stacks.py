"""A stack of resources in four processes, killed in the middle of an operation, and compared with what exists."""

import json
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import LocalAws, wait_until_gone
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, bench_of
from tests.localaws.sagemaker.hosting.conftest import Endpoints

Document = dict[str, Any]

_SECONDS = 120
_IMPATIENT = Config(retries={"total_max_attempts": 1})
_REPOSITORY = {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"}


@dataclass
class Expected:
    """What the client knows of the stack.

    Attributes
    ----------
    generations : set of int
        Which the stack may have: the last that was acknowledged, or the one whose answer was lost, too. Zero: none.
    """

    generations: set[int] = field(default_factory=lambda: {0})


class KilledStack:
    """The stack.

    Parameters
    ----------
    start : callable() -> LocalAws
        Starts local AWS, also again after a kill.
    """

    def __init__(self, start: Callable[[], LocalAws]) -> None:
        self._start = start
        self.aws = start()
        self.name = f"killed-{uuid.uuid4().hex[:8]}"
        endpoints = Endpoints(bench_of(self.aws), self.aws.client("sagemaker-runtime"))
        model = endpoints.model("1")
        described = endpoints.client.describe_model(ModelName=model)
        self._data = described["PrimaryContainer"]["ModelDataUrl"]
        endpoints.client.delete_model(ModelName=model)
        self.expected = Expected()
        self._generation = 0
        self._seen: str | None = None

    def next_operation(self, chance: random.Random) -> str:
        """An operation that the stack's state allows."""
        if 0 in self.expected.generations:
            return "CreateStack"
        return "DeleteStack" if chance.random() < 0.25 else "UpdateStack"

    def operate_and_be_killed(self, operation: str, moment: float) -> None:
        """Begin an operation, and kill everything so many seconds after; then start everything again.

        The kill may come before the operation's answer. What is shown until then is watched.
        """
        pids, self._seen = self.aws.pids().values(), None
        killer = threading.Timer(moment, _kill, (pids,))
        killer.start()
        try:
            self._operate(operation)
            while killer.is_alive():
                self._seen = self._status_now()
                time.sleep(0.05)
        except (BotoCoreError, ClientError):
            pass  # it was killed
        killer.join()
        wait_until_gone(pids)
        self.aws = self._start()

    def _operate(self, operation: str) -> None:
        """Begin an operation; `expected` has its outcome beside the one before until it is acknowledged."""
        client = self.aws.client("cloudformation", config=_IMPATIENT)
        if operation == "DeleteStack":
            self.expected.generations.add(0)
            client.delete_stack(StackName=self.name)
            self.expected.generations = {0}
            return
        self._generation += 1
        request = {"StackName": self.name, "TemplateBody": json.dumps(self._template(self._generation))}
        self.expected.generations.add(self._generation)
        (client.update_stack if operation == "UpdateStack" else client.create_stack)(**request)
        self.expected.generations = {self._generation}

    def _status_now(self) -> str:
        """The stack's status; empty when there is none."""
        try:
            [stack] = self.aws.client("cloudformation", config=_IMPATIENT).describe_stacks(StackName=self.name)[
                "Stacks"
            ]
        except ClientError:
            return ""
        return str(stack["StackStatus"])

    def _status(self) -> str:
        """The stack's status, once nothing goes on."""
        deadline = time.monotonic() + _SECONDS
        while (status := self._status_now()).endswith("_IN_PROGRESS"):
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
        return status

    def lies(self) -> list[str]:
        """What is not as the stack, or an acknowledgement, says."""
        first, status = self._status_now(), self._status()
        said, there = self._said() if status else {}, self._there()
        generation = int(said.pop("Generation", 0))
        lies = []
        if self._seen is not None and not self._seen.endswith("_IN_PROGRESS") and first != self._seen:
            lies.append(f"the stack was shown as {self._seen}, and is {first} after the kill")
        if status not in ("", "CREATE_COMPLETE", "UPDATE_COMPLETE"):
            lies.append(f"the stack is {status}: {self._reasons()}")
        if generation not in self.expected.generations:
            lies.append(f"generation {generation}, but {self.expected.generations} was acknowledged")
        self.expected.generations = {generation}
        if generation:
            lies += [
                f"{key}: {said.get(key)} in the stack, {there.get(key)} in truth"
                for key in there
                if there[key] != said.get(key)
            ]
            lies += self._parts(generation, said)
        else:
            lies += [f"{key}: {value} without a stack" for key, value in there.items() if value]
        return lies

    def _said(self) -> Document:
        """What the stack says it has: physical names by type, and its generation."""
        stacks = self.aws.client("cloudformation")
        [stack] = stacks.describe_stacks(StackName=self.name)["Stacks"]
        parts: Document = {}
        for part in stacks.describe_stack_resources(StackName=self.name)["StackResources"]:
            name = part["PhysicalResourceId"].rpartition("/")[2].lower()  # an ARN is in lower case, a name is not
            parts.setdefault(part["ResourceType"].rpartition("::")[2], []).append(name)
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
        return {**{kind: sorted(names) for kind, names in parts.items()}, "Generation": outputs.get("Generation", 0)}

    def _there(self) -> Document:
        """What exists, by type."""
        sagemaker, client = self.aws.client("sagemaker"), self.aws.client
        queues = client("sqs").list_queues(QueueNamePrefix=self.name).get("QueueUrls", [])
        own = {"ParameterFilters": [{"Key": "Name", "Option": "BeginsWith", "Values": [self.name]}]}
        names = {
            "Model": [each["ModelName"] for each in sagemaker.list_models()["Models"]],
            "EndpointConfig": [
                each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]
            ],
            "Endpoint": [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]],
            "Queue": [url.rpartition("/")[2] for url in queues],
            "Function": [each["FunctionName"] for each in client("lambda").list_functions()["Functions"]],
            "Project": client("codebuild").list_projects()["projects"],
            "Parameter": [each["Name"] for each in client("ssm").describe_parameters(**own)["Parameters"]],
        }
        return {kind: sorted(name.lower() for name in found) for kind, found in names.items()}

    def _parts(self, generation: int, said: Document) -> list[str]:
        """What is not of the stack's generation, though it exists."""
        sagemaker, client = self.aws.client("sagemaker"), self.aws.client
        try:
            endpoint = sagemaker.describe_endpoint(EndpointName=self.name)
            config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
            model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
            function = client("lambda").get_function_configuration(FunctionName=self.name)
            [project] = client("codebuild").batch_get_projects(names=client("codebuild").list_projects()["projects"])[
                "projects"
            ]
            found = {
                "endpoint": endpoint["EndpointStatus"] == "InService"
                and endpoint["EndpointConfigName"].lower() in said["EndpointConfig"],
                "config": model["ModelName"].lower() in said["Model"],
                "model": model["PrimaryContainer"]["Environment"]["GENERATION"] == str(generation),
                "function": function["Environment"]["Variables"]["GENERATION"] == str(generation),
                "parameter": client("ssm").get_parameter(Name=self.name)["Parameter"]["Value"] == str(generation),
                "project": project["description"] == str(generation),
            }
        except (BotoCoreError, ClientError, KeyError, ValueError) as error:
            return [f"{type(error).__name__}: {error}"]
        return [f"the {part} is not of generation {generation}" for part, is_right in found.items() if not is_right]

    def _reasons(self) -> str:
        events = self.aws.client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        return "; ".join(event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason"))[:500]

    def _template(self, generation: int) -> Document:
        text = str(generation)
        variable = {"GENERATION": text}
        container = {"Image": IMAGE, "ModelDataUrl": self._data, "Environment": variable}
        variant = {"VariantName": "A", "ModelName": {"Fn::GetAtt": "Model.ModelName"}, "InitialVariantWeight": 1}
        variant |= {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        code = {"ZipFile": "def handler(event, context):\n    return 1\n"}
        function = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": code}
        function |= {"FunctionName": self.name, "Environment": {"Variables": variable}}
        project = {
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Source": _REPOSITORY,
            "ServiceRole": ROLE,
            "Description": text,
        }
        project["Environment"] = {"ComputeType": "BUILD_GENERAL1_SMALL", "Type": "LINUX_CONTAINER", "Image": "x"}
        config_name = {"Fn::GetAtt": "Config.EndpointConfigName"}
        parts = {
            "Queue": ("SQS::Queue", {"VisibilityTimeout": generation % 60}),
            "Parameter": ("SSM::Parameter", {"Name": self.name, "Type": "String", "Value": text}),
            "Model": ("SageMaker::Model", {"PrimaryContainer": container, "ExecutionRoleArn": ROLE}),
            "Function": ("Lambda::Function", function),
            "Config": ("SageMaker::EndpointConfig", {"ProductionVariants": [variant]}),
            "Project": ("CodeBuild::Project", project),
            "Endpoint": ("SageMaker::Endpoint", {"EndpointName": self.name, "EndpointConfigName": config_name}),
        }
        resources = {name: {"Type": f"AWS::{kind}", "Properties": content} for name, (kind, content) in parts.items()}
        return {"Resources": resources, "Outputs": {"Generation": {"Value": text}}}


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
