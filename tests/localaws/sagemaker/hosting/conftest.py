"""Endpoints with a tiny model, of which one sees which version answered and in which process."""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LocalAws, until
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, unique

Document = dict[str, Any]

SCRIPT = """
import json, os, time
def model_fn(d):
    return open(d + "/version").read()
def transform_fn(model, body, content_type, accept):
    body = json.loads(body)
    if body == "fail" or model == "broken":
        raise RuntimeError("the model's own")
    if body == "die":
        os._exit(3)
    time.sleep(body if isinstance(body, float) else 0)
    return json.dumps({"version": model, "pid": os.getpid(), "host": os.uname().nodename, "content_type": content_type})
"""


@dataclass
class Endpoints:
    """What the tests of endpoints do over and over."""

    bench: Bench
    runtime: Any
    made: list[str] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.bench.sagemaker

    def model(self, version: str, script: str = SCRIPT, role_arn: str = ROLE) -> str:
        """A model whose answers name the version."""
        name = unique("model")
        key = f"{name}/model.tar.gz"
        self.put_archive(key, version, script)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{self.bench.bucket}/{key}"}
        self.client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role_arn)
        return name

    def put_archive(self, key: str, version: str, script: str = SCRIPT) -> None:
        """A model.tar.gz of such a model."""
        self.put_files(key, {"version": version.encode(), "code/inference.py": script.encode()})

    def put_files(self, key: str, files: dict[str, bytes]) -> str:
        """An archive of some files; its URI."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        self.bench.s3.put_object(Bucket=self.bench.bucket, Key=key, Body=buffer.getvalue())
        return f"s3://{self.bench.bucket}/{key}"

    def variant(self, model: str, name: str = "AllTraffic", count: int = 1, **members: Any) -> Document:
        """A production variant."""
        instances = (
            {} if "ServerlessConfig" in members else {"InitialInstanceCount": count, "InstanceType": "ml.m5.large"}
        )
        return {"VariantName": name, "ModelName": model, **instances, **members}

    def config(self, *variants: Document, **members: Any) -> str:
        """An EndpointConfig."""
        name = unique("config")
        self.client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **members)
        return name

    def create(self, config: str, status: str = "InService", **members: Any) -> str:
        """An endpoint, when it has that status."""
        name = unique("endpoint")
        self.client.create_endpoint(EndpointName=name, EndpointConfigName=config, **members)
        self.made.append(name)
        self.wait(name, status)
        return name

    def serve(self, version: str, **members: Any) -> str:
        """An endpoint of one variant."""
        return self.create(self.config(self.variant(self.model(version), **members)))

    def scale(self, name: str, count: int) -> None:
        """Ask for so many instances."""
        wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
        self.client.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)

    def wait(self, name: str, status: str = "InService", seconds: float = 60) -> Document:
        """The endpoint when it has that status."""
        deadline = time.monotonic() + seconds
        while True:
            found: Document = self.client.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] == status:
                return found
            assert time.monotonic() < deadline, found
            assert found["EndpointStatus"] not in ("Failed", "InService") or status == "Failed", found
            time.sleep(0.02)

    def invoke(self, name: str, body: Any = "x", **members: Any) -> Document:
        """The model's answer."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=name, Body=json.dumps(body), ContentType="application/json", **members
        )
        found: Document = json.loads(answer["Body"].read())
        return found | {"variant": answer["InvokedProductionVariant"]}

    def versions(self, name: str, times: int = 40, **members: Any) -> dict[str, int]:
        """How often each version answered."""
        found: dict[str, int] = {}
        for _ in range(times):
            version = self.invoke(name, **members)["version"]
            found[version] = found.get(version, 0) + 1
        return found


@pytest.fixture
def endpoints(bench: Bench, local_aws: LocalAws) -> Iterator[Endpoints]:
    """Endpoints in the shared local AWS, gone after the test."""
    made = Endpoints(bench, local_aws.client("sagemaker-runtime"))
    yield made
    for name in made.made:
        until(lambda name=name: is_gone(made.client, name))


def is_gone(client: Any, name: str) -> bool:
    """Delete an endpoint, as soon as it may be; whether it is gone."""
    try:
        if client.describe_endpoint(EndpointName=name)["EndpointStatus"] in ("InService", "Failed"):
            client.delete_endpoint(EndpointName=name)
    except client.exceptions.ClientError as error:
        return "Could not find" in str(error)
    return False


def servers(state_dir: Path, endpoint_name: str = "") -> list[int]:
    """The model servers of one local AWS, or of one endpoint of it: nobody else's on this host."""
    folder = f"{state_dir}/sagemaker/endpoints/{endpoint_name[:40]}"
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            serves = b"SAGEMAKER_BIND_TO_PORT=" in (entry / "environ").read_bytes()
            if serves and folder in (entry / "mountinfo").read_text():
                found.append(int(entry.name))
        except OSError:  # it has just ended
            continue
    return sorted(found)
