"""Options: read as data, never evaluated."""

import argparse

import pytest

from model_road.errors import UsageError
from model_road.options import parse_assignment
from pipelines import options
from pipelines.parameters import check

DECLARED = [
    {"Name": "Url", "Type": "String"},
    {"Name": "Rows", "Type": "Integer", "DefaultValue": 20},
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.1},
    {"Name": "Fast", "Type": "Boolean", "DefaultValue": True},
    {"Name": "Status", "Type": "String", "DefaultValue": "A", "EnumValues": ["A", "B"]},
]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": true, "b": null}', {"a": True, "b": None}),
        ("{'a': True, 'b': (1, 2)}", {"a": True, "b": (1, 2)}),
        (' {"a": "it\'s"} ', {"a": "it's"}),
    ],
)
def test_kwargs_are_json_or_a_python_literal(text: str, value: object):
    assert options.parse_kwargs(text) == value


@pytest.mark.parametrize(
    "text", ["__import__('os').getcwd()", "{'a': open('x')}", "[1]", "{1: 2}", "{'a'", "", "(" * 500]
)
def test_kwargs_that_are_no_dict_of_names_are_refused(text: str):
    with pytest.raises(argparse.ArgumentTypeError):
        options.parse_kwargs(text)


def test_tags():
    assert options.parse_tags('[{"Key": "a", "Value": "b"}]') == [{"Key": "a", "Value": "b"}]
    for wrong in ('{"a": "b"}', '[{"Key": "a"}]', '[{"Key": "a", "Value": 1}]'):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a list of tags"):
            options.parse_tags(wrong)


def test_an_assignment_keeps_what_follows_the_first_equal_sign():
    assert parse_assignment("Url=s3://b/?a=b") == ("Url", "s3://b/?a=b")
    assert parse_assignment("Url=") == ("Url", "")
    for wrong in ("Url", "=x"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected KEY=VALUE"):
            parse_assignment(wrong)


@pytest.mark.parametrize(
    "given",
    [
        {"Url": "x; $(rm) '"},
        {"Url": "", "Rows": "-3", "Rate": "1e-3", "Fast": "False", "Status": "B"},
    ],
)
def test_valid_parameters_pass_as_they_are(given: dict[str, str]):
    assert check(DECLARED, given) == given


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("Rows", "1.5", "not a valid Integer"),
        ("Rows", "1_000", "not a valid Integer"),
        ("Rate", "nan", "not a valid Float"),
        ("Rate", "fast", "not a valid Float"),
        ("Fast", "yes", "not a valid Boolean"),
        ("Status", "C", "must be one of A, B"),
        ("Nope", "1", "no such parameter"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_problem(name: str, value: str, problem: str):
    with pytest.raises(UsageError, match=f"{name}.*{problem}.* The pipeline takes: Url \\(String\\), Rows"):
        check(DECLARED, {"Url": "x", name: value})


def test_every_problem_is_told_at_once():
    with pytest.raises(UsageError, match=r"Nope: no such parameter; Url: needs a value .*; Rows=x: not a valid"):
        check(DECLARED, {"Nope": "1", "Rows": "x"})
