"""Several models as one: preprocessing, model, postprocessing in one process, as SageMaker's inference pipeline has
them in several containers.

The model directory holds a ``pipeline.json`` and a folder for each step, which is a model directory by itself, with its
own ``code/inference.py``::

    pipeline.json          {"steps": ["scale", "predict"]}
    scale/model.joblib
    predict/model.joblib
    predict/code/inference.py

What a step predicts is what the next one reads. Where neither's script says how that is written (no output_fn, no
input_fn), the object itself is passed on; else it goes as bytes, as between containers.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.context import Headers
from serving.errors import StartError
from serving.media import Accept, MediaType, parse_accept, parse_content_type
from serving.model import Answer, Model, Request, load_model, outcome_of
from serving.script import load_script, own_modules

_FILE = "pipeline.json"


class Chain:
    """Models in a row, with a model's interface.

    Parameters
    ----------
    steps : sequence of Model
        In the order in which they are called.
    """

    batch_size = 1  # each request by itself
    max_batch_delay = 0.0

    def __init__(self, steps: Sequence[Model]) -> None:
        self._steps = steps

    def invoke(self, body: bytes, media: MediaType, accept: Accept, headers: Headers = ()) -> Answer:
        """Answer one request: see `Model.invoke`."""
        for step in self._steps:
            step.begin(headers)
        *others, last = self._steps
        data = self._steps[0].read(body, media)
        for step, following in zip(others, self._steps[1:], strict=True):
            data = _handed_over(step, following, step.predict(data))
        return last.write(last.predict(data), accept)

    def invoke_many(self, requests: Sequence[Request]) -> list[Answer | BaseException]:
        """Answer each request by itself."""
        return [outcome_of(self.invoke, *request) for request in requests]


def _handed_over(step: Model, following: Model, prediction: Any) -> Any:
    if not step.writes and not following.reads:
        return prediction
    answer = step.write(prediction, parse_accept(""))
    body = answer.body if isinstance(answer.body, bytes) else b"".join(map(_as_bytes, answer.body))
    return following.read(body, parse_content_type(answer.content_type))


def _as_bytes(part: bytes | str) -> bytes:
    return part.encode() if isinstance(part, str) else part


Served = Model | Chain
"""What a server serves."""


def load(model_dir: Path, code_dir: Path, program: str | None) -> Served:
    """Load what a model directory holds: the steps that ``pipeline.json`` names, or one model.

    Raises
    ------
    StartError
        The file is not as above, or a script or a model cannot be loaded.
    """
    if not (model_dir / _FILE).is_file():
        return load_model(model_dir, load_script(code_dir, program))
    return Chain([_load_step(model_dir / name) for name in _steps(model_dir / _FILE)])


def _steps(path: Path) -> list[str]:
    try:
        declared = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartError(f"{path} is not JSON: {error}") from error
    steps = declared.get("steps") if isinstance(declared, dict) else None
    if not isinstance(steps, list) or not steps or not all(isinstance(name, str) for name in steps):
        raise StartError(f'{path} must name the steps\' folders in order, such as {{"steps": ["scale", "predict"]}}.')
    for name in steps:
        if not (path.parent / name).is_dir() or Path(name).name != name:
            raise StartError(f"{path} names the step {name!r}, but {path.parent} has no folder of that name.")
    return steps


def _load_step(folder: Path) -> Model:
    with own_modules(folder):
        script = load_script(folder / "code", None)
        if script.transform_fn is not None:
            raise StartError(f"{folder} defines transform_fn, which leaves nothing to hand over: define predict_fn.")
        return load_model(folder, script)
