"""A model's own server in a container: staged as on AWS, started, health-checked.

model.tar.gz is unpacked to /opt/ml/model, the image's `serve` runs with SageMaker's variables, and GET /ping answers
200 when it is ready. Both endpoints and batch transform jobs begin like this.
"""

import http
import http.client
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localaws.containers import s3
from localaws.containers.container import Command, Container
from localaws.containers.errors import JobFailure, JobStopped
from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.errors import ResourceNotFound
from localaws.sagemaker.jobs import archive
from localaws.sagemaker.jobs.images import Image
from localaws.sagemaker.jobs.script import last_line
from localaws.storage.store import Resource, Store

_POLL_SECONDS = 0.02


def containers_of(store: Store, model_arn: str) -> list[Document]:
    """Return the container definitions that a model serves with, each with the model's role.

    If the model names a model package, they are those of the package.

    Raises
    ------
    ResourceNotFound
        If the model or its package does not exist.
    """
    model = store.by_arn(model_arn)
    if model is None:
        raise ResourceNotFound(f'Could not find model "{model_arn}".')
    given = model.document.get("Containers") or [model.document["PrimaryContainer"]]
    found = [container for definition in given for container in _resolved(store, model, definition)]
    role = model.document.get("ExecutionRoleArn")
    return [{**container, "ExecutionRoleArn": role} for container in found] if role else found


def _resolved(store: Store, model: Resource, definition: Document) -> list[Document]:
    if "ModelPackageName" not in definition:
        return [definition]
    variables = definition.get("Environment", {})
    packaged = _packaged(store, model, definition["ModelPackageName"])
    return [container | {"Environment": container.get("Environment", {}) | variables} for container in packaged]


def _packaged(store: Store, model: Resource, name: str) -> list[Document]:
    """Return the containers of a package; those of another account's are kept with the model."""
    if name in (kept := model.internal.get("packages", {})):
        return list(kept[name])
    package = store.by_arn(name if name.startswith("arn:") else _beside(model.arn, "model-package", name))
    if package is None:
        raise ResourceNotFound(f"ModelPackage {name} does not exist.")
    found: list[Document] = package.document["InferenceSpecification"]["Containers"]
    return found


def _beside(arn: str, kind: str, name: str) -> str:
    """Return the ARN of a resource in the same account and region."""
    return f"{arn.rpartition(':')[0]}:{kind}/{name.lower()}"


def aws_of(aws: SageMakerAws, definition: Document) -> SageMakerAws:
    """Return the other services, called under the role of a container's model."""
    return aws.acting_as(definition.get("ExecutionRoleArn"), "sagemaker")


def is_multi_model(definition: Document) -> bool:
    """Return whether a container serves the models below its ModelDataUrl, each when it is asked for."""
    return definition.get("Mode") == "MultiModel"


def stage_target(client: Any, definition: Document, target_model: str, folder: Path) -> None:
    """Stage one of the models of a container that serves many.

    Raises
    ------
    JobFailure
        If it is not there, or cannot be unpacked.
    """
    location = s3.Location.of(definition["ModelDataUrl"]).below(target_model)
    if not s3.exists(client, str(location)):
        raise JobFailure(
            f"Failed to download model data(bucket: {location.bucket}, key: {location.key}). Please ensure that there"
            " is an object located at the URL and that the role passed to CreateModel has permissions to download the"
            " object."
        )
    stage(client, {"ModelDataUrl": str(location)}, folder)


def stage(client: Any, definition: Document, folder: Path) -> None:
    """Stage a container's folder: the model, unpacked; nothing yet for a container of many models.

    Raises
    ------
    JobFailure
        If there is no model data at the location in the definition.
    """
    target = folder / "model"
    target.mkdir(parents=True)
    uri = definition.get("ModelDataUrl")
    if not uri or is_multi_model(definition):
        return
    packed = folder / "model.tar.gz"
    found = s3.objects_under(client, uri)[:1]
    if not found:
        raise JobFailure(f"ClientError: Could not find model data at {uri}.")
    s3.fetch(client, found[0], packed)
    archive.unpack(packed, target, uri)
    packed.unlink()


def server_command(
    aws: SageMakerAws, image: Image, definition: Document, port: int, variables: Mapping[str, str]
) -> Command:
    """Return the command of a container's model server.

    Parameters
    ----------
    aws : SageMakerAws
    image : Image
        What stands for the definition's.
    definition : dict
        A ContainerDefinition.
    port : int
        The port of the server.
    variables : mapping of str to str
        Variables that are added to those of the definition, and override them.
    """
    own = {**definition.get("Environment", {}), **variables, "SAGEMAKER_BIND_TO_PORT": str(port)}
    environment = image.environment(aws.environment(own, definition.get("ExecutionRoleArn")))
    return Command(image.serve, environment, image.interpreter, image.protected)


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(container: Container, port: int, log: Path, seconds: float, stop: threading.Event) -> None:
    """Return when the server answers /ping.

    Raises
    ------
    JobFailure
        If it ended or did not answer in time.
    JobStopped
        If `stop` was set meanwhile.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stop.is_set():
            raise JobStopped
        if container.poll() is not None:
            raise JobFailure(f"ClientError: The model server did not start: {last_line(log)[:800]}")
        if is_healthy(port):
            return
        time.sleep(_POLL_SECONDS)
    reason = f"ClientError: The model server did not answer /ping within {seconds:.0f} seconds."
    raise JobFailure(f"{reason} {last_line(log)[:800]}".strip())


def is_healthy(port: int) -> bool:
    """Return whether /ping answers 200 within two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
