"""Where links lead in a folder that nothing else has made links in. Pure: nothing on the disk is looked at.

`os.path.realpath` will not do: it stops looking where a path is longer than the system allows (CVE-2025-4517).
"""

from collections.abc import Mapping

Parts = tuple[str, ...]
# As Linux counts them, path_resolution(7); a loop leads nowhere, and is refused like a way out.
_MOST = 40


def stays_inside(links: Mapping[Parts, str], link: Parts) -> bool:
    """Return whether a link leads to a place in the folder, through whichever of the others.

    Parameters
    ----------
    links : mapping of tuple of str to str
        What each link says, by its path in the folder.
    link : tuple of str
        The path of one of them.
    """
    place: list[str] = list(link[:-1])
    if links[link].startswith("/"):
        return False
    waiting = _reversed(links[link])
    followed = 1
    while waiting:
        name = waiting.pop()
        if name == "..":
            if not place:
                return False
            place.pop()
            continue
        place.append(name)
        target = links.get(tuple(place))
        if target is None:
            continue
        followed += 1
        if target.startswith("/") or followed > _MOST:
            return False
        place.pop()
        waiting += _reversed(target)
    return True


def _reversed(target: str) -> list[str]:
    return [part for part in reversed(target.split("/")) if part not in ("", ".")]
