"""What a model server of another kind takes for a script of the image: the functions of SageMaker's contract.

Without a script the module itself is one; what a script does not define is in `DEFAULTS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import script_functions
from .inference import boosters, invocation

DEFAULTS = {name: getattr(script_functions, name) for name in ("model_fn", "input_fn", "predict_fn", "output_fn")}


def model_fn(model_dir: str) -> boosters.Boosters:
    """Return the models in a folder."""
    return boosters.load(Path(model_dir))


def transform_fn(model: boosters.Boosters, body: str | bytes, _: str, __: str, context: Any) -> tuple[str, str]:
    """Answer a request by its own headers: the contract's arguments hide one that was not sent."""
    content_type, accept = (context.get_request_header(0, name) or "" for name in ("Content-Type", "Accept"))
    reply = invocation.answer(model, body.encode() if isinstance(body, str) else body, content_type, accept)
    context.set_response_status(reply.status)
    return reply.body, reply.content_type
