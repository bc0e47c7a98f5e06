"""model.tar.gz and output.tar.gz: packed as SageMaker does, unpacked without leaving the folder."""

import tarfile
from pathlib import Path

from localaws.containers.errors import JobFailure


def pack(folder: Path, archive: Path) -> None:
    """Pack the contents of a folder, without the folder itself; with fast compression, since it stays on this host."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive's files and folders.

    Links and devices are refused, and so are names that lead out of the folder: an archive may come from anywhere.
    (Python's own filter does this, too, from 3.11.4 on; Debian 12 has 3.11.2.)

    Raises
    ------
    JobFailure
        If it is not such an archive, or contains something that is refused.
    """
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extraction_filter = tarfile.data_filter
            for member in tar:
                inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
                if not inside or not (member.isfile() or member.isdir()):
                    raise JobFailure(f"ClientError: {archive.name} contains '{member.name}', which cannot be unpacked")
                member.uid = member.gid = 0
                member.mode |= 0o600 if member.isfile() else 0o700
                tar.extract(member, folder, set_attrs=member.isfile())
    except (tarfile.TarError, OSError, EOFError) as error:
        raise JobFailure(f"ClientError: Cannot unpack {archive.name}: {error}") from error
