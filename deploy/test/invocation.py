"""Calls of an endpoint, as a client makes them: CSV records in, predictions out, timed."""

import csv
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.errors import DeployError
from deploy.test.prediction import Cell, Prediction, number
from deploy.test.problems import Problem

# One plain type, as request and as answer: AWS's containers hand a list to the model's output_fn as it came.
CONTENT_TYPE = "text/csv"
# Of an answer, in a message.
_SHOWN = 80
# Where linear-learner and the text classifiers of Hugging Face say what they predict, beside a score.
_LABELS = ("predicted_label", "label")


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes
    ----------
    predictions : tuple of Prediction
        One for each record that was sent.
    seconds : float
        As the client saw it, the way there and back included.
    """

    predictions: tuple[Prediction, ...]
    seconds: float


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, a client of `sagemaker-runtime`, and what kind of problem its model solves."""

    name: str
    runtime: Any
    problem: Problem

    def invoke(self, lines: Sequence[str], inference_id: str) -> Answer:
        """Send CSV records in one call.

        Raises
        ------
        DeployError
            When the answer is not one prediction for each record.
        """
        begin = time.perf_counter()
        response = self.runtime.invoke_endpoint(
            EndpointName=self.name,
            ContentType=CONTENT_TYPE,
            Accept=CONTENT_TYPE,
            InferenceId=inference_id,
            Body="\n".join(lines).encode(),
        )
        body = response["Body"].read()
        seconds = time.perf_counter() - begin
        return Answer(read(body, response["ContentType"], len(lines), self.problem), seconds)


def read(body: bytes, content_type: str, n_records: int, problem: Problem) -> tuple[Prediction, ...]:
    """Read an answer in CSV or JSON, whatever the predictions are wrapped in.

    Raises
    ------
    DeployError
        When it is not one prediction for each record, of the kind that the problem has.
    """
    text = body.decode()
    try:
        cells = list(_json_cells(json.loads(text)) if "json" in content_type else _csv_cells(text))
        width, rest = divmod(len(cells), n_records)
        if rest or not problem.takes(width):
            raise DeployError(
                f"{n_records} record(s) were sent and {len(cells)} prediction(s) came back: {text[:_SHOWN]!r}"
            )
        answers = (tuple(cells[start : start + width]) for start in range(0, len(cells), width))
        return tuple(Prediction(answer, problem.outcome(answer)) for answer in answers)
    except (ValueError, csv.Error) as error:
        raise DeployError(
            f"the endpoint answered {text[:_SHOWN]!r} ({content_type}), not {problem.noun}s: {error}"
        ) from error


def _csv_cells(text: str) -> Iterator[Cell]:
    for row in csv.reader(text.splitlines()):
        for cell in filter(str.strip, row):
            value = number(cell)
            yield cell.strip() if value is None else value


def _json_cells(value: Any) -> Iterator[Cell]:
    if value is None:
        raise ValueError("null is not a prediction")
    if isinstance(value, bool):
        yield json.dumps(value)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float):
        yield float(value)
    else:
        yield from (cell for part in _parts(value) for cell in _json_cells(part))


def _parts(value: Any) -> Iterable[Any]:
    """Return what a list or an object holds; of an object that names a label only the label, without its score."""
    if not isinstance(value, dict):
        return list(value)
    return next(([value[name]] for name in _LABELS if name in value), list(value.values()))
