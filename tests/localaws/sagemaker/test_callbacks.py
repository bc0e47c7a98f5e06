"""The answer to a callback is kept before it is acknowledged: a server that dies then has it after its next start."""

from pathlib import Path

import pytest

from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.pipelines.callbacks import Callbacks
from localaws.storage.store import Store

EXECUTION = "arn:execution"


def started(folder: Path) -> Callbacks:
    """The callbacks as the next server finds them."""
    return Callbacks(Store(folder / "store.sqlite"))


def test_an_answer_outlives_the_server_that_took_it(tmp_path: Path) -> None:
    before = started(tmp_path)
    token = before.open(EXECUTION).token
    assert before.answer(token, {"outputs": {"mark": "5"}}) == EXECUTION
    after = started(tmp_path)
    callback = after.open(EXECUTION, token)
    assert callback.answered.is_set()
    assert after.given(callback) == {"outputs": {"mark": "5"}}
    after.close(callback)
    assert started(tmp_path).given(callback) is not None  # the step's end is not written yet
    after.forget(EXECUTION)
    assert after.given(callback) is None


def test_a_token_is_answered_once_and_only_while_a_step_waits(tmp_path: Path) -> None:
    callbacks = started(tmp_path)
    callback = callbacks.open(EXECUTION)
    callbacks.answer(callback.token, {"reason": ""})
    stopped = callbacks.open(EXECUTION)
    callbacks.close(stopped)
    for token in (callback.token, stopped.token, "0123456789"):
        with pytest.raises(ValidationError, match="No step waits for the callback token"):
            callbacks.answer(token, {"reason": ""})


def test_an_answer_wakes_its_step(tmp_path: Path) -> None:
    callbacks = started(tmp_path)
    callback = callbacks.open(EXECUTION)
    assert not callback.answered.is_set()
    callbacks.answer(callback.token, {"outputs": {}})
    assert callback.answered.is_set()
    assert callbacks.given(callback) == {"outputs": {}}
