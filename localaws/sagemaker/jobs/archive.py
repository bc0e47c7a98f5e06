"""model.tar.gz and output.tar.gz: packed as SageMaker does, unpacked without leaving the folder."""

import tarfile
from pathlib import Path

from localaws.containers.errors import JobFailure
from localaws.storage.archive import ArchiveError, unpack_tar_gz


def pack(folder: Path, archive: Path) -> None:
    """Pack the contents of a folder, without the folder itself; with fast compression, since it stays on this host."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)


def unpack(archive: Path, folder: Path, source: str) -> None:
    """Unpack a model archive into a folder, which is absent or empty.

    Parameters
    ----------
    archive, folder : Path
    source : str
        Where the archive comes from, for the message.

    Raises
    ------
    JobFailure
        If it is not such an archive, or contains something that is refused, with SageMaker's sentence.
    """
    try:
        unpack_tar_gz(archive, folder)
    except ArchiveError as error:
        raise JobFailure(
            f'ClientError: Failed to extract model data archive from URL "{source}". Please ensure that the object'
            f" located at the URL is a valid tar.gz archive: {error}"
        ) from error
