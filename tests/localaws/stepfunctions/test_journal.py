"""The journal by itself: what it keeps, for how long, and of whom."""

from pathlib import Path
from typing import Any

import pytest

from localaws.ministack.stepfunctions import journal as module
from localaws.ministack.stepfunctions.journal import Journal

Document = dict[str, Any]


def record(arn: str, status: str = "RUNNING") -> Document:
    return {"executionArn": arn, "status": status, "events": [{"id": 1, "type": "ExecutionStarted"}]}


def end(journal: Journal, arn: str) -> None:
    journal.tell(record(arn, "SUCCEEDED"), {"id": 2, "type": "ExecutionSucceeded"}, "")


def test_another_process_finds_what_one_has_left(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.begin(record("runs"), "{}")
    journal.begin(record("ended"), "{}")
    journal.write("runs", "", {"State": "A"})
    end(journal, "ended")
    found = Journal(path)
    assert [(kept.arn, kept.runs, len(kept.record["events"])) for kept in found.kept()] == [
        ("runs", True, 1),
        ("ended", False, 2),
    ]
    assert found.kept()[1].record["status"] == "SUCCEEDED"
    assert found.steps("runs") == {"": {"State": "A"}}


def test_what_is_below_a_state_goes_when_it_is_left(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.begin(record("a"), "{}")
    for place in ("/1/call0", "/1/try0/0", "/10/call0"):
        journal.write("a", place, {})
    journal.leave("a", "/1", "", {"State": "B"})
    assert sorted(journal.steps("a")) == ["", "/10/call0"]


def test_no_notes_are_taken_of_others_and_of_what_has_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.begin(record("a"), "{}")
    journal.write("a", "/0/call0", {})
    end(journal, "a")
    for arn in ("a", "express"):
        journal.write(arn, "", {})
        journal.leave(arn, "/0", "", {})
        end(journal, arn)
        assert journal.steps(arn) == {}
    assert [len(kept.record["events"]) for kept in journal.kept()] == [2]


def test_what_has_ended_is_forgotten_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    for arn in ("a", "b", "c"):
        journal.begin(record(arn), "{}")
    end(journal, "a")
    monkeypatch.setattr(module, "_KEEP_ENDED_SECONDS", 0)
    end(journal, "b")
    assert [kept.arn for kept in journal.kept()] == ["b", "c"]
    journal.clear()
    assert journal.kept() == []
