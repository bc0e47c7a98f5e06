"""Many models in one server: SageMaker's multi-model contract, with SAGEMAKER_MULTI_MODEL=true.

| request | does | answers |
|---|---|---|
| POST /models ``{"model_name": ..., "url": FOLDER}`` | loads the model in the folder | 200; 404, 409, 507 |
| GET /models | lists what is loaded, 100 at a time (``limit``, ``next_page_token``) | 200 |
| GET /models/NAME | describes one | 200; 404 |
| DELETE /models/NAME | unloads it | 200; 404 |
| POST /models/NAME/invoke | invokes it | as /invocations; 404 |

SageMaker downloads and unpacks a model, says where (``url``), and unloads others when this server answers 507. There is
one worker in this mode: what it loads, no other would have.

Source: "Build Your Own Container for SageMaker AI Multi-Model Endpoints" in the SageMaker Developer Guide.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from serving.board import Row
from serving.chain import Served, load
from serving.errors import (
    BadRequestError,
    ConflictError,
    MethodNotAllowedError,
    NotFoundError,
    OutOfMemoryError,
    RequestError,
    StartError,
)
from serving.message import Head, Response
from serving.model import outcome_of
from serving.runner import Runner
from serving.script import own_modules

Done = Callable[[Response | BaseException], None]
"""Gets the response, or what went wrong, in the event loop."""

_PAGE = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Loaded:
    name: str
    url: str
    runner: Runner

    @property
    def description(self) -> dict[str, str]:
        return {"modelName": self.name, "modelUrl": self.url}


class Repository:
    """The models that are loaded.

    Parameters
    ----------
    row : Row
        The worker's numbers.
    noted : Path or None
        Where the names and folders of what is loaded are noted. What a worker that died has noted there is loaded now.
    """

    def __init__(self, row: Row, noted: Path | None = None) -> None:
        self._row, self._noted = row, noted
        self._models: dict[str, _Loaded] = {}
        self._loading: set[str] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load")
        if noted is not None and (text := noted.read_text()):
            self._load_again(json.loads(text))

    def runner(self, path: str) -> Runner | None:
        """Return the runner of the model that ``/models/NAME/invoke`` names; None for another path.

        Raises
        ------
        NotFoundError
            That model is not loaded.
        """
        parts = path.split("/")
        if len(parts) != 4 or parts[3] != "invoke":
            return None
        return self._model(unquote(parts[2])).runner

    def manage(self, head: Head, body: bytes, done: Done) -> None:
        """Carry out a request to /models or /models/NAME."""
        _, _, *names = head.path.split("/")
        if not names and head.method == "POST":
            self._load(body, done)
        elif not names and head.method == "GET":
            done(self._list(head.query))
        elif len(names) == 1 and head.method == "GET":
            done(Response(orjson.dumps(self._model(unquote(names[0])).description)))
        elif len(names) == 1 and head.method == "DELETE":
            del self._models[self._model(unquote(names[0])).name]
            self._note()
            done(Response(b""))
        elif len(names) > 1:
            raise NotFoundError(f"There is no {head.path}.")
        else:
            allow = "GET, DELETE" if names else "GET, POST"
            raise MethodNotAllowedError(f"{head.path} takes {allow}, not {head.method}.", allow=allow)

    def _model(self, name: str) -> _Loaded:
        if name not in self._models:
            raise NotFoundError(f"The model {name!r} is not loaded.")
        return self._models[name]

    def _list(self, query: str) -> Response:
        options = {key: values[0] for key, values in parse_qs(query).items()}
        limit, start = options.get("limit", str(_PAGE)), options.get("next_page_token", "0")
        if not (limit.isdecimal() and start.isdecimal() and int(limit)):
            raise BadRequestError(f"The query {query!r} has a limit or next_page_token that is not a number.")
        end = int(start) + int(limit)
        page: dict[str, Any] = {"models": [model.description for model in self._models.values()][int(start) : end]}
        if end < len(self._models):
            page["nextPageToken"] = str(end)
        return Response(orjson.dumps(page))

    def _load(self, body: bytes, done: Done) -> None:
        name, url = _wanted(body)
        if name in self._models or name in self._loading:
            raise ConflictError(f"The model {name!r} is loaded already.")
        self._loading.add(name)
        loop = asyncio.get_running_loop()

        def work() -> None:
            model = outcome_of(_load, Path(url).resolve())
            loop.call_soon_threadsafe(self._loaded, name, url, model, done)

        self._thread.submit(work)

    def _loaded(self, name: str, url: str, model: Served | BaseException, done: Done) -> None:
        self._loading.discard(name)
        if isinstance(model, BaseException):
            done(_blamed(model, name))
            return
        self._models[name] = _Loaded(name, url, Runner(model, self._row))
        self._note()
        done(Response(orjson.dumps(self._models[name].description)))

    def _load_again(self, urls: Mapping[str, str]) -> None:
        for name, url in urls.items():
            model = outcome_of(_load, Path(url).resolve())
            if isinstance(model, BaseException):
                log.error("the model %r is not loaded again: %s", name, model, exc_info=model)
            else:
                self._models[name] = _Loaded(name, url, Runner(model, self._row))

    def _note(self) -> None:
        if self._noted is None:
            return
        whole = self._noted.with_suffix(".new")
        whole.write_text(json.dumps({model.name: model.url for model in self._models.values()}))
        whole.replace(self._noted)


def _wanted(body: bytes) -> tuple[str, str]:
    try:
        asked = orjson.loads(body)
        name, url = asked["model_name"], asked["url"]
    except (ValueError, KeyError, TypeError):
        raise BadRequestError('The body must be {"model_name": NAME, "url": FOLDER}.') from None
    if not (isinstance(name, str) and name and isinstance(url, str)):
        raise BadRequestError(f"model_name and url must be strings, got {name!r} and {url!r}.")
    if not Path(url).is_dir():
        raise NotFoundError(f"There is no folder {url}.")
    return name, url


def _load(folder: Path) -> Served:
    _check_memory(folder)
    with own_modules(folder):
        return load(folder, folder / "code", None)


def _check_memory(folder: Path) -> None:
    needed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) * 1024
    if needed > available:
        raise OutOfMemoryError(f"The model has {needed} bytes, but only {available} bytes of memory are available.")


def _blamed(error: BaseException, name: str) -> BaseException:
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"There is not enough memory for the model {name!r}.")
    if isinstance(error, StartError):
        refused: RequestError = BadRequestError(f"The model {name!r} cannot be loaded: {error}")
        refused.__cause__ = error
        return refused
    return error
