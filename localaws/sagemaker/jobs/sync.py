"""Folders that go to S3 while a job runs: checkpoints, and processing outputs with ``S3UploadMode: Continuous``.

A thread scans the folder and uploads each new or changed file once it is the same in two scans: a half-written
checkpoint is useless. What is left is uploaded at the end. Files that the job deletes stay in S3, as on AWS.
"""

import logging
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from localaws.containers import s3
from localaws.containers.errors import JobFailure

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 0.5
_State = tuple[int, int]


class ContinuousUpload:
    """Uploads a folder until the context is left.

    Parameters
    ----------
    client : S3 client
    folder : Path
    uri : str
        The prefix in S3; relative paths are kept.
    key_id : str, optional
        The KMS key for the uploads.
    """

    def __init__(self, client: s3.Client, folder: Path, uri: str, key_id: str | None = None) -> None:
        self._client, self._folder, self._target, self._key_id = client, folder, s3.Location.of(uri), key_id
        self._uploaded: dict[Path, _State] = _states(folder)  # restored files are in S3 already
        self._seen = dict(self._uploaded)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"upload {uri}", daemon=True)

    def __enter__(self) -> "ContinuousUpload":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        """Upload what is left; raise JobFailure if S3 refuses it, unless the job has failed already."""
        self._over.set()
        self._thread.join()
        try:
            self._upload(_states(self._folder))
        except JobFailure:
            if kind is None:
                raise
            logger.warning("A failed job left files in %s that could not be uploaded", self._folder, exc_info=True)

    def _follow(self) -> None:
        while not self._over.wait(_INTERVAL_SECONDS):
            now = _states(self._folder)
            settled = {path: state for path, state in now.items() if self._seen.get(path) == state}
            self._seen = now
            try:
                self._upload(settled)
            except JobFailure as failure:  # the next scan, or the end, tries again
                logger.warning("%s", failure)

    def _upload(self, states: dict[Path, _State]) -> None:
        for path, state in states.items():
            if self._uploaded.get(path) != state and path.exists():
                target = self._target.below(s3.key_of(path, self._folder))
                s3.upload(self._client, path, target, self._key_id)
                self._uploaded[path] = state


def uploading(client: s3.Client, folders: Iterable[tuple[Path, str]], key_id: str | None = None) -> ExitStack:
    """Upload several folders while the ``with`` block runs, each to its URI."""
    with ExitStack() as stack:
        for folder, uri in folders:
            stack.enter_context(ContinuousUpload(client, folder, uri, key_id))
        return stack.pop_all()


def restore(client: s3.Client, uri: str, folder: Path) -> None:
    """Download everything under a URI into a folder; there may be nothing yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for item in s3.list_objects(client, f"{uri.rstrip('/')}/"):
        s3.download_object(client, item, folder)


def _states(folder: Path) -> dict[Path, _State]:
    """Return when each file was changed last, and its size; links are ignored."""
    states = {}
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                states[path] = (status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            continue  # deleted since
    return states
