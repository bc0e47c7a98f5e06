"""Data capture: the requests and answers of an endpoint, as files in S3.

::

    record   on the event loop: decides whether this one is sampled; if so, adds it to the buffer of its file
    flush    a thread, every two seconds: a buffer becomes lines, the lines become an object
    close    the last flush

A file holds the invocations of one variant within an interval, under AWS's name:
``{destination}/{endpoint}/{variant}/yyyy/mm/dd/hh/mm-ss-mmm-uuid.jsonl``. A kill -9 loses at most one interval; what
S3 does not accept is kept and retried, up to a limit.

Source: "Capture data from real-time endpoint" in the SageMaker Developer Guide.
"""

import base64
import logging
import random
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from localaws.containers.errors import JobFailure
from localaws.containers.s3 import Location, encryption
from localaws.document import Document
from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.runtime.invocation import CUSTOM_ATTRIBUTES, INFERENCE_ID, Invocation

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 2.0
_LARGEST_FILE_BYTES = 8 * 1024 * 1024
_KEPT_BYTES = 256 * 1024 * 1024


@dataclass
class _File:
    """The contents of one object."""

    endpoint_name: str
    variant_name: str
    role_arn: str | None
    config: Document
    first: float
    invocations: list[tuple[Invocation, float]] = field(default_factory=list)
    size: int = 0

    @property
    def location(self) -> Location:
        moment = datetime.fromtimestamp(self.first, UTC)
        milliseconds = f"{moment.microsecond // 1000:03d}"
        name = f"{moment:%Y/%m/%d/%H/%M-%S}-{milliseconds}-{uuid.uuid4()}.jsonl"
        folder = Location.of(self.config["DestinationS3Uri"])
        return folder.below(f"{self.endpoint_name}/{self.variant_name}/{name}")


class DataCapture:
    """Records the invocations of endpoints whose configuration asks for it.

    Parameters
    ----------
    aws : SageMakerAws
    interval : float, default=2
        Seconds between two flushes.
    """

    def __init__(self, aws: SageMakerAws, interval: float = INTERVAL_SECONDS) -> None:
        self._aws, self._interval = aws, interval
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str, str], _File] = {}
        self._full: list[_File] = []
        self._kept_bytes = 0
        self._lost = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._flush_regularly, name="data capture", daemon=True)
        self._thread.start()

    def record(self, invocation: Invocation) -> None:
        """Record an invocation's data, if its endpoint captures data and this one is sampled. Never waits for S3."""
        config = invocation.fleet.data_capture
        if invocation.fault is None and config and _is_sampled(config):
            with self._lock:
                self._put(invocation, config)

    def close(self) -> None:
        """Write what is buffered; return when it is written."""
        self._stop.set()
        self._thread.join()

    def _put(self, invocation: Invocation, config: Document) -> None:
        size = len(invocation.request.body) + len(invocation.answer.body)
        if self._kept_bytes + size > _KEPT_BYTES:
            self._lost += 1
            return
        self._kept_bytes += size
        now = time.time()
        key = (invocation.route.endpoint_name, invocation.fleet.config_name, invocation.variant.name)
        file = self._open.get(key)
        if file is None or file.size > _LARGEST_FILE_BYTES:
            self._full += [file] if file else []
            file = self._open[key] = _File(
                invocation.route.endpoint_name, invocation.variant.name, invocation.variant.role_arn, config, now
            )
        file.invocations.append((invocation, now))
        file.size += size

    def _flush_regularly(self) -> None:
        while not self._stop.wait(self._interval):
            self._flush()
        self._flush()  # what arrived since the last flush

    def _flush(self) -> None:
        with self._lock:
            files = [*self._full, *self._open.values()]
            self._full, self._open = [], {}
            lost, self._lost = self._lost, 0
        if lost:
            logger.warning("%d invocations were not captured: earlier ones still wait for S3", lost)
        kept = [file for file in files if not self._write(file)]
        with self._lock:
            self._full = kept + self._full
            self._kept_bytes -= sum(file.size for file in files if file not in kept)

    def _write(self, file: _File) -> bool:
        """Return whether the file is done: written, or one that can never be."""
        try:
            target = file.location
            body = lines(file.invocations, file.config)
            s3 = self._aws.acting_as(file.role_arn, "sagemaker").client("s3")
            s3.put_object(Bucket=target.bucket, Key=target.key, Body=body, **encryption(file.config.get("KmsKeyId")))
        except (ClientError, BotoCoreError, JobFailure) as error:
            logger.warning("Captured data of endpoint %s could not be written: %s", file.endpoint_name, error)
            return not _may_work_later(error)
        except Exception:  # the thread continues: captures of other endpoints are unaffected
            logger.exception("Unexpected error in the data capture of %s", file.endpoint_name)
        return True


def lines(invocations: Iterable[tuple[Invocation, float]], config: Document) -> bytes:
    """Return the content of a file: a JSON object for each invocation with its time."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    encodings = _encodings(config.get("CaptureContentTypeHeader") or {})
    return b"".join([orjson.dumps(_line(one, when, modes, encodings)) + b"\n" for one, when in invocations])


def _line(invocation: Invocation, when: float, modes: set[str], encodings: dict[str, str]) -> Document:
    data: Document = {}
    if modes & {"Input", "InputAndOutput"}:
        content_type = invocation.request.headers.get(b"content-type", b"").decode("latin-1")
        data["endpointInput"] = _side("INPUT", content_type, invocation.request.body, encodings)
    if modes & {"Output", "InputAndOutput"}:
        answer = invocation.answer
        data["endpointOutput"] = _side("OUTPUT", answer.content_type, answer.body, encodings)
    return {"captureData": data, "eventMetadata": _metadata(invocation, when), "eventVersion": "0"}


def _metadata(invocation: Invocation, when: float) -> Document:
    metadata: Document = {"eventId": invocation.request.event_id}
    if attributes := invocation.request.headers.get(CUSTOM_ATTRIBUTES):
        metadata["customAttributes"] = [attributes.decode("latin-1")]
    if inference_id := invocation.request.headers.get(INFERENCE_ID):
        metadata["inferenceId"] = inference_id.decode("latin-1")
    metadata["inferenceTime"] = f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return metadata


def _side(mode: str, content_type: str, body: bytes, encodings: dict[str, str]) -> Document:
    encoding = encodings.get(content_type.partition(";")[0].strip().lower(), "BASE64")
    data = _text(body) if encoding != "BASE64" else None
    if data is None:
        encoding, data = "BASE64", base64.b64encode(body).decode()
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _text(body: bytes) -> str | None:
    """Return the body as text; None if it is not text, whatever its content type says."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _encodings(header: Document) -> dict[str, str]:
    """Return how to encode a body, by its media type. AWS writes types that are not configured as BASE64."""
    csv = {media.lower(): "CSV" for media in header.get("CsvContentTypes", [])}
    return csv | {media.lower(): "JSON" for media in header.get("JsonContentTypes", [])}


def _may_work_later(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return status >= 500
    return isinstance(error, BotoCoreError)


def _is_sampled(config: Document) -> bool:
    if not config.get("EnableCapture", True):  # botocore's model: it defaults to enabled
        return False
    percentage: int = config["InitialSamplingPercentage"]
    return percentage >= 100 or random.random() * 100 < percentage  # noqa: S311 - a sample, no secret
