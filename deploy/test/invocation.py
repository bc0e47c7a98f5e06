"""Calls of an endpoint, as a client makes them: CSV records in, predictions out, timed."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.errors import DeployError

CONTENT_TYPE = "text/csv"


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes
    ----------
    predictions : tuple of float
        One for each record that was sent.
    seconds : float
        As the client saw it, the way there and back included.
    """

    predictions: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Endpoint:
    """An endpoint and a client of `sagemaker-runtime`."""

    name: str
    runtime: Any

    def invoke(self, lines: Sequence[str], inference_id: str) -> Answer:
        """Send CSV records in one call.

        Raises
        ------
        DeployError
            When the answer is not one number for each record.
        """
        begin = time.perf_counter()
        response = self.runtime.invoke_endpoint(
            EndpointName=self.name,
            ContentType=CONTENT_TYPE,
            Accept=f"{CONTENT_TYPE}, application/json;q=0.5",
            InferenceId=inference_id,
            Body="\n".join(lines).encode(),
        )
        body = response["Body"].read()
        seconds = time.perf_counter() - begin
        predictions = tuple(parse(body, response["ContentType"]))
        if len(predictions) != len(lines):
            raise DeployError(f"{len(lines)} record(s) were sent and {len(predictions)} prediction(s) came back")
        return Answer(predictions, seconds)


def parse(body: bytes, content_type: str) -> Iterator[float]:
    """Yield the numbers of an answer in CSV or JSON, whatever they are wrapped in.

    Raises
    ------
    DeployError
        When there is something else than numbers in it.
    """
    text = body.decode()
    try:
        if "json" in content_type:
            yield from _numbers(json.loads(text))
        else:
            yield from (float(cell) for line in text.splitlines() for cell in line.split(",") if cell.strip())
    except ValueError as error:
        raise DeployError(f"the endpoint answered {text[:80]!r} ({content_type}), not numbers: {error}") from error


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        raise ValueError(f"{value!r} is no number")
    if isinstance(value, int | float):
        yield float(value)
        return
    for part in value.values() if isinstance(value, dict) else value:
        yield from _numbers(part)
