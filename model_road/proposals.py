"""The commands that a message proposes, so that they do what it says in the shell in which they are printed.

Messages name a command and its own arguments in backquotes: `deploy-model list`. Whoever prints one completes it: with
the options by which the user has said which project and which AWS is meant, and with the path of the program where the
shell does not find it by its name.
"""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

_ANYWHERE = ("--region", "--local", "--role-arn")
# The options that say what is meant, by the program that takes them; None takes all.
_TAKEN: Mapping[str, Collection[str] | None] = {
    "deploy-model": None,
    "check-project": (*_ANYWHERE, "--project-name"),
    "run-pipeline": _ANYWHERE,
    "get-pipeline-definition": _ANYWHERE,
    "local-aws": ("--state-dir",),
}
# By itself it is no command.
_WITH_COMMAND = ("deploy-model", "local-aws")
_COMMAND = re.compile(rf"`({'|'.join(_TAKEN)})((?: [^`]*)?)`")


def program(name: str) -> str:
    """Return what starts one of this project's programs in the user's shell: its name, or its path.

    In tox's environments the name is found by the commands that tox runs, and not by the shell that has started tox.
    """
    here = Path(sys.executable).parent
    found = shutil.which(name)
    if not (here / name).exists() or (found and Path(found).parent == here and "TOX_ENV_DIR" not in os.environ):
        return name
    path = here / name
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


def completed(text: str, options: str = "") -> str:
    """Return a text with the proposed commands in it completed.

    Parameters
    ----------
    text : str
    options : str
        Those of the user's own command, such as ``--project-name other --local``; a command gets those that it takes
        and does not have.
    """

    def complete(found: re.Match[str]) -> str:
        name, arguments = found[1], found[2]
        if name in _WITH_COMMAND and not arguments:
            return found[0]
        return f"`{command(name, arguments.strip(), options)}`"

    return _COMMAND.sub(complete, text)


def command(name: str, arguments: str, options: str = "") -> str:
    """Return a command with those of the options that it takes and does not have."""
    taken = _TAKEN[name]
    words = arguments.split()
    more = [
        group
        for group in _groups(options)
        if group.split()[0] not in words and (taken is None or group.split()[0] in taken)
    ]
    return " ".join(filter(None, [program(name), arguments, *more]))


def _groups(options: str) -> list[str]:
    """Split options into one text for each, its value included, quoted as it was."""
    return re.findall(r"--\S+(?: (?!--)\S+)*", options)
