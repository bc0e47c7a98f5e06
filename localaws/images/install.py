"""Makes the environment of an image.

1. Alone: a lock for each image, held until the end, so that of two at once the second finds the work done.
2. Beside: a folder with a name of its own, at the place where it stays, since an environment knows its own path. What a
   kill -9 left of an earlier attempt is deleted first.
3. uv makes the environment and installs the pinned requirements into it, all of them and nothing else; what AWS's
   Dockerfile edits is edited; the package that PyPI does not have, and the programs `train` and `serve`, are written.
4. Everything that the image's server and training need is imported once: an environment that cannot is not kept.
5. A link to it takes the place of the earlier one in one step, and the earlier environment is deleted.

When it does not work with the image's own Python, the next is tried (`interpreter`), and the record says so.
"""

import fcntl
import json
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localaws.errors import ImageError
from localaws.images.definition import SCRIPT_SERVER, Definition
from localaws.images.environment import RECORD, Environment, find
from localaws.images.interpreter import Interpreter, candidates
from localaws.images.uv import run_uv

Say = Callable[[str], None]

# A script whose interpreter has a long path, or one with spaces: sh runs the second line, Python reads a string.
_PROGRAM = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from {module} import {function}

sys.exit({function}())
"""


def install(definition: Definition, folder: Path, say: Say) -> Environment:
    """Return the environment of an image, made now unless it is there already.

    Parameters
    ----------
    definition : Definition
    folder : Path
        That of all images; it is created.
    say : callable
        Called with each line of progress.

    Raises
    ------
    ImageError
        It cannot be made: there is no network, or no Python that its packages install on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(definition, folder, say):
        there = find(definition, folder)
        if there is not None and there.is_current:
            return there
        _delete_all(definition, folder, but=there)
        made = _make(definition, folder, say)
        _put_in_place(made, folder)
        _delete_all(definition, folder, but=made)
        return made


def remove(definition: Definition, folder: Path, say: Say) -> bool:
    """Delete the environment of an image; return whether there was one."""
    if not folder.is_dir():
        return False
    with _alone(definition, folder, say):
        there = (folder / definition.folder_name).is_symlink()
        (folder / definition.folder_name).unlink(missing_ok=True)
        _delete_all(definition, folder, but=None)
        return there


@contextmanager
def _alone(definition: Definition, folder: Path, say: Say) -> Iterator[None]:
    with (folder / f"{definition.folder_name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{definition.name}: another process is making or removing it; waiting for that")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _delete_all(definition: Definition, folder: Path, but: Environment | None) -> None:
    for path in folder.glob(f"{definition.folder_name}@*"):
        if but is None or path.resolve() != but.folder:
            shutil.rmtree(path, ignore_errors=True)


def _put_in_place(made: Environment, folder: Path) -> None:
    link = folder / f"{made.folder.name}.link"
    link.symlink_to(made.folder.name)
    link.replace(folder / made.definition.folder_name)


def _make(definition: Definition, folder: Path, say: Say) -> Environment:
    failures: list[str] = []
    for interpreter in candidates(definition.python):
        say(f"{definition.name}: Python {interpreter.version} ({interpreter.request})")
        place = (folder / f"{definition.folder_name}@{secrets.token_hex(4)}").resolve()
        try:
            return _make_with(interpreter, definition, place, say)
        except ImageError as error:
            shutil.rmtree(place, ignore_errors=True)
            failures.append(f"with Python {interpreter.version}: {error}")
            say(f"{definition.name}: not with Python {interpreter.version}: {_gist(str(error))}")
    raise ImageError(f"{definition.name} cannot be installed.\n" + "\n".join(failures))


def _gist(said: str) -> str:
    """Return the line that is the error, among warnings and hints."""
    lines = [line.strip() for line in said.splitlines()]
    return next((line for line in lines if line.startswith("error:")), lines[-1])


def _make_with(interpreter: Interpreter, definition: Definition, place: Path, say: Say) -> Environment:
    run_uv(["venv", "--no-project", "--python", interpreter.request, str(place)])
    python = place / "bin" / "python"
    version = _said(python, "import platform; print(platform.python_version())")
    made = Environment(definition, place, version, definition.digest)
    say(f"{definition.name}: installing {len(definition.pins)} packages")
    run_uv(["pip", "install", "--python", str(python), "--no-deps", "--requirement", str(definition.requirements_path)])
    _edit(made)
    _add_container(made)
    say(f"{definition.name}: trying it")
    _said(python, f"import {', '.join([*definition.framework.imports, definition.framework.container])}")
    # Last: without it, the folder is one that was left behind.
    record = {"name": definition.name, "python": version, "digest": made.digest}
    (place / RECORD).write_text(json.dumps(record, indent=2))
    return made


def _said(python: Path, code: str) -> str:
    """Run a line of Python in an environment; return what it printed."""
    done = subprocess.run(
        [str(python), "-I", "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ImageError(f"what was installed does not work:\n{done.stderr.strip()}")
    return done.stdout.strip()


def _edit(made: Environment) -> None:
    for name, (text, replacement) in made.definition.edits.items():
        path = made.site_packages / name
        content = path.read_text()
        with suppress(OSError):
            path.unlink()  # uv links files into its cache, which the edit must not reach
        path.write_text(content.replace(text, replacement))


def _add_container(made: Environment) -> None:
    container = made.definition.framework.container
    for path in made.definition.container_files:
        above = path.parent if path == SCRIPT_SERVER else made.definition.container_path.parent
        target = made.site_packages / path.relative_to(above)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    # Two of the toolkits bring programs of these names along, and those of AWS's image are these.
    _write_program(made, "train", made.definition.framework.train, "main")
    _write_program(made, "serve", f"{container}.serving", "serving_entrypoint")


def _write_program(made: Environment, name: str, module: str, function: str) -> None:
    path = made.folder / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(_PROGRAM.format(python=made.python, module=module, function=function))
    path.chmod(0o755)
