"""Tasks that are ended from outside, by their token: ``.waitForTaskToken`` and activities.

An answer is in the journal before SendTaskSuccess or SendTaskFailure says so to its caller, and a token of a task that
waits is known from the first moment after a restart.
"""

import importlib
import json
import threading
from collections.abc import Callable
from typing import Any

from localaws.document import Document
from localaws.ministack.private import private
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.progress import CALL, Call, call_alone, call_at
from localaws.ministack.stepfunctions.task import TaskFailed


class Tokens:
    """The tasks that wait.

    Parameters
    ----------
    journal : Journal
    """

    def __init__(self, journal: Journal) -> None:
        self._engine: Any = importlib.import_module("ministack.services.stepfunctions")
        self._journal = journal

    def install(self) -> None:
        """Note each answer in the journal before its sender is told that it was taken.

        Hooks ``ministack.services.stepfunctions``: ``_task_tokens`` has the tasks, with an event to wait for;
        ``_send_task_success`` and ``_send_task_failure`` answer requests; ``_invoke_activity`` hands a task out by
        ``_activity_tasks``; and ``_restore_state``, which forgets that queue.
        """
        engine = self._engine
        for name in ("_task_tokens", "_activities", "_activity_tasks", "_invoke_activity"):
            private(engine.__name__, name)
        engine._send_task_success = self._noting(private(engine.__name__, "_send_task_success"), _note_success)
        engine._send_task_failure = self._noting(private(engine.__name__, "_send_task_failure"), _note_failure)
        engine._invoke_activity = self._hand_out
        restore = private(engine.__name__, "_restore_state")

        def restore_queues(data: Any) -> None:
            restore(data)
            for activity in engine._activities._data:
                engine._activity_tasks._data.setdefault(activity, [])

        engine._restore_state = restore_queues

    def take_up(self, arn: str) -> None:
        """Know the tokens of an execution's tasks again."""
        for place, known in self._journal.steps(arn).items():
            if "Token" in known and (call := call_at(self._journal, arn, place, known)).expects_answer():
                self._waiting(call)

    def answer(
        self, call: Call, send: Callable[[Call], object], timeout: float | None, *, sends_again: bool = False
    ) -> Any:
        """Make a call, and wait for the answer.

        Parameters
        ----------
        call : Call
        send : callable
            Makes the call; it is asked once, or again by the next process if this one ends meanwhile.
        timeout : float or None
            In seconds from the first call.
        sends_again : bool, default=False
            Whether a call is made by each process that waits for its answer.

        Raises
        ------
        TaskFailed
        """
        waiting = self._waiting(call)
        call = waiting["call"]
        try:
            if (sends_again or not call.is_sent()) and not call.has_ended():
                call.expect_answer()
                send(call)
                call.sent()
            if not waiting["event"].wait(None if timeout is None else call.seconds_left(timeout)):
                raise TaskFailed("States.Timeout", "The task's token did not come back in time")
            return call.outcome()
        finally:
            self._engine._task_tokens.pop(call.token, None)

    def _hand_out(self, resource: str, given: Any) -> Any:
        if resource not in self._engine._activities:
            raise TaskFailed("ActivityDoesNotExist", f"Activity {resource} not found")
        call = CALL.get() or call_alone(given)
        task = {"taskToken": call.token, "input": json.dumps(given)}
        queue = self._engine._activity_tasks.setdefault(resource, [])
        # A queue is gone with its process, and it is unknown whether a worker had the task.
        return self.answer(call, lambda _: queue.append(task), None, sends_again=True)

    def _waiting(self, call: Call) -> Document:
        new = {"event": threading.Event(), "result": None, "error": None, "heartbeat": None, "call": call}
        waiting: Document = self._engine._task_tokens.setdefault(call.token, new)
        return waiting

    def _noting(self, answer: Callable[[Document], Any], note: Callable[[Call, Document], None]) -> Any:
        def answer_noted(data: Document) -> Any:
            waiting = self._engine._task_tokens.get(data.get("taskToken"))
            if waiting and not waiting["event"].is_set():
                note(waiting["call"], data)
            return answer(data)

        return answer_noted


def _note_success(call: Call, data: Document) -> None:
    output = data.get("output", "{}")
    try:
        call.succeed(json.loads(output))
    except ValueError:
        call.succeed(output)


def _note_failure(call: Call, data: Document) -> None:
    call.fail(data.get("error", "TaskFailed"), data.get("cause", ""))
