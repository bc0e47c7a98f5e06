"""The work of the system test's states, by the `Operation` that a state asks for.

plan    the evaluation's records, divided into chunks of their files, and what the package's own metrics are
invoke  a chunk: its records through the endpoint, summed up, and some of them alone, timed
judge   all chunks together: metrics and latency, beside what is asked of them
report  the result as JSON and as JUnit's XML, in S3

Each raises what Retry and Catch of the state machine know by its class: EndpointBusyError is worth another try.
"""

import json
import math
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError
from deploy.test import metrics, problems, records, report
from deploy.test.invocation import Answer, Endpoint
from model_road import quality

Document = dict[str, Any]

# A chunk of a file, at least; a set so large that there would be more than MOST_CHUNKS has larger ones. The state
# machine hands all of them over in one document, of 256 KB at most.
CHUNK_BYTES, MOST_CHUNKS = 256 * 1024, 200
# The longest record that is read across the end of a chunk, and the longest header.
LONGEST_LINE = 64 * 1024
# What all chunks together may say of the labels that they found: the state machine's 256 KB are for more than that.
LABEL_BYTES = 128 * 1024
# Of one call: InvokeEndpoint takes 6 MB at most, a serverless endpoint 4 MB.
BATCH_BYTES = 1024 * 1024

_BUSY = {"ThrottlingException", "ModelNotReadyException", "ServiceUnavailable", "InternalDependencyException"}
_SUITE = "system-test"
_S3 = boto3.client("s3")
# Without retries: a test must not hide failures, and latency is measured.
_RUNTIME = boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}))


class InputError(Exception):
    """The input of the execution, or what the package says of itself, cannot be tested with."""


class RecordsError(Exception):
    """The evaluation's records are gone, or are not records."""


class LabelsError(Exception):
    """The predicted labels, or the package's positive label, do not occur in the records."""


class EndpointError(Exception):
    """The endpoint did not answer as it must."""


class EndpointBusyError(Exception):
    """The endpoint cannot answer now."""


def handler(event: Document, _context: object) -> Document:
    """Do what a state asks for, and log it in a line."""
    operation = event["Operation"]
    result = OPERATIONS[operation](event)
    line = {"operation": operation, "execution": event.get("ExecutionId"), "result": _logged(result)}
    print(json.dumps(line), flush=True)
    return result


def plan(event: Document) -> Document:
    """Divide the records that a package was evaluated on into chunks.

    Raises
    ------
    InputError, RecordsError
    """
    package = event["Package"]
    metadata = package.get("CustomerMetadataProperties", {})
    missing = [name for name in ("TestDataUrl", "TargetColumn") if name not in metadata]
    if missing:
        raise InputError(
            f"{package['ModelPackageArn']} does not say which records it was evaluated on: its "
            f"CustomerMetadataProperties lack {', '.join(missing)}"
        )
    files = list(_files(metadata["TestDataUrl"]))
    if not files:
        raise RecordsError(f"no record of the evaluation is left under {metadata['TestDataUrl']}")
    size = max(CHUNK_BYTES, math.ceil(sum(file["Size"] for file in files) / MOST_CHUNKS))
    chunks = [chunk for file in files for chunk in _chunks(file, size)]
    calls = math.ceil(_number(event, "Calls") / len(chunks))
    evaluation = quality.evaluation(_S3, package)
    return {
        "Chunks": [{**chunk, "Calls": calls, "LabelBytes": LABEL_BYTES // len(chunks)} for chunk in chunks],
        "TargetColumn": metadata["TargetColumn"],
        "Problem": _problem(package["ModelPackageArn"], evaluation, metadata),
        "Expected": quality.metrics(evaluation),
    }


def _problem(arn: str, evaluation: Any, metadata: dict[str, str]) -> dict[str, str]:
    """Return which kind of problem the package solves, in the form that all other states read."""
    try:
        problem = problems.describe(evaluation, metadata)
        problems.read(problem)
    except DeployError as error:
        raise InputError(f"{arn}: {error}") from error
    return problem


def _files(uri: str) -> Iterator[Document]:
    place = urlsplit(uri)
    pages = _S3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path.lstrip("/"))
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith(".csv") and item["Size"]:
                yield {"Bucket": place.netloc, "Key": item["Key"], "Size": item["Size"]}


def _chunks(file: Document, size: int) -> Iterator[Document]:
    """Yield parts of a file by the bytes at which they begin and end, without its header."""
    for start in range(len(_header(file)) + 1, file["Size"], size):
        yield {**file, "Start": start, "End": min(start + size, file["Size"])}


def _header(file: Document) -> bytes:
    return _read(file, 0, LONGEST_LINE).partition(b"\n")[0]


def invoke(event: Document) -> Document:
    """Ask the endpoint for predictions of a chunk, together and some alone.

    Raises
    ------
    RecordsError, EndpointError, EndpointBusyError
    """
    chunk, problem = event["Chunk"], problems.read(event["Problem"])
    endpoint = Endpoint(event["EndpointName"], _RUNTIME, problem)
    name = f"s3://{chunk['Bucket']}/{chunk['Key']}"
    try:
        header = _header(chunk).decode("utf-8-sig").strip()
        found = records.parse(f"{header}\n{_lines(chunk)}", event["TargetColumn"], name, problem)
    except DeployError as error:
        raise RecordsError(str(error)) from error
    predictions = [value for batch in _batches(found.lines) for value in _ask(endpoint, batch).predictions]
    alone = [_ask(endpoint, [found.lines[number % len(found.lines)]]) for number in range(_calls(chunk, found))]
    for number, answer in enumerate(alone):
        together = predictions[number % len(predictions)]
        if not answer.predictions[0].same_as(together):
            raise EndpointError(f"{name}: a record gives {answer.predictions[0]} alone, {together} among others")
    wrong = [prediction for prediction in predictions if not prediction.is_finite]
    if wrong:
        raise EndpointError(f"{name}: {len(wrong)} of {len(predictions)} predictions are not finite: {wrong[0]}")
    summed = problem.summed(found.targets, [prediction.outcome for prediction in predictions])
    return {
        "Sums": _carried(asdict(summed), chunk["LabelBytes"], name),
        "Milliseconds": [round(answer.seconds * 1000, 3) for answer in alone],
    }


def _carried(sums: Document, most: int, name: str) -> Document:
    """Refuse what the state machine cannot carry; only a sum that has a row for each label grows."""
    size = len(json.dumps(sums))
    if size > most:
        raise RecordsError(
            f"{name}: what was counted of {len(sums['labels'])} labels takes {size} bytes, and the state machine has "
            f"room for {most} from each chunk: a smaller set of records, or fewer labels are needed"
        )
    return sums


def _calls(chunk: Document, found: records.Records) -> int:
    """Return how many records of a chunk are sent alone: none if the chunk has none."""
    return int(chunk["Calls"]) if found.lines else 0


def _lines(chunk: Document) -> str:
    """Read the lines that begin in a chunk, to the end of the last."""
    before = chunk["Start"] - 1
    body = _read(chunk, before, chunk["End"] + LONGEST_LINE)
    # A line that began before belongs to the chunk before: this one begins after the first end of a line.
    first = body.find(b"\n") + 1
    last = body.find(b"\n", chunk["End"] - 1 - before)
    if last < 0 and chunk["End"] + LONGEST_LINE < chunk["Size"]:
        raise RecordsError(f"s3://{chunk['Bucket']}/{chunk['Key']}: a line has more than {LONGEST_LINE} bytes")
    if first == 0:
        return ""
    return (body[first:] if last < 0 else body[first : last + 1]).decode("utf-8")


def _read(file: Document, start: int, end: int) -> bytes:
    answer = _S3.get_object(Bucket=file["Bucket"], Key=file["Key"], Range=f"bytes={start}-{end - 1}")
    body: bytes = answer["Body"].read()
    return body


def _batches(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield lines as they fit into a call."""
    batch: list[str] = []
    size = 0
    for line in lines:
        if batch and size + len(line) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch


def _ask(endpoint: Endpoint, lines: Sequence[str]) -> Answer:
    try:
        return endpoint.invoke(lines, f"{_SUITE}-{uuid.uuid4()}")
    except ClientError as error:
        if error.response["Error"]["Code"] in _BUSY:
            raise EndpointBusyError(str(error)) from error
        raise EndpointError(f"the endpoint did not predict: {error}") from error
    except (BotoCoreError, DeployError) as error:
        raise EndpointError(f"the endpoint did not predict: {error}") from error


def judge(event: Document) -> Document:
    """Put all chunks together, and hold metrics and latency against what is asked of them.

    Raises
    ------
    InputError, RecordsError, LabelsError
        There is nothing to compare with, no record was there to be predicted, or labels do not fit.
    """
    problem = problems.read(event["Problem"])
    summed = problem.summed([], [])
    for part in event["Parts"]:
        summed += problem.restored(part["Sums"])
    if not summed.n_samples:
        raise RecordsError("the files of the evaluation hold no record")
    try:
        measured = summed.metrics()
    except DeployError as error:
        raise LabelsError(str(error)) from error
    limits = _limits(event, measured)
    checks = [_quality(name, measured[name], limit) for name, limit in limits.items()]
    milliseconds = [value for part in event["Parts"] for value in part["Milliseconds"]]
    p50, p99 = metrics.percentile(milliseconds, 0.5), metrics.percentile(milliseconds, 0.99)
    checks.append(_latency(p50, p99, len(milliseconds), _number(event, "MaxLatencyMilliseconds")))
    figures = {**measured, "p50Milliseconds": p50, "p99Milliseconds": p99, "records": summed.n_samples}
    passed = all(check["Passed"] for check in checks)
    told = [check["Detail"] for check in checks if passed or not check["Passed"]]
    return {
        "Passed": passed,
        "Error": "" if passed else "SystemTestFailed",
        "Summary": "; ".join([*told, f"{summed.n_samples} records"]),
        "Checks": checks,
        # JSON has no NaN.
        "Figures": {name: value for name, value in figures.items() if math.isfinite(value)},
    }


def _limits(event: Document, measured: Document) -> dict[str, float]:
    """Return the limit of each metric: what was asked for, or the package's own value less the tolerance."""
    expected, asked, tolerance = event["Expected"], event["Thresholds"], _number(event, "Tolerance")
    known = f"{', '.join(measured)}, the metrics of a {event['Problem']['ProblemType']}"
    unknown = sorted(set(asked) - set(measured))
    if unknown:
        raise InputError(f"Thresholds has {', '.join(unknown)}; known are {known}")
    own = {
        name: value - tolerance * abs(value) if quality.higher_is_better(name) else value + tolerance * abs(value)
        for name, value in expected.items()
        if name in measured
    }
    limits = {**own, **{name: float(value) for name, value in asked.items()}}
    if not limits:
        raise InputError(f"nothing to compare with: the package has none of {known}, and there are no Thresholds")
    return limits


def _quality(name: str, value: float, limit: float) -> Document:
    higher = quality.higher_is_better(name)
    passed = value >= limit if higher else value <= limit
    said = ("at least" if higher else "at most") if passed else ("below" if higher else "above")
    return {"Name": name, "Passed": passed, "Detail": f"{name} {value:.6g} is {said} {limit:.6g}"}


def _latency(p50: float, p99: float, calls: int, most: float) -> Document:
    said = "at most" if p99 <= most else "above"
    detail = f"p99 {p99:.1f} ms is {said} {most:g} ms (p50 {p50:.1f} ms, {calls} calls of one record)"
    return {"Name": "latency", "Passed": p99 <= most, "Detail": detail}


def write_report(event: Document) -> Document:
    """Write a result to the bucket, as JSON and as JUnit's XML; return their folder and a one-sentence result."""
    bucket, summary = os.environ["REPORT_BUCKET"], _sentence(event["Result"]["Summary"])
    result = {**event["Result"], "Summary": summary}
    prefix = f"{os.environ['REPORT_PREFIX']}/{event['ExecutionName']}"
    checks = result["Checks"] or [{"Name": "endpoint", "Passed": result["Passed"], "Detail": summary}]
    results = [report.Result(check["Name"], check["Passed"], check["Detail"], 0.0) for check in checks]
    text = json.dumps({**event["Test"], **result}, indent=2).encode()
    _S3.put_object(Bucket=bucket, Key=f"{prefix}/result.json", Body=text, ContentType="application/json")
    body = report.document(_SUITE, results)
    _S3.put_object(Bucket=bucket, Key=f"{prefix}/junit.xml", Body=body, ContentType="application/xml")
    return {"Uri": f"s3://{bucket}/{prefix}/", "Summary": summary}


def _sentence(cause: str) -> str:
    """Take the message out of what Lambda says of an exception; the stack is in the function's log."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause


def _number(event: Document, name: str) -> float:
    """Read a number, which CloudFormation hands over as text."""
    try:
        return float(event[name])
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is {event[name]!r}, not a number") from error


def _logged(result: Document) -> Document:
    """Leave lists out of the log: they grow with the set."""
    return {name: len(value) if isinstance(value, list) else value for name, value in result.items()}


OPERATIONS: dict[str, Callable[[Document], Document]] = {
    "plan": plan,
    "invoke": invoke,
    "judge": judge,
    "report": write_report,
}
