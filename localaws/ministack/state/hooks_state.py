"""MiniStack's services: what of them is saved, and what they find when MiniStack starts.

MiniStack writes each service's state as a whole, as one JSON file, when it is stopped. An earlier local AWS left such
files: a service that has no entries in the state file yet finds its JSON file, which goes when the entries are saved.
"""

import copy
import gc
import importlib
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localaws.ministack.private import private
from localaws.ministack.state.entries import Codec, Scoped
from localaws.ministack.state.snapshot import fork_and_write, wait_for
from localaws.ministack.state.state_file import Save, StateFile

logger = logging.getLogger(__name__)

States = Mapping[str, Callable[[], dict[str, Any] | None]]


def codec() -> Codec:
    """Return what takes MiniStack's states apart.

    Hooks ``ministack.core.responses.AccountScopedDict`` and ``AccountRegionScopedDict``, in which resources are kept by
    whose they are, and ``ministack.core.persistence._json_default`` and ``_json_object_hook``, for what is in them.
    """
    module = "ministack.core.responses"
    kinds = (
        Scoped("account", private(module, "AccountScopedDict"), 1),
        Scoped("region", private(module, "AccountRegionScopedDict"), 2),
    )
    module = "ministack.core.persistence"
    return Codec(kinds, private(module, "_json_default"), private(module, "_json_object_hook"))


class ServiceStates:
    """Reads and writes the state of every service.

    Parameters
    ----------
    file : StateFile
    """

    def __init__(self, file: StateFile) -> None:
        self._file, self._codec = file, codec()
        self._unreadable: set[str] = set()

    def install(self) -> None:
        """Have MiniStack find its state here when it starts, and save it here when it stops.

        Hooks ``ministack.app._load_persisted_state`` and ``save_all``; ``_state_map`` says which module has a service's
        state and ``_get_module`` imports it; ``ministack.core.persistence.load_state`` reads a JSON file.
        """
        app: Any = importlib.import_module("ministack.app")
        for name in ("_load_persisted_state", "save_all"):
            private(app.__name__, name)
        app._load_persisted_state = self._load
        app.save_all = lambda _states: wait_for(fork_and_write(self.write))

    def write(self) -> None:
        """Save what has changed, in a process of its own: it leaves the services' objects in a state of no use.

        Hooks ``ministack.app._build_persistence_save_dict``, which has a function for each service in use that returns
        its state, a deep copy, which a process that only reads does not need.
        """
        gc.disable()
        copy.deepcopy = _same  # type: ignore[assignment]
        states: States = private("ministack.app", "_build_persistence_save_dict")()
        prune, saved = _pruning_later(), []
        with self._file.save() as save:
            for service, state in states.items():
                if service not in self._unreadable and self._replace(save, service, state):
                    saved.append(service)
        prune()
        for service in saved:
            _json_file(service).unlink(missing_ok=True)

    def _replace(self, save: Save, service: str, state: Callable[[], dict[str, Any] | None]) -> bool:
        """Say whether a service's entries are saved; its rows stay when it has none, or some that cannot be."""
        try:
            if (found := state()) is not None:
                save.replace(service, self._codec.entries(found))
                return True
        except sqlite3.Error:
            raise
        except Exception:
            logger.exception("The state of %s cannot be saved; what was saved of it before is kept", service)
        return False

    def _load(self) -> None:
        modules: Mapping[str, str] = private("ministack.app", "_state_map")
        module_of = private("ministack.app", "_get_module")
        for service, module in modules.items():
            if not (state := self._saved(service)):
                continue
            try:
                module_of(module).load_persisted_state(state)
            except Exception:
                # Its entries are kept: what is done now to what MiniStack could not read is not saved.
                self._unreadable.add(service)
                logger.exception("The saved state of %s could not be loaded, and is left as it is", service)

    def _saved(self, service: str) -> dict[str, Any] | None:
        state = self._codec.state(self._file.read(service))
        if state or not _json_file(service).exists():
            return state
        former: dict[str, Any] | None = private("ministack.core.persistence", "load_state")(service)
        if former is None:  # it said why
            self._unreadable.add(service)
        return former


def _same(value: Any, _memo: object = None) -> Any:
    return value


def _pruning_later() -> Callable[[], None]:
    """Have the code of deleted functions deleted by the function returned: until the save is done, they may come back.

    Hook ``ministack.services.lambda_svc._prune_orphan_code_blobs``, which is called when the state is asked for.
    """
    module: Any = sys.modules.get("ministack.services.lambda_svc")
    if module is None:
        return lambda: None
    prune, wanted = private(module.__name__, "_prune_orphan_code_blobs"), list[set[str]]()
    module._prune_orphan_code_blobs = wanted.append

    def prune_all() -> None:
        for referenced in wanted:
            prune(referenced)

    return prune_all


def _json_file(service: str) -> Path:
    """Return where MiniStack itself keeps a service's state. Hooks ``ministack.core.persistence.STATE_DIR``."""
    return Path(os.fspath(private("ministack.core.persistence", "STATE_DIR"))) / f"{service}.json"
