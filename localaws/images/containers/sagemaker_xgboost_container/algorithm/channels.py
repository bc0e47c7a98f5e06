"""The channels of a job: `train`, and if there is one `validation`; `code` is for scripts.

Source: "Input/Output interface for the XGBoost algorithm" in the SageMaker guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ClientError

CSV, LIBSVM, PARQUET, RECORDIO = "csv", "libsvm", "parquet", "recordio-protobuf"
_CONTENT_TYPES = {
    CSV: CSV,
    "text/csv": CSV,
    LIBSVM: LIBSVM,
    "text/libsvm": LIBSVM,
    "text/x-libsvm": LIBSVM,
    PARQUET: PARQUET,
    "application/x-parquet": PARQUET,
    RECORDIO: RECORDIO,
    "application/x-recordio-protobuf": RECORDIO,
}
_CHANNELS = ("train", "validation", "code")
_DEPTH = 3


def data_format(channels: Mapping[str, Any]) -> str:
    """Return the format of a job's data: LIBSVM, if no content type says otherwise.

    Parameters
    ----------
    channels : mapping
        The job's ``inputdataconfig.json``.

    Raises
    ------
    ClientError
        A channel is missing or unknown, its content type or mode is not supported, or the two differ in it.
    """
    if "train" not in channels:
        raise ClientError(f"Missing required channel: train; there is {', '.join(channels) or 'none'}")
    for name in channels:
        if name not in _CHANNELS:
            raise ClientError(f"Extraneous channel found: {name}; the channels are {', '.join(_CHANNELS)}")
    formats = {name: _format(name, channels[name]) for name in ("train", "validation") if name in channels}
    if len(set(formats.values())) > 1:
        told = ", ".join(f"{name} {channel_format}" for name, channel_format in formats.items())
        raise ClientError(f"The channels must have the same ContentType; they have: {told}")
    return formats["train"]


def _format(name: str, channel: Mapping[str, Any]) -> str:
    if channel.get("TrainingInputMode") == "Pipe":
        raise ClientError(f"Channel {name}: the input mode Pipe is not supported: use File or FastFile")
    told = channel.get("ContentType") or LIBSVM
    media_type, *parameters = [part.strip() for part in told.lower().split(";")]
    if media_type not in _CONTENT_TYPES:
        raise ClientError(f"Channel {name}: {told} is not an accepted ContentType: {', '.join(_CONTENT_TYPES)}")
    label_size = dict(part.partition("=")[::2] for part in parameters).get("label_size", "1")
    if _CONTENT_TYPES[media_type] == CSV and label_size != "1":
        raise ClientError(f"Channel {name}: {told} is not an accepted ContentType: label_size must be 1")
    return _CONTENT_TYPES[media_type]


def files_of(folder: Path) -> list[Path]:
    """Return a channel's files in their order; folders are followed to the third level, as in AWS's image.

    Raises
    ------
    ClientError
        One is hidden.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in found:
        if path.name.startswith("."):
            raise ClientError(f"Hidden file found in the data path: {path}. Remove it before training")
    near = [path for path in found if len(path.relative_to(folder).parts) <= _DEPTH]
    if len(near) < len(found):
        print(f"WARNING: {len(found) - len(near)} files in {folder} are more than {_DEPTH} folders deep: not read")
    return [path for path in near if not path.name.startswith("_") and path.stat().st_size]
