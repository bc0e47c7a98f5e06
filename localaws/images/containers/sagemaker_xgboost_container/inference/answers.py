"""Predictions as a body: CSV, JSON, JSON lines.

A number is written as Python writes the double that a float32 is: 0.4386190 as 0.43861907720565796.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


def csv(predictions: Any) -> str:
    """Return a line for each row, its numbers separated by commas."""
    rows = predictions.tolist()
    return "".join(f"{','.join(map(str, row)) if isinstance(row, list) else row}\n" for row in rows)


def batch(predictions: Any) -> str:
    """Return a line for each row, several numbers in brackets: what a batch transform job gets, whatever it accepts."""
    return "".join(f"{row}\n" for row in predictions.tolist())


def scores(predictions: Any) -> str:
    """Return JSON, ``{"predictions": [{"score": 0.4}, ...]}``."""
    return json.dumps({"predictions": [{"score": row} for row in predictions.tolist()]})


def selected(rows: Sequence[Mapping[str, Any]], names: Sequence[str], accept: str) -> str:
    """Return what was selected as CSV, JSON or JSON lines; CSV has the order of the names, and lists in quotes."""
    if accept == JSON:
        return json.dumps({"predictions": list(rows)})
    if accept == JSON_LINES:
        return "".join(f"{json.dumps(row)}\n" for row in rows)
    lines = [",".join(_cell(row[name]) for name in names) for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)
