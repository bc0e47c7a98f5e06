"""S3: lists of buckets that hold many objects."""

import heapq
import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from localaws.ministack.private import private


def list_by_pages() -> None:
    """Find a page of a list without sorting all keys of the bucket for it.

    Hook ``ministack.services.s3._collect_list_entries``, whose answer is a page's keys and common prefixes, whether
    there are more, and the last of them.
    """
    s3: Any = importlib.import_module("ministack.services.s3")
    private(s3.__name__, "_collect_list_entries")
    s3._collect_list_entries = page


def page(
    keys: Iterable[str], prefix: str, delimiter: str, most: int, after: str
) -> tuple[list[str], list[str], bool, str]:
    """Return the keys and the common prefixes of a page, whether there are more, and the last one.

    Parameters
    ----------
    keys : iterable of str
    prefix, delimiter : str
    most : int
        How many of both the page has.
    after : str
        The last one of the page before.
    """
    rows = _rows(keys, prefix, delimiter, after)
    found = heapq.nsmallest(most + 1, set(rows) if delimiter else rows)
    listed = found[:most]
    contents = [value for value, is_prefix in listed if not is_prefix]
    prefixes = [value for value, is_prefix in listed if is_prefix]
    return contents, prefixes, len(found) > most, listed[-1][0] if listed else ""


def _rows(keys: Iterable[str], prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, bool]]:
    for key in keys:
        if not key.startswith(prefix):
            continue
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        value = key if end < 0 else key[: end + len(delimiter)]
        if value > after:
            yield value, end >= 0
