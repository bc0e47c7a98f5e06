"""The records that a model was evaluated on: CSV files with a header, under an S3 prefix."""

import csv
import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.errors import DeployError
from deploy.test.prediction import Cell
from deploy.test.problems import Problem


@dataclass(frozen=True)
class Records:
    """Records without their target, as CSV lines just as they lie in the file, and their targets."""

    lines: tuple[str, ...]
    targets: tuple[Cell, ...]


def read(s3_client: Any, uri: str, target_column: str, problem: Problem) -> Records:
    """Read all CSV files under an s3:// prefix.

    Raises
    ------
    DeployError
        When there are none, or when they lack the target's column.
    """
    place = urlsplit(uri)
    prefix = place.path.lstrip("/")
    lines: list[str] = []
    targets: list[Cell] = []
    for page in s3_client.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".csv"):
                body = s3_client.get_object(Bucket=place.netloc, Key=item["Key"])["Body"].read()
                name = f"s3://{place.netloc}/{item['Key']}"
                found = parse(body.decode("utf-8-sig"), target_column, name, problem)
                lines += found.lines
                targets += found.targets
    if not lines:
        raise DeployError(f"no record of the evaluation is left under {uri}: run the pipeline again")
    return Records(tuple(lines), tuple(targets))


def parse(text: str, target_column: str, name: str, problem: Problem) -> Records:
    """Take a CSV file apart into features and target.

    Raises
    ------
    DeployError
        When it lacks the target's column, or a value there cannot be a target of the problem.
    """
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    header = rows[0] if rows else []
    if target_column not in header:
        raise DeployError(f"{name} has no column {target_column!r}; it has {', '.join(header) or 'no header'}")
    place = header.index(target_column)
    try:
        targets = tuple(problem.target(row[place]) for row in rows[1:])
    except (ValueError, IndexError) as error:
        raise DeployError(f"{name}: a value of {target_column!r} is not a {problem.noun}: {error}") from error
    return Records(tuple(",".join(row[:place] + row[place + 1 :]) for row in rows[1:]), targets)
