"""Metric math: arithmetic, comparisons, AND, OR, and the functions of `FUNCTIONS`; for alarms and GetMetricData.

An expression is worked out for one period at a time. Where a metric has no data, what is made of it has none, unless
FILL says otherwise; a division by zero has no value either.

Source: "Using math expressions with CloudWatch metrics" in the CloudWatch User Guide.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Value = float | None
Metric = Mapping[str, Any]
"""A MetricDataQuery."""

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "ABS": abs,
    "CEIL": lambda value: float(-(-value // 1)),
    "FLOOR": lambda value: float(value // 1),
    "SUM": lambda *values: sum(values),
    "AVG": lambda *values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
"""Beside them FILL, IF and METRICS. Of several metrics, they take the value in the same period."""


class MathError(ValueError):
    """An expression cannot be understood; the text says what in it."""


def check(metrics: Sequence[Metric]) -> None:
    """Refuse what could not be worked out.

    Raises
    ------
    MathError
        An expression has a mistake, or something that is not supported here; or not exactly one query returns data.
    """
    work_out(metrics, dict.fromkeys((query["Id"] for query in metrics if "MetricStat" in query), 1.0))


def work_out(metrics: Sequence[Metric], values: Mapping[str, Value]) -> Value:
    """Return the value in one period of the query that returns data.

    Parameters
    ----------
    metrics : sequence of mapping
        The alarm's queries.
    values : mapping of str to (float or None)
        Of its metrics, by the queries' ids.
    """
    wanted = [query for query in metrics if str(query.get("ReturnData", True)).lower() == "true"]
    if len(wanted) != 1:
        raise MathError(
            f"Exactly one query of an alarm returns data, not {len(wanted)}: set ReturnData to false in the rest"
        )
    return value_of(metrics, wanted[0]["Id"], values)


def value_of(queries: Sequence[Metric], name: str, values: Mapping[str, Value]) -> Value:
    """Return the value in one period of a query, by its id; see `work_out`."""
    return _Period(queries, values).of(name)


def metrics_in(queries: Sequence[Metric], name: str) -> list[str]:
    """Return the ids of the metrics that an expression uses, be it by other expressions.

    Parameters
    ----------
    queries : sequence of mapping
    name : str
        The id of the expression.
    """
    metrics = [query["Id"] for query in queries if "MetricStat" in query]
    used, calls = _names(queries, name)
    return metrics if "METRICS" in calls else [metric for metric in metrics if metric in used]


def fills(queries: Sequence[Metric], name: str) -> bool:
    """Return whether an expression may have a value where its metrics have none; the parameters are those above."""
    return "FILL" in _names(queries, name)[1]


def _names(queries: Sequence[Metric], name: str) -> tuple[set[str], set[str]]:
    """Return the ids that are used to work out a query, its own too, and the functions."""
    texts = {query["Id"]: query["Expression"] for query in queries if "Expression" in query}
    ids, calls, waiting = set(), set(), [name]
    while waiting:
        ids.add(current := waiting.pop())
        nodes = list(ast.walk(_parsed(texts[current]))) if current in texts else []
        called = {
            id(node.func): node.func.id
            for node in nodes
            if isinstance(node, ast.Call)
            if isinstance(node.func, ast.Name)
        }
        calls |= set(called.values())
        waiting += [
            node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called and node.id not in ids
        ]
    return ids, calls


class _Period:
    def __init__(self, metrics: Sequence[Metric], values: Mapping[str, Value]) -> None:
        self._queries = {query["Id"]: query for query in metrics}
        self._values = values
        self._open: list[str] = []

    def of(self, name: str) -> Value:
        """Return the value of a query."""
        if name in self._values:
            return self._values[name]
        if name not in self._queries or name in self._open:
            raise MathError(f"There is no metric {name!r} for the expression to use")
        text = self._queries[name].get("Expression", "")
        self._open.append(name)
        try:
            return self._value(_parsed(text))
        except RecursionError as error:
            raise MathError(f"The expression {text!r} is nested too deeply") from error
        finally:
            self._open.pop()

    def _value(self, node: ast.AST) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.of(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._value(operand)
                return None if value is None else -value
            case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]) if type(op) in _OPERATORS:
                return _apply(_OPERATORS[type(op)], [self._value(left), self._value(right)])
            case ast.BoolOp(op=op, values=parts):
                decide = all if isinstance(op, ast.And) else any
                return _apply(lambda *values: float(decide(values)), [self._value(part) for part in parts])
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
        raise MathError(f"{ast.unparse(node)!r} is not supported in a metric math expression here")

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        if name == "FILL" and len(arguments) == 2:
            value = self._value(arguments[0])
            return self._value(arguments[1]) if value is None else value
        if name == "IF" and len(arguments) == 3:
            condition = self._value(arguments[0])
            return None if condition is None else self._value(arguments[1] if condition else arguments[2])
        if name not in FUNCTIONS:
            known = ", ".join(sorted([*FUNCTIONS, "FILL", "IF", "METRICS"]))
            raise MathError(
                f"The metric math function {name} is not supported here, or not with so many arguments: {known}"
            )
        values = [value for argument in arguments for value in self._each(argument)]
        return _apply(FUNCTIONS[name], values) if name in ("ABS", "CEIL", "FLOOR") else _over(FUNCTIONS[name], values)

    def _each(self, node: ast.expr) -> list[Value]:
        """Return the values of an argument, which may be a list or METRICS()."""
        match node:
            case ast.List(elts=parts):
                return [self._value(part) for part in parts]
            case ast.Call(func=ast.Name(id="METRICS"), args=[]):
                return [self.of(name) for name, query in self._queries.items() if "MetricStat" in query]
        return [self._value(node)]


@lru_cache(256)
def _parsed(text: str) -> ast.expr:
    """Parse an expression: CloudWatch's grammar is part of Python's, except AND, OR, ``^``, ``&&`` and ``||``."""
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise MathError(f"Metrics Insights queries are not supported here: {text!r}")
    ours = text
    for theirs, python in ((r"\bAND\b|&&", " and "), (r"\bOR\b|\|\|", " or "), (r"\^", "**")):
        ours = re.sub(theirs, python, ours)
    try:
        return ast.parse(ours.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise MathError(f"The expression {text!r} cannot be read: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise MathError(f"The expression {text!r} is nested too deeply") from error


def _apply(function: Callable[..., float], values: Sequence[Value]) -> Value:
    present = [value for value in values if value is not None]
    if len(present) < len(values):
        return None
    try:
        return _finite(function(*present))
    except (ZeroDivisionError, OverflowError):
        return None
    except TypeError as error:
        raise MathError(f"A metric math function has the wrong number of arguments: {error}") from error


def _over(function: Callable[..., float], values: Sequence[Value]) -> Value:
    """Apply a function to those of several metrics that have data."""
    present = [value for value in values if value is not None]
    return _finite(function(*present)) if present else None


def _finite(value: float | complex) -> Value:
    """Return a value as far as it is a number: neither the root of a negative one is, nor what is beyond all."""
    return float(value) if not isinstance(value, complex) and math.isfinite(value) else None
