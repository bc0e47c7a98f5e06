"""A batch transform job: every object under a prefix is sent to the model's own server, and its answers to S3.

The model is staged and served like that of an endpoint: model.tar.gz unpacked to /opt/ml/model, the image's `serve` in
a container, GET /ping until it is ready, POST /invocations with as many records as the strategy and the payload limit
allow. An object ``folder/x.csv`` becomes ``folder/x.csv.out``; nothing is written for an object that failed.
"""

import gzip
import http
import http.client
import io
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from localaws.containers import s3
from localaws.containers.container import HOST_NAME, Command, Container
from localaws.containers.errors import JobFailure, JobStopped
from localaws.containers.logs import LogShipper
from localaws.document import Document
from localaws.sagemaker.errors import UnsupportedOperation, ValidationError
from localaws.sagemaker.jobs import images
from localaws.sagemaker.jobs.inputs import Source
from localaws.sagemaker.jobs.job_type import JobType
from localaws.sagemaker.jobs.model_server import (
    aws_of,
    containers_of,
    free_port,
    is_multi_model,
    server_command,
    stage,
    wait_until_ready,
)
from localaws.sagemaker.jobs.runner import Job, JobRunner
from localaws.storage.store import Store

_DEFAULT_PAYLOAD_MB = 6
_DEFAULT_INVOCATION_SECONDS = 600
_MOST_PAYLOAD_MB = 100
# Of an object with CompressionType Gzip, which is unpacked in memory.
_GUNZIPPED_BYTES = 1024**3


class TransformJob(JobType):
    """The job type of CreateTransformJob."""

    noun = "Transform"

    def check(self, request: Document, runner: JobRunner) -> None:
        """Refuse a model that does not exist or has several containers, and more bytes at a time than AWS sends.

        Source: MaxPayloadInMB of CreateTransformJob, "the value of (MaxConcurrentTransforms * MaxPayloadInMB) cannot
        exceed 100 MB".
        """
        at_once, megabytes = request.get("MaxConcurrentTransforms", 0), request.get("MaxPayloadInMB", 0)
        if at_once * megabytes > _MOST_PAYLOAD_MB:
            raise ValidationError(
                f"MaxConcurrentTransforms ({at_once}) * MaxPayloadInMB ({megabytes}) must not exceed"
                f" {_MOST_PAYLOAD_MB} MB"
            )
        try:
            model_container(runner.store, runner.aws.arn("model", request["ModelName"]))
        except JobFailure as failure:
            raise UnsupportedOperation(str(failure).removeprefix("ClientError: ")) from failure

    def run(self, job: Job) -> None:
        """Stage, run and collect one job."""
        definition = model_container(job.runner.store, job.runner.aws.arn("model", job.request["ModelName"]))
        aws = aws_of(job.runner.aws, definition)
        client = aws.client("s3")
        stage(client, definition, job.folder)
        items = Source.of(job.request["TransformInput"]["DataSource"]["S3DataSource"]).objects(client)
        image = images.find(definition["Image"], job.runner.state_dir)
        stream = f"{job.name}/{HOST_NAME}-{int(time.time())}"
        shipper = LogShipper(aws.client("logs"), job.log_group, stream, job.log, image.notice)
        port = free_port()
        variables = {**job.request.get("Environment", {}), "SAGEMAKER_BATCH": "true"}
        command = server_command(job.runner.aws, image, definition, port, variables)
        try:
            self._serve(job, command, port, image.start_seconds, items, client)
        finally:
            shipper.close()

    def _serve(
        self, job: Job, command: Command, port: int, start_seconds: float, items: list[s3.S3Object], client: Any
    ) -> None:
        with Container(job.folder, command, job.log) as container:
            wait_until_ready(container, port, job.log, start_seconds, job.stop)
            requests = Requests.of(job.request, port)
            with ThreadPoolExecutor(max_workers=job.request.get("MaxConcurrentTransforms") or 1) as pool:
                for done in [pool.submit(_transform, job, item, requests, client) for item in items]:
                    done.result()


@dataclass(frozen=True)
class Requests:
    """How the records of an object are sent to the model.

    Attributes
    ----------
    limit : int
        The maximum number of bytes in a request's body.
    by_line, many, assemble : bool
        Whether records are split at line ends, requests have several records, and answers are joined by line ends.
    """

    port: int
    content_type: str
    accept: str
    limit: int
    seconds: float
    retries: int
    by_line: bool
    many: bool
    assemble: bool

    @classmethod
    def of(cls, request: Document, port: int) -> "Requests":
        """Parse a CreateTransformJob request, with AWS's defaults."""
        source, target = request["TransformInput"], request["TransformOutput"]
        megabytes = request.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MB)
        client_config = request.get("ModelClientConfig", {})
        return cls(
            port=port,
            content_type=source.get("ContentType", "application/octet-stream"),
            accept=target.get("Accept", "*/*"),
            limit=(megabytes or 100) * 1024 * 1024,
            seconds=client_config.get("InvocationsTimeoutInSeconds", _DEFAULT_INVOCATION_SECONDS),
            retries=client_config.get("InvocationsMaxRetries", 0),
            by_line=source.get("SplitType", "None") == "Line",
            many=request.get("BatchStrategy", "MultiRecord") == "MultiRecord",
            assemble=target.get("AssembleWith", "None") == "Line",
        )

    def bodies(self, data: bytes, name: str) -> Iterator[bytes]:
        """Yield the bodies of the requests for an object's bytes, in order.

        Raises
        ------
        JobFailure
            If a record is larger than the limit.
        """
        records = data.splitlines(keepends=True) if self.by_line else [data]
        body: list[bytes] = []
        size = 0
        for record in records:
            if len(record) > self.limit:
                raise JobFailure(
                    f"ClientError: {name}: a record of {len(record)} bytes is larger than MaxPayloadInMB allows"
                    f" ({self.limit} bytes)"
                )
            if body and (not self.many or size + len(record) > self.limit):
                yield b"".join(body)
                body, size = [], 0
            if record.strip():
                body.append(record)
                size += len(record)
        if body:
            yield b"".join(body)

    def invoke(self, body: bytes, name: str) -> bytes:
        """Return the model's answer to one body.

        Raises
        ------
        JobFailure
            If the model answers with an error after all retries, or not at all.
        """
        for attempt in range(self.retries + 1):
            status, answer = self._post(body)
            if status == http.HTTPStatus.OK:
                return answer
            if status < http.HTTPStatus.INTERNAL_SERVER_ERROR or attempt == self.retries:
                break
        text = answer.decode(errors="replace")[:300]
        raise JobFailure(f"ClientError: {name}: the model answered {status}: {text}")

    def _post(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
        headers = {"Content-Type": self.content_type, "Accept": self.accept}
        try:
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError as error:
            return http.HTTPStatus.BAD_GATEWAY, f"no answer: {error}".encode()
        finally:
            connection.close()


def model_container(store: Store, model_arn: str) -> Document:
    """Return the only container of a model.

    Raises
    ------
    ResourceNotFound
        If the model or its package does not exist.
    JobFailure
        If the model is a chain of several containers, or one of many models.
    """
    definition, *others = containers_of(store, model_arn)
    if is_multi_model(definition):
        name = model_arn.rpartition("/")[2]
        raise JobFailure(f"ClientError: '{name}' is a multi-model container, which a transform job cannot use")
    if others:
        name = model_arn.rpartition("/")[2]
        raise JobFailure(f"ClientError: '{name}' has {len(others) + 1} containers; a transform job supports one here")
    return definition


def _transform(job: Job, item: s3.S3Object, requests: Requests, client: Any) -> None:
    if job.stop.is_set():
        raise JobStopped
    data = s3.read(client, item.location)
    answers = []
    for body in requests.bodies(_unpacked(data, job, item), str(item.location)):
        answer = requests.invoke(body, str(item.location))
        answers.append(answer if answer.endswith(b"\n") or not requests.assemble else answer + b"\n")
    output = job.request["TransformOutput"]
    target = s3.Location.of(output["S3OutputPath"]).below(f"{item.relative}.out")
    s3.write(client, target, b"".join(answers), output.get("KmsKeyId"))


def _unpacked(data: bytes, job: Job, item: s3.S3Object) -> bytes:
    if job.request["TransformInput"].get("CompressionType") != "Gzip":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(_GUNZIPPED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise JobFailure(f"ClientError: {item.location} is not gzip: {error}") from error
    if len(unpacked) > _GUNZIPPED_BYTES:
        raise JobFailure(f"ClientError: {item.location} unpacks to more than {_GUNZIPPED_BYTES:,} bytes")
    return unpacked
