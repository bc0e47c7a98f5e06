"""The walk of an execution through its states, which a restart does not end.

MiniStack's functions do what each kind of state does; this is the loop around them, of a machine and of the branches
and items of its Parallel and Map states. Before a state is entered, the journal has its name and its input; what the
state calls and waits for is also there (`localaws.ministack.stepfunctions.progress`). So the loop begins wherever an
earlier process was.

Items of a distributed Map are executions of their own, of which no journal is kept: such a state begins again.
"""

import copy
import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localaws.document import Document
from localaws.ministack.private import private
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.progress import CALL, VISIT, Visit

logger = logging.getLogger(__name__)

_HANDLERS = ("_execute_pass", "_execute_task", "_execute_choice", "_execute_wait", "_execute_parallel", "_execute_map")
_PARTS = ("_fail_state_error", "_apply_input_path", "_apply_output_path", "now_iso", "_state_machines", "_executions")
_TOLD = ("_add_event", "_emit_execution_status_event", "_fail_execution")
# They run others, or fail by themselves: they know the execution.
_KNOWING = frozenset({"Task", "Parallel", "Map"})


@dataclass(frozen=True)
class _Fork:
    """An attempt of a Parallel or Map state: its place, and the branches, or None for a Map's items."""

    place: str
    branches: list[Document] | None


@dataclass(frozen=True)
class _Path:
    """A line of states: the machine's own, or a branch's, or an item's.

    Attributes
    ----------
    place : str
    states : dict
        By name.
    execution : dict
    context : dict
        The context object, and the variables.
    """

    place: str
    states: Mapping[str, Document]
    execution: Document
    context: Document

    @property
    def arn(self) -> str:
        """Return the execution's ARN."""
        return str(self.execution["executionArn"])

    @property
    def is_machine(self) -> bool:
        """Return whether the history tells of its states."""
        return self.place == ""

    @property
    def is_wanted(self) -> bool:
        """Return whether the execution is still running."""
        return bool(self.execution["status"] == "RUNNING")


class Walk:
    """Runs executions.

    Hooks ``ministack.services.stepfunctions``: the functions of the kinds of states, what they share, and what tells of
    an execution's end.

    Parameters
    ----------
    engine : module
        ``ministack.services.stepfunctions``.
    journal : Journal
    """

    def __init__(self, engine: Any, journal: Journal) -> None:
        for name in (*_HANDLERS, *_PARTS, *_TOLD):
            private(engine.__name__, name)
        self._engine, self._journal = engine, journal
        self._failure = private(engine.__name__, "_ExecutionError")
        self._fork: ContextVar[_Fork] = ContextVar("fork")

    def run(self, arn: str) -> None:
        """Run an execution to its end, from where it is."""
        VISIT.set(None)
        CALL.set(None)
        execution = self._engine._executions.get(arn)
        machine = self._engine._state_machines.get(execution["stateMachineArn"]) or {}
        definition = json.loads(self._journal.definition(arn) or machine["definition"])
        timer = self._timer(execution, definition.get("TimeoutSeconds"))
        try:
            output = self._to_the_end(execution, definition)
        except self._failure as error:
            self._engine._fail_execution(execution, error.error, error.cause)
        except Exception as error:
            logger.exception("Step Functions could not run %s", arn)
            self._engine._fail_execution(execution, "States.Runtime", str(error))
        else:
            self._succeed(execution, output)
        finally:
            timer.cancel()

    def branch(self, states: Document, start_at: str, given: Any, execution: Document, context: Document) -> Any:
        """Run a branch of a Parallel state, or a Map state for an item: ``_run_sub_machine`` of MiniStack."""
        fork = self._fork.get()
        branches = fork.branches
        if branches is None:
            index = context["Map"]["Item"]["Index"]
        else:
            index = next(number for number, branch in enumerate(branches) if branch["States"] is states)
        path = _Path(f"{fork.place}/{index}", states, execution, context)
        return self._follow(path, start_at, copy.deepcopy(given))

    def forking(self, attempt: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap MiniStack's functions for Parallel and Map states, so that each attempt knows its place."""

        def try_once(state: Document, given: Any, execution: Document, context: Document) -> Any:
            visit = VISIT.get()
            place = visit.fork() if visit is not None else ""
            self._fork.set(_Fork(place, state.get("Branches")))
            return attempt(state, given, execution, context)

        return try_once

    def _to_the_end(self, execution: Document, definition: Document) -> Any:
        given = json.loads(execution["input"])
        about = {"Id": execution["executionArn"], "Name": execution["name"], "StartTime": execution["startDate"]}
        machine = execution["stateMachineArn"]
        context = {
            "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
            "Execution": {**about, "Input": given},
            "StateMachine": {"Id": machine, "Name": machine.rpartition(":")[2]},
            "variables": {},
        }
        try:
            return self._follow(_Path("", definition["States"], execution, context), definition["StartAt"], given)
        finally:
            VISIT.set(None)

    def _follow(self, path: _Path, start_at: str, given: Any) -> Any:
        """Follow the states, and return the output of the last."""
        journal, variables = self._journal, path.context["variables"]
        at = journal.read(path.arn, path.place)
        is_known = at is not None
        if at is None:
            at = self._position(0, start_at, given, variables)
            journal.write(path.arn, path.place, at)
        variables.update(at["Variables"])
        while at["State"] is not None and path.is_wanted:
            place = f"{path.place}/{at['Number']}"
            VISIT.set(Visit(journal, path.arn, place, journal.told(path.arn, place) if is_known else 0))
            is_known = False
            output, following = self._visit(path, at)
            at = self._position(at["Number"] + 1, following, output, variables)
            if path.is_wanted:
                journal.leave(path.arn, place, path.place, at)
        return at["Input"]

    def _position(self, number: int, state: str | None, given: Any, variables: Document) -> Document:
        entered = self._engine.now_iso()
        return {"Number": number, "State": state, "Input": given, "Entered": entered, "Variables": variables}

    def _visit(self, path: _Path, at: Document) -> tuple[Any, str | None]:
        """Run a state; return its output and the next state's name."""
        name, given = at["State"], at["Input"]
        state = path.states.get(name)
        if state is None:
            raise self._failure("States.Runtime", f"State '{name}' not found in definition")
        kind = state.get("Type")
        path.context["State"] = {"Name": name, "EnteredTime": at["Entered"], "RetryCount": 0}
        if path.is_machine:
            self._tell(path, f"{kind}StateEntered", "stateEntered", {"name": name, "input": json.dumps(given)})
        output, following = self._do(path, state, given)
        if path.is_machine and path.is_wanted:
            self._tell(path, f"{kind}StateExited", "stateExited", {"name": name, "output": json.dumps(output)})
        return output, following

    def _do(self, path: _Path, state: Document, given: Any) -> tuple[Any, str | None]:
        engine, kind, context = self._engine, state.get("Type"), path.context
        if kind == "Fail":
            raise self._failure(*engine._fail_state_error(state, given, context))
        if kind == "Succeed":
            selected = engine._apply_input_path(state, given, context)
            return engine._apply_output_path(state, selected, context), None
        name = f"_execute_{str(kind).lower()}"
        if name not in _HANDLERS:
            raise self._failure("States.Runtime", f"Unknown state type: {kind}")
        known = (path.execution,) if kind in _KNOWING else ()
        output, following = getattr(engine, name)(state, given, *known, context)
        return output, following

    def _tell(self, path: _Path, event_type: str, about: str, details: Document) -> None:
        self._engine._add_event(path.execution, event_type, {f"{about}EventDetails": details})

    def _succeed(self, execution: Document, output: Any) -> None:
        if execution["status"] != "RUNNING":
            return
        text = json.dumps(output)
        execution.update(status="SUCCEEDED", output=text, stopDate=self._engine.now_iso())
        self._end(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": text}})

    def _timer(self, execution: Document, limit: float | None) -> threading.Timer:
        """End an execution when its machine's TimeoutSeconds are over, which began with it."""

        def expire() -> None:
            if execution["status"] == "RUNNING":
                execution.update(status="TIMED_OUT", stopDate=self._engine.now_iso(), error="States.Timeout")
                details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
                self._end(execution, "ExecutionTimedOut", details)

        since = datetime.now(UTC) - datetime.fromisoformat(execution["startDate"])
        timer = threading.Timer(max(0.0, (limit or 0) - since.total_seconds()), copy_context().run, (expire,))
        timer.daemon = True
        if limit:
            timer.start()
        return timer

    def _end(self, execution: Document, event_type: str, details: Document) -> None:
        self._engine._add_event(execution, event_type, details)
        self._engine._emit_execution_status_event(execution)
