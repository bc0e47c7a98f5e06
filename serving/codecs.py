"""The formats that a script need not handle itself: rows of numbers in, predictions out.

They stand in for an input_fn or an output_fn that the script does not define. All rows are float64; anything
which is not a number is refused by a sentence, never turned into one.
"""

import importlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.csv_records import read_csv, write_csv
from serving.errors import BadRequestError, NotAcceptableError, UnsupportedMediaTypeError
from serving.json_values import dumps
from serving.media import CSV, IMAGES, JSON, JSON_LINES, NPY, NPZ, MediaType

Rows = NDArray[np.float64]

_MOST_PIXELS = 50_000_000  # a small file may claim to be a huge image
_EXPECTED = "expected rows of numbers, such as [[0.1, 0.2], [0.3, 0.4]], or an object with that as its only member"


def decode_text(body: bytes, media: MediaType) -> str:
    """Return the body's characters.

    Raises
    ------
    BadRequestError
        The bytes are not of the charset.
    """
    try:
        return body.decode(media.charset)
    except UnicodeError as error:
        raise BadRequestError(f"The body is not {media.charset} text: {error}.") from None


def _text(body: bytes, media: MediaType) -> str:
    """Return the body's characters, without the byte order mark that some programs write first."""
    return decode_text(body, media).removeprefix("\ufeff")


def decode(body: bytes, media: MediaType) -> Rows:
    """Read a request's body into rows.

    Parameters
    ----------
    body : bytes
        The request's body.
    media : MediaType
        Its type: JSON, JSON lines, CSV, npy, npz, or an image. The first record of a CSV body is a header if
        ``header=present`` says so, or if it has text and no number and ``header=absent`` does not deny it.

    Returns
    -------
    ndarray of shape (n_samples, ...), float64
        At least two dimensions and one row. Of npz, a sparse matrix. Of an image, uint8 of shape
        (1, height, width, 3), RGB.

    Raises
    ------
    UnsupportedMediaTypeError
        The type is none of these.
    BadRequestError
        The body is malformed, empty, ragged or not numeric.
    """
    decoder = _DECODERS.get(media.name)
    if decoder is None:
        raise UnsupportedMediaTypeError(f"The content type {media.name!r} cannot be read: send {_names(_DECODERS)}.")
    rows = decoder(body, media)
    if 0 in rows.shape:
        raise BadRequestError("The body holds no rows.")
    return rows


def encode(prediction: Any, accepts: Iterable[str]) -> tuple[bytes, str]:
    """Write a prediction in the best acceptable format.

    Parameters
    ----------
    prediction : array_like, dict or list
        One entry, or one row, for each sample; in JSON also an object with members.
    accepts : iterable of str
        Media types, best first.

    Returns
    -------
    tuple of (bytes, str)
        The body and its media type: JSON as ``{"predictions": [...]}`` (see `serving.json_values`), JSON lines and
        CSV with one line for each sample at full precision, or npy.

    Raises
    ------
    NotAcceptableError
        None of `accepts` is among these, or the prediction has no form in the one that is.
    """
    accepts = tuple(accepts)
    for accept in accepts:
        if encoder := _ENCODERS.get(accept):
            return encoder(prediction), accept
    wanted = ", ".join(accepts) or "nothing"
    raise NotAcceptableError(f"The answer cannot be written as {wanted}: accept {_names(_ENCODERS)}.")


def _decode_json(body: bytes, media: MediaType) -> Rows:
    return _as_rows(_load_json(_text(body, media), "The body"))


def _decode_json_lines(body: bytes, media: MediaType) -> Rows:
    lines = _text(body, media).split("\n")
    rows = [_only_member(_load_json(line, f"Line {number}")) for number, line in enumerate(lines, 1) if line.strip()]
    return _as_rows(rows)


def _decode_csv(body: bytes, media: MediaType) -> Rows:
    return read_csv(_text(body, media), media.has_header)


def _decode_image(body: bytes, media: MediaType) -> Any:
    try:
        image_module: Any = importlib.import_module("PIL.Image")
    except ImportError:
        raise UnsupportedMediaTypeError(f"To read {media.name}, the server needs the package Pillow.") from None
    image_module.MAX_IMAGE_PIXELS = None  # Pillow would only warn; the limit is below
    try:
        with image_module.open(io.BytesIO(body)) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                raise BadRequestError(f"The image has {width} x {height} pixels: send {_MOST_PIXELS} at most.")
            return np.asarray(image.convert("RGB"))[np.newaxis]
    except (OSError, ValueError, SyntaxError, ArithmeticError, struct.error) as error:
        raise BadRequestError(f"The body is not a {media.name} that can be read: {error}") from None


def _decode_npz(body: bytes, media: MediaType) -> Any:
    try:
        sparse: Any = importlib.import_module("scipy.sparse")
    except ImportError:
        raise UnsupportedMediaTypeError(f"To read {media.name}, the server needs the package scipy.") from None
    try:
        return sparse.load_npz(io.BytesIO(body))
    except (ValueError, EOFError, KeyError, OSError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise BadRequestError(f"The body is not a {media.name} matrix: {error}") from None


def _decode_npy(body: bytes, media: MediaType) -> Rows:
    try:
        return _as_rows(np.lib.format.read_array(io.BytesIO(body), allow_pickle=False))
    except (ValueError, EOFError, MemoryError, OverflowError, TypeError) as error:
        raise BadRequestError(f"The body is not a {media.name} array of numbers: {error}") from None


def _load_json(text: str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"{what} is not JSON: {error}.") from None


def _only_member(data: Any) -> Any:
    return next(iter(data.values())) if isinstance(data, dict) and len(data) == 1 else data


def _as_rows(data: Any) -> Rows:
    try:
        rows = np.asarray(_only_member(data))
    except ValueError as error:
        raise BadRequestError(f"The rows are of unequal length: {_EXPECTED}.") from error
    if rows.size and rows.dtype.kind not in "iuf":
        raise BadRequestError(f"The rows hold something else than numbers: {_EXPECTED}.")
    if rows.size and rows.ndim < 2:
        raise BadRequestError(f"The body has {rows.ndim} dimensions: {_EXPECTED}.")
    return rows.astype(np.float64, copy=False)


def _encode_json(prediction: Any) -> bytes:
    listed = _listed(prediction)
    return b'{"predictions":' + dumps(listed, "predictions") + b"}"


def _encode_json_lines(prediction: Any) -> bytes:
    listed = _listed(prediction)
    samples = listed if isinstance(listed, list | tuple) else [listed]
    return b"".join(dumps(sample, f"The prediction in line {n}") + b"\n" for n, sample in enumerate(samples, 1))


def _encode_csv(prediction: Any) -> bytes:
    return write_csv(_array(prediction, CSV))


def _encode_npy(prediction: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, _array(prediction, NPY), allow_pickle=False)
    return buffer.getvalue()


def _listed(prediction: Any) -> Any:
    """Return an array-like as a list; what holds members, or arrays of unequal shapes, as it is."""
    if isinstance(prediction, dict | list | tuple | str):
        return prediction
    return _dense(prediction).tolist()


def _array(prediction: Any, name: str) -> NDArray[Any]:
    try:
        array = _dense(prediction)
    except ValueError as error:
        raise NotAcceptableError(f"The prediction is not an array, as {name} needs it: accept {JSON}.") from error
    members = (dict, list, tuple, set)
    if array.dtype.kind == "O" and any(isinstance(cell, members) for cell in array.ravel().tolist()):
        raise NotAcceptableError(f"The prediction has members, which {name} has no form for: accept {JSON}.")
    return array


def _dense(prediction: Any) -> NDArray[Any]:
    return np.asarray(prediction.toarray() if hasattr(prediction, "toarray") else prediction)


def _names(formats: Iterable[str]) -> str:
    *others, last = formats
    return f"{', '.join(others)} or {last}"


_DECODERS: dict[str, Callable[[bytes, MediaType], Rows]] = {
    JSON: _decode_json,
    JSON_LINES: _decode_json_lines,
    CSV: _decode_csv,
    NPY: _decode_npy,
    NPZ: _decode_npz,
    **dict.fromkeys(IMAGES, _decode_image),
}
_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
    CSV: _encode_csv,
    NPY: _encode_npy,
}
