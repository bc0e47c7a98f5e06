"""What a script is told about a request beside its body, and what it may say about the answer.

Each function of a script may take one more argument, the context, as in AWS's containers for PyTorch and for many
models (``sagemaker_inference/transformer.py``, ``_run_handler_function``). It is multi-model-server's,
``mms/context.py``: the index in its methods is the request's number in a batch there, and of no effect here, where a
context has one request.
"""

import inspect
import uuid
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from serving.errors import StartError

Headers = tuple[tuple[bytes, bytes], ...]

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "pre_model_fn": ("model_dir",),
    "model_fn": ("model_dir",),
    "model_warmup_fn": ("model_dir", "model"),
    "input_fn": ("body", "content_type"),
    "predict_fn": ("data", "model"),
    "output_fn": ("prediction", "accept"),
    "transform_fn": ("model", "body", "content_type", "accept"),
}
"""The functions of a script, with what each is given; after it, the context, where the function takes it."""

_NAMES = ("context", "_context", "ctx")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
# What the server itself says about an answer.
_FRAMING = frozenset({"connection", "content-length", "content-type", "date", "transfer-encoding"})


class Context:
    """One request's context; without a request, while the model is loaded.

    Parameters
    ----------
    model_dir : Path
    headers : sequence of (name, value)
        The request's; names in lower case.

    Attributes
    ----------
    system_properties : dict
        ``model_dir``, ``gpu_id`` (None), ``batch_size`` (1), ``server_name``.
    request_processor : sequence of one Context
        So that what multi-model-server has there is found: ``context.request_processor[0].get_request_properties()``.
    request_ids : dict
        The request's id, by its index.
    status : int
        The answer's status, which `set_response_status` changes.
    response_headers : sequence of (name, value)
        What `set_response_header` added to the answer.
    """

    def __init__(self, model_dir: Path, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.system_properties: dict[str, Any] = {
            "model_dir": str(model_dir),
            "gpu_id": None,
            "batch_size": 1,
            "server_name": "serving",
        }
        self.manifest: dict[str, Any] = {}
        self.model_name = model_dir.name
        self.request_processor = [self]
        self._properties = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        self.request_ids = {0: self._properties.get("x-request-id") or str(uuid.uuid4())}
        self.status = int(HTTPStatus.OK)
        self.response_headers: list[tuple[bytes, bytes]] = []

    def get_request_id(self, idx: int = 0) -> str:  # noqa: ARG002 - multi-model-server's signature, as of those below
        """Return the request's X-Request-Id, or one that the server made."""
        return self.request_ids[0]

    def get_request_properties(self) -> dict[str, str]:
        """Return the request's headers, names in lower case."""
        return dict(self._properties)

    def get_all_request_header(self, idx: int = 0) -> dict[str, str]:  # noqa: ARG002
        """Return the request's headers, names in lower case."""
        return self.get_request_properties()

    def get_request_header(self, idx: int, key: str) -> str | None:  # noqa: ARG002
        """Return a header of the request, such as ``X-Amzn-SageMaker-Custom-Attributes``; None without it."""
        return self._properties.get(key.lower())

    def set_response_header(self, idx: int, key: str, value: str) -> None:  # noqa: ARG002
        """Add a header to the answer.

        Raises
        ------
        ValueError
            It has a line end or is not Latin-1, or it is one that the server decides.
        """
        if key.lower() in _FRAMING or not (key + value).isprintable():
            raise ValueError(f"The header {key!r} of an answer cannot be set to {value!r}.")
        self.response_headers.append((key.lower().encode("latin-1"), value.encode("latin-1")))

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002
        """Decide the answer's status; the phrase is HTTP's own.

        Raises
        ------
        ValueError
            It is not a final status of HTTP.
        """
        self.status = int(HTTPStatus(code))
        if self.status < HTTPStatus.OK:
            raise ValueError(f"{code} is not the status of an answer.")

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Do nothing, as in AWS's containers: the type is the one that output_fn returns, or else Accept."""


def takes_context(name: str, function: Callable[..., Any]) -> bool:
    """Return whether a script's function is to be called with the context after its other arguments.

    It is if it must have one argument more, or calls an optional one ``context``.

    Raises
    ------
    StartError
        It takes too few or too many arguments.
    """
    expected = ARGUMENTS[name]
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin, for example
        return False
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    further = positional[len(expected) :]
    variable = [p for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p for p in parameters if p.default is p.empty and p not in variable]
    open_ended = any(p.kind is p.VAR_POSITIONAL for p in variable)
    by_name = any(p.kind is p.KEYWORD_ONLY for p in needed)
    if by_name or len(needed) > len(expected) + 1 or (len(positional) < len(expected) and not open_ended):
        raise StartError(
            f"{name} takes {', '.join(p.name for p in parameters) or 'nothing'}: "
            f"expected {', '.join(expected)}, and perhaps context."
        )
    return bool(further) and (further[0].default is further[0].empty or further[0].name in _NAMES)
