"""Lambda: zip files of functions and layers, checked when they arrive and unpacked as Lambda does, links included."""

import importlib
import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from localaws.errors import HookMissingError
from localaws.ministack.private import installed_version, private
from localaws.storage.archive import ArchiveError, Limit, check_zip, unpack_zip

# Source: "Lambda quotas", unzipped; the entries that a zip file without 64-bit records lists.
_UNZIPPED = Limit(262_144_000, 65_535)
_REFUSED = "Could not unzip uploaded file. Please check your file, then try to upload again."


class _ZipFile(zipfile.ZipFile):
    """A zip file that is unpacked by `localaws.storage.archive`."""

    def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
        unpack(self, path)


def unpack(archive: zipfile.ZipFile, folder: Any) -> None:
    """Unpack a zip file that MiniStack has opened.

    Raises
    ------
    RuntimeError
        What MiniStack reports of a function that cannot be started.
    """
    try:
        unpack_zip(archive.fp, Path(folder), _UNZIPPED)  # type: ignore[arg-type]
    except ArchiveError as error:
        raise RuntimeError(f"Could not unzip the deployment package: {error}") from error


def unpack_safely() -> None:
    """Refuse zip files that lead out of their folder when they arrive, and make the links in those that do not.

    Hooks ``ministack.services.lambda_svc``: ``_reject_unreadable_zip`` sees each zip file of a function or a layer
    first, ``_extract_zip_preserving_mode`` unpacks for programs of one invocation; and in
    ``ministack.core.lambda_runtime`` the module's ``zipfile``, of which a worker that stays uses ``ZipFile.extractall``
    and two exceptions. `zipfile` would write a link as a text file, and drop the permission to run a program.
    """
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    reject = private(functions.__name__, "_reject_unreadable_zip")
    answer = private(functions.__name__, "error_response_json")
    private(functions.__name__, "_extract_zip_preserving_mode")
    if private(runtime.__name__, "zipfile") is not zipfile:
        raise HookMissingError(f"MiniStack {installed_version()}: {runtime.__name__} unpacks with another zipfile")

    def reject_named(zip_data: bytes | None) -> Any:
        refused = reject(zip_data)
        if refused is not None or not zip_data:
            return refused
        try:
            check_zip(io.BytesIO(zip_data), Limit(None, _UNZIPPED.entries))
        except ArchiveError as error:
            return answer("InvalidParameterValueException", f"{_REFUSED} ({error})", 400)
        return None

    functions._reject_unreadable_zip = reject_named
    functions._extract_zip_preserving_mode = unpack
    runtime.zipfile = SimpleNamespace(
        ZipFile=_ZipFile, BadZipFile=zipfile.BadZipFile, LargeFileError=getattr(zipfile, "LargeZipFile", OSError)
    )
