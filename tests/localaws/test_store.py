"""The store: durable, paginated by keyset, transactional."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.sagemaker.errors import ValidationError
from localaws.storage.store import Query, Resource, Store


def resource(name: str, **members: object) -> Resource:
    return Resource("model", name, f"arn:{name}", {"ModelName": name}, **members)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "store.sqlite")


def test_a_name_is_taken_once(store: Store) -> None:
    assert store.add(resource("a"))
    assert not store.add(resource("a"))


def test_pages_neither_skip_nor_repeat_while_rows_are_added(store: Store) -> None:
    for number in range(25):
        store.add(resource(f"m{number:02}", created=1000.0 + number // 5))  # many of the same instant
    seen, token = [], None
    while True:
        page, token = store.page(Query("model", descending=True, limit=4, token=token))
        seen += [row.name for row in page]
        store.add(resource(f"new{len(seen)}", created=2000.0))
        if token is None:
            break
    assert seen == [f"m{number:02}" for number in reversed(range(25))]


def test_conditions_and_order(store: Store) -> None:
    for name, status in (("b", "Failed"), ("a", "Failed"), ("c", "Completed")):
        store.add(resource(name, status=status))
    page, token = store.page(Query("model", {"status = ?": "Failed"}, sort_by="name", descending=False))
    assert [row.name for row in page] == ["a", "b"]
    assert token is None


@pytest.mark.parametrize("token", ["xx", "W10=", "!!!", "bnVsbA=="])
def test_a_token_of_somebody_elses_is_refused(store: Store, token: str) -> None:
    with pytest.raises(ValidationError, match="Invalid NextToken"):
        store.page(Query("model", token=token))


def test_an_edit_that_fails_changes_nothing(store: Store) -> None:
    store.add(resource("a"))

    def edit(document: dict[str, object], _: dict[str, object]) -> None:
        document["ModelName"] = "changed"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.change("arn:a", edit)
    found = store.by_arn("arn:a")
    assert found is not None
    assert found.document == {"ModelName": "a"}


def test_tags_go_with_their_resource(store: Store) -> None:
    store.add(resource("a"))
    store.tag("arn:a", {"team": "x", "cost": "1"})
    store.tag("arn:a", {"team": "y"})
    store.untag("arn:a", ["cost"])
    assert store.tags("arn:a") == {"team": "y"}
    store.remove("arn:a")
    assert store.tags("arn:a") == {}


def test_what_was_written_survives_kill_9(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from localaws.storage.store import Resource, Store
store = Store(Path({str(tmp_path / "s.sqlite")!r}))
for number in range(100):
    store.add(Resource("model", f"m{{number}}", f"arn:{{number}}", {{}}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    page, _ = Store(tmp_path / "s.sqlite").page(Query("model", limit=200))
    assert len(page) == 100


def test_a_full_disk_leaves_no_transaction_open(store: Store) -> None:
    with store.transaction() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"), store.transaction():
        store.add(resource("a", internal={"large": "x" * 100_000}))
    connection.execute("PRAGMA max_page_count = 1000000")
    assert not connection.in_transaction
    assert store.add(resource("b"))
    assert [each.name for each in Store(store._path).every("model")] == ["b"]
