"""A service's state as entries, one for each resource: what a save compares and writes.

A state is a mapping of stores, most of them mappings of an account, often a region, and a name to a resource. Each
resource is an entry then; a store of another kind is one as a whole.
"""

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

# What orjson would write in a way of its own, and a reader take for a string.
_AS_JSON_DOES = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_MARKS = (b'"__bytes__"', b'"__scoped__"', b'"__account_region_scoped__"')
WHOLE = b""
"""The place of a store: its one entry, or the note that there is one."""

Key = tuple[Any, ...]


class Entry(NamedTuple):
    """A resource in a store.

    Attributes
    ----------
    store : str
    kind : str
        Which kind of mapping the store is; empty when it is an entry as a whole.
    place : bytes
        Where the resource is in it.
    value : bytes
        JSON.
    """

    store: str
    kind: str
    place: bytes
    value: bytes


@dataclass(frozen=True)
class Scoped:
    """A kind of mapping whose keys say whose a resource is, such as ``(account, region, name)``.

    Attributes
    ----------
    kind : str
    type_ : type
        Its instances have their keys and values in ``_data``.
    depth : int
        How many parts of a key come before the name.
    """

    kind: str
    type_: Callable[[], Any]
    depth: int


class Codec:
    """Takes states apart, and puts them together.

    Parameters
    ----------
    kinds : sequence of Scoped
    default : callable
        Encodes what JSON has no type for.
    object_hook : callable
        Decodes it.
    """

    def __init__(
        self, kinds: tuple[Scoped, ...], default: Callable[[Any], Any], object_hook: Callable[[Any], Any]
    ) -> None:
        self._kinds = kinds
        self._default, self._object_hook = default, object_hook

    def entries(self, state: Mapping[str, Any]) -> Iterator[Entry]:
        """Take a state apart.

        Raises
        ------
        TypeError
            Something in it cannot be written as JSON.
        """
        for store, content in state.items():
            kind = next((each.kind for each in self._kinds if type(content) is each.type_), "")
            if not kind:
                yield Entry(store, "", WHOLE, self._encode(content))
                continue
            yield Entry(store, kind, WHOLE, b"")
            for key, value in content._data.items():
                yield Entry(store, kind, _place(key), self._encode(value))

    def state(self, entries: Iterator[Entry]) -> dict[str, Any]:
        """Put a state together."""
        kinds = {each.kind: each for each in self._kinds}
        stores: dict[str, Any] = {}
        for entry in entries:
            if not entry.kind:
                stores[entry.store] = self._decode(entry.value)
                continue
            kind = kinds[entry.kind]
            store = stores.setdefault(entry.store, kind.type_())
            if entry.place != WHOLE:
                store._data[_key(entry.place, kind.depth)] = self._decode(entry.value)
        return stores

    def _encode(self, value: Any) -> bytes:
        try:
            return orjson.dumps(value, option=_AS_JSON_DOES)
        except TypeError:
            return json.dumps(value, default=self._default).encode()

    def _decode(self, value: bytes) -> Any:
        if any(mark in value for mark in _MARKS):
            return json.loads(value, object_hook=self._object_hook)
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:  # what only Python's JSON has, such as NaN
            return json.loads(value)


def _place(key: Key) -> bytes:
    *scope, name = key
    last = f"s{name}" if type(name) is str else f"r{name!r}"
    return "\0".join((*scope, last)).encode("utf-8", "surrogatepass")


def _key(place: bytes, depth: int) -> Key:
    *scope, last = place.decode("utf-8", "surrogatepass").split("\0", depth)
    return (*scope, last[1:] if last[0] == "s" else ast.literal_eval(last[1:]))
