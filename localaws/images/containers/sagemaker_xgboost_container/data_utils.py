"""What scripts of AWS's examples import to read a channel: ``get_dmatrix``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .algorithm import channels, data, xgboost_module
from .algorithm.errors import ClientError


def get_dmatrix(data_path: str, content_type: str, csv_weights: int = 0, is_pipe: bool = False) -> Any:
    """Return a channel's data as a DMatrix; None if there are none.

    Parameters
    ----------
    data_path : str
        The channel's folder, such as ``/opt/ml/input/data/train``.
    content_type : str
        ``csv``, ``libsvm``, ``parquet``, ``recordio-protobuf`` or their media types.
    csv_weights : int, default=0
        1 if the second column of CSV is the weight of each row.
    is_pipe : bool, default=False
        Pipe mode is refused.

    Raises
    ------
    ClientError
        A file is not in the format.
    """
    if is_pipe:
        raise ClientError("The input mode Pipe is not supported: use File or FastFile")
    if not Path(data_path).exists():
        return None
    data_format = channels.data_format({"train": {"ContentType": content_type}})
    found = data.read(Path(data_path), data_format, csv_weights=csv_weights == 1)
    return None if found is None else data.matrix(xgboost_module.load(), found)
