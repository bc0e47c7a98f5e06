"""CONTRIBUTING.md shows the packages as they are."""

import pytest

from tests import layout_picture
from tests.test_layout import FLOORS


def test_contributing_shows_what_the_code_imports() -> None:
    page = layout_picture.PAGE.read_text()
    message = "CONTRIBUTING.md shows other imports than the code has: run python -m tests.layout_picture"
    assert page == layout_picture.written(page), message


def test_every_package_is_in_the_picture() -> None:
    shown = layout_picture.picture()
    packages = [f"{name}[{name}/]" for name in layout_picture.TOP]
    inside = [f"        {name}" for floor in FLOORS for name in floor]
    assert [name for name in (*packages, *inside) if f"{name}\n" not in shown] == []
    assert "    localaws --> training" in shown
    assert "    protocol --> storage" in shown


def test_an_arrow_is_left_out_when_others_lead_there() -> None:
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}
    assert layout_picture.reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_a_circle_has_no_picture() -> None:
    with pytest.raises(ValueError, match="b imports itself"):
        layout_picture.reduced({"a": {"b"}, "b": {"c"}, "c": {"b"}})
