"""Reads a query: commands with ``|`` between, and expressions in them."""

from collections.abc import Callable, Sequence
from functools import partial

from localaws.api_errors import UnsupportedOperation
from localaws.services.logs.errors import MalformedQuery
from localaws.services.logs.insights import commands, expressions
from localaws.services.logs.insights.aggregates import AGGREGATES, Aggregate
from localaws.services.logs.insights.commands import Command, Query
from localaws.services.logs.insights.expressions import COMPARISONS, Expression
from localaws.services.logs.insights.fields import Value
from localaws.services.logs.insights.tokens import Token, Tokens, unquoted

_NOT_HERE = ("diff", "pattern", "anomaly", "unmask", "unnest", "source", "join", "lookup", "filterindex", "subqueries")
_MOST_ROWS = 10_000


def parse(text: str, limit: int | None = None) -> Query:
    """Return the query that a text describes.

    Parameters
    ----------
    text : str
    limit : int or None
        How many rows StartQuery wants at most.

    Raises
    ------
    MalformedQuery
    UnsupportedOperation
        AWS has the command, local AWS does not.
    """
    try:
        tokens = Tokens(text)
        found = [_command(tokens)]
        while tokens.takes("|"):
            found.append(_command(tokens))
        if tokens.next.kind != "end":
            raise ValueError(f"cannot read {tokens.shown()}")
        return Query(found, min(limit or _MOST_ROWS, _MOST_ROWS))
    except ValueError as error:
        raise MalformedQuery(f"unexpected symbol found in query: {error}") from error


def _command(tokens: Tokens) -> Command:
    word = tokens.take().text.lower()
    if word in _NOT_HERE:
        raise UnsupportedOperation(f"The command {word} of Logs Insights is not supported by local AWS")
    if word not in _COMMANDS:
        raise ValueError(f"{word or 'nothing'!r} is no command: {', '.join(_COMMANDS)}")
    return _COMMANDS[word](tokens)


def _fields(tokens: Tokens, *, display: bool) -> Command:
    return commands.Fields(_named_list(tokens), replaces=display)


def _filter(tokens: Tokens) -> Command:
    return commands.Filter(_either(tokens))


def _limit(tokens: Tokens) -> Command:
    token = tokens.take()
    if token.kind != "number" or not token.text.isdecimal() or not int(token.text):
        raise ValueError("limit is followed by a number of rows")
    return commands.Limit(int(token.text))


def _dedup(tokens: Tokens) -> Command:
    return commands.Dedup([expression for _, expression in _named_list(tokens)])


def _sort(tokens: Tokens) -> Command:
    keys: list[tuple[Expression, bool]] = []
    while not keys or tokens.takes(","):
        expression = _either(tokens)
        keys.append((expression, tokens.takes("asc", "desc") == "desc"))
    return commands.Sort(keys)


def _parse(tokens: Tokens) -> Command:
    """Read ``parse @message "user=*" as user`` or ``parse @message /(?<user>\\w+)/``."""
    source: Expression = lambda row: row.get("@message")  # noqa: E731 - what is parsed when nothing is named
    pattern = tokens.expression()
    if pattern is None and tokens.next.kind in ("name", "quoted"):
        source = _primary(tokens)
        pattern = tokens.expression()
    is_glob = pattern is None
    if pattern is None:
        if tokens.next.kind != "string":
            raise ValueError(f"a pattern is expected before {tokens.shown()}")
        pattern = unquoted(tokens.take().text)
    names = []
    if tokens.takes("as"):
        names.append(_name(tokens))
        while tokens.takes(","):
            names.append(_name(tokens))
    return commands.Parse.of_glob(source, pattern, names) if is_glob else commands.Parse.of_expression(source, pattern)


def _stats(tokens: Tokens) -> Command:
    made: list[tuple[str, Callable[[], Aggregate]]] = []
    while not made or tokens.takes(","):
        made.append(_aggregate(tokens))
    by = _named_list(tokens) if tokens.takes("by") else []
    return commands.Stats(made, by)


def _aggregate(tokens: Tokens) -> tuple[str, Callable[[], Aggregate]]:
    start = tokens.next.start
    name = tokens.take().text.lower()
    if name not in AGGREGATES:
        raise ValueError(f"{name!r} is no aggregation that local AWS has: {', '.join(AGGREGATES)}")
    make, least, most = AGGREGATES[name]
    tokens.need("(")
    arguments: list[Expression] = []
    if not tokens.takes("*"):
        while tokens.next.text != ")":
            arguments.append(_sum(tokens))
            if not tokens.takes(","):
                break
    end = tokens.next.end
    tokens.need(")")
    if not least <= len(arguments) <= most:
        raise ValueError(f"{name} takes {least if least == most else f'{least} or {most}'} arguments")
    label = tokens.query[start:end]
    return (_name(tokens) if tokens.takes("as") else label), partial(make, arguments)


def _named_list(tokens: Tokens) -> list[tuple[str, Expression]]:
    """Read expressions with commas between, each perhaps with a name."""
    found: list[tuple[str, Expression]] = []
    while not found or tokens.takes(","):
        start = tokens.next.start
        expression = _either(tokens)
        label = tokens.query[start : tokens.next.start].strip().strip("`")
        found.append((_name(tokens) if tokens.takes("as") else label, expression))
    return found


def _name(tokens: Tokens) -> str:
    token = tokens.take()
    if token.kind not in ("name", "quoted"):
        raise ValueError(f"a name is expected, not {token.text!r}")
    return token.text.strip("`")


def _either(tokens: Tokens) -> Expression:
    parts = [_both(tokens)]
    while tokens.takes("or"):
        parts.append(_both(tokens))
    return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)


def _both(tokens: Tokens) -> Expression:
    parts = [_negation(tokens)]
    while tokens.takes("and"):
        parts.append(_negation(tokens))
    return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)


def _negation(tokens: Tokens) -> Expression:
    if tokens.takes("not"):
        inner = _negation(tokens)
        return lambda row: not inner(row)
    return _comparison(tokens)


def _comparison(tokens: Tokens) -> Expression:
    left = _sum(tokens)
    if sign := tokens.takes(*COMPARISONS):
        return expressions.comparison(sign, left, _sum(tokens))
    negated = tokens.takes("not") is not None
    found = _membership(tokens, left)
    if found is None:
        if negated:
            raise ValueError(f"like or in is expected before {tokens.shown()}")
        return left
    return (lambda row: not found(row)) if negated else found


def _membership(tokens: Tokens, left: Expression) -> Expression | None:
    """Read ``like``, ``=~`` or ``in`` and what follows; None if none of them stands here."""
    if tokens.takes("like", "=~"):
        pattern = tokens.expression()
        if pattern is not None:
            return expressions.like(left, pattern, is_expression=True)
        if tokens.next.kind != "string":
            raise ValueError(f"a text or an expression is expected before {tokens.shown()}")
        return expressions.like(left, unquoted(tokens.take().text), is_expression=False)
    if tokens.takes("in"):
        tokens.need("[")
        items = [_sum(tokens)]
        while tokens.takes(","):
            items.append(_sum(tokens))
        tokens.need("]")
        return expressions.is_in(left, items)
    return None


def _chain(signs: Sequence[str], inner: Callable[[Tokens], Expression], tokens: Tokens) -> Expression:
    left = inner(tokens)
    while sign := tokens.takes(*signs):
        left = expressions.arithmetic(sign, left, inner(tokens))
    return left


def _sum(tokens: Tokens) -> Expression:
    return _chain(("+", "-"), _product, tokens)


def _product(tokens: Tokens) -> Expression:
    return _chain(("*", "/", "%"), _power, tokens)


def _power(tokens: Tokens) -> Expression:
    return _chain(("^",), _primary, tokens)


def _primary(tokens: Tokens) -> Expression:
    if tokens.takes("("):
        inner = _either(tokens)
        tokens.need(")")
        return inner
    if tokens.takes("-"):
        return expressions.arithmetic("-", lambda _: 0.0, _primary(tokens))
    token = tokens.take()
    if token.kind == "name" and tokens.takes("("):
        return _call(tokens, token.text.lower())
    if token.kind in ("name", "quoted"):
        name = token.text.strip("`")
        return lambda row: row.get(name)
    return _constant(token)


def _constant(token: Token) -> Expression:
    if token.kind not in ("number", "string", "period"):
        raise ValueError(f"cannot read {token.text or 'its end'!r}")
    value: Value = unquoted(token.text) if token.kind == "string" else token.text
    value = float(token.text) if token.kind == "number" else value
    return lambda _: value


def _call(tokens: Tokens, name: str) -> Expression:
    arguments: list[Expression] = []
    written: list[str] = []
    while not tokens.takes(")"):
        start = tokens.next.start
        arguments.append(_either(tokens))
        written.append(tokens.query[start : tokens.next.start].strip())
        if tokens.next.text != ")":
            tokens.need(",")
    return expressions.function(name, arguments, written)


_COMMANDS: dict[str, Callable[[Tokens], Command]] = {
    "fields": partial(_fields, display=False),
    "display": partial(_fields, display=True),
    "filter": _filter,
    "parse": _parse,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
    "dedup": _dedup,
}
