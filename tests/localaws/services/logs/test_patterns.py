"""Filter patterns, by the examples of "Filter pattern syntax" in the CloudWatch Logs User Guide, in other words."""

import json

import pytest

from localaws.services.logs.errors import InvalidParameter
from localaws.services.logs.patterns.pattern import parse

REQUEST = '127.0.0.1 - frank [10/Oct/2026:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
OBJECT = json.dumps(
    {
        "level": "ERROR",
        "ms": 8.5,
        "code": "404",
        "ok": False,
        "gone": None,
        "user": {"id": 7, "mail": "a.b@example.com"},
        "items": [{"id": 1}, {"id": 2}],
        "dotted.name": "x",
    }
)


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400] bad request", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR OF A SERVER", False),
        ('"said \\"no\\""', 'it said "no"', True),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ("?ERROR ?WARN", "[WARN] x", True),
        ("?ERROR ?WARN", "[INFO] x", False),
        ("?ERROR ?WARN INFO", "[INFO] x", True),  # those with ? are ignored
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("%code=[0-9]+$%", "code=42", True),
        ("%code=[0-9]+$%", "code=42 and more", False),
    ],
)
def test_terms(pattern: str, message: str, matches: bool) -> None:
    assert parse(pattern).matches(message) == matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.level = "ERROR" }', True),
        ("{ $.level = ERROR }", True),
        ('{ $.level = "ERR*" }', True),
        ('{$.level!="ERROR"}', False),
        ('{ $.level != "INFO" }', True),
        ("{ $.missing != 1 }", False),
        ("{ $.ms >= 8 }", True),
        ("{ $.ms > 8.5e0 }", False),
        ("{ $.ms = 8.5 }", True),
        ("{ $.code = 404 }", True),
        ('{ $.ms = "8.5" }', False),  # a number is no text
        ("{ $.ok IS FALSE }", True),
        ("{ $.ok IS TRUE }", False),
        ("{ $.gone IS NULL }", True),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.level NOT EXISTS }", False),
        ("{ $.user.id = 7 && $.ms < 9 }", True),
        ("{ ($.user.id = 8) || ($.ms < 9 && $.level = %^ERR%) }", True),
        ("{ $.user.id = 8 || $.ms > 9 && $.level = ERROR }", False),
        ("{ $.items[1].id = 2 }", True),
        ("{ $.items[*].id = 2 }", True),
        ("{ $.items[0].id = 2 }", False),
        ("{ $['dotted.name'] = x }", True),
        ('{ $.user.mail = "*@example.com" }', True),
    ],
)
def test_json(pattern: str, matches: bool) -> None:
    assert parse(pattern).matches(OBJECT) == matches
    assert not parse(pattern).matches("no JSON at all")


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("[ip, dash, user, time, request, status, bytes]", True),
        ("[ip, dash, user, time, request, status]", False),
        ("[ip, ..., status, bytes]", True),
        ("[..., status = 404, bytes]", True),
        ("[..., status = 4*, bytes > 1000]", True),
        ("[..., status = 4*, bytes > 2000]", False),
        ("[ip, dash, user, time, request = *.html*, status = 200 || status = 404, bytes]", True),
        ("[ip != %127\\.0%, ...]", False),
        ("[ip, dash, user = frank && user != bob, ...]", True),
        ('[..., request = "GET /index.html*", status, bytes]', True),
        ("[,,user=frank,...]", True),
    ],
)
def test_columns(pattern: str, matches: bool) -> None:
    assert parse(pattern).matches(REQUEST) == matches


@pytest.mark.parametrize(
    "pattern",
    [
        "foo-bar",
        '"open',
        "%(group)%",
        "{ $.a = 1",
        "{ $.a }",
        "{ a = 1 }",
        "{ $.a > text }",
        "{ $.a = 1 && }",
        "{ $.a = 1 } x",
        "[a, b",
        "[]",
        "[..., a, ...]",
        "[a b]",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidParameter, match="Invalid filter pattern"):
        parse(pattern)


def test_selectors_stand_for_values() -> None:
    assert parse("{ $.ms > 1 }").value("$.user.id", OBJECT) == "7"
    assert parse("[..., status, bytes]").value("$bytes", REQUEST) == "1534"
    assert parse("{ $.ms > 1 }").value("$.missing", OBJECT) is None
    assert dict(parse("[ip, ..., bytes]").values(REQUEST))["$ip"] == "127.0.0.1"


def test_a_slow_expression_costs_its_own_message_only() -> None:
    pattern = parse(f"%{'.*' * 40}b%")
    assert not pattern.matches("a" * 5_000)
    assert pattern.matches("ab")


def test_what_a_message_must_contain_is_known_beforehand() -> None:
    assert parse('ERROR "not found" -x %y%').contains == [["ERROR"], ["not found"]]
    assert parse("?a ?b").contains == [["a", "b"]]
    assert parse("?a ?%b%").contains == []
    assert parse("{ $.a = 1 }").contains == ()
