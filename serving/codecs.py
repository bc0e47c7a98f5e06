"""The formats that a script need not handle itself: rows of numbers in, predictions out.

They stand in for an input_fn or an output_fn that the script does not define. All rows are float64; anything
which is not a number is refused by a sentence, never turned into one.
"""

import importlib
import io
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.errors import BadRequestError, NotAcceptableError, UnsupportedMediaTypeError
from serving.media import CSV, IMAGES, JSON, JSON_LINES, NPY, MediaType

Rows = NDArray[np.float64]

# Polars starts in 0.6 ms, then reads four times as fast as NumPy.
_CHARACTERS_WORTH_POLARS = 200_000
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
        Its type: JSON, JSON lines, CSV, npy, or an image. The first line of a CSV body is a header if
        ``header=present`` says so, or if none of its cells is a number and ``header=absent`` does not deny it.

    Returns
    -------
    ndarray of shape (n_samples, ...), float64
        At least two dimensions and one row. Of an image, uint8 of shape (1, height, width, 3), RGB.

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
    if rows.size == 0:
        raise BadRequestError("The body holds no rows.")
    return rows


def encode(prediction: Any, accepts: Iterable[str]) -> tuple[bytes, str]:
    """Write a prediction in the best acceptable format.

    Parameters
    ----------
    prediction : array_like
        One entry, or one row, for each sample.
    accepts : iterable of str
        Media types, best first.

    Returns
    -------
    tuple of (bytes, str)
        The body and its media type: JSON as ``{"predictions": [...]}`` (NaN and infinities, which JSON lacks,
        as null), JSON lines and CSV with one line for each sample at full precision, or npy.

    Raises
    ------
    NotAcceptableError
        None of `accepts` is among these.
    """
    accepts = tuple(accepts)
    for accept in accepts:
        if encoder := _ENCODERS.get(accept):
            return encoder(np.asarray(prediction)), accept
    wanted = ", ".join(accepts) or "nothing"
    raise NotAcceptableError(f"The answer cannot be written as {wanted}: accept {_names(_ENCODERS)}.")


def _decode_json(body: bytes, media: MediaType) -> Rows:
    return _as_rows(_load_json(_text(body, media), "The body"))


def _decode_json_lines(body: bytes, media: MediaType) -> Rows:
    lines = _text(body, media).splitlines()
    rows = [_only_member(_load_json(line, f"Line {number}")) for number, line in enumerate(lines, 1) if line.strip()]
    return _as_rows(rows)


def _decode_csv(body: bytes, media: MediaType) -> Rows:
    text = _text(body, media).lstrip("\r\n")
    first = text[: text.find("\n") + 1] or text
    if media.has_header or (media.has_header is None and _is_header(first)):
        text = text[len(first) :]
    rows = _read_large_csv(text) if len(text) > _CHARACTERS_WORTH_POLARS else None
    return _read_csv(text) if rows is None else rows


def _is_header(line: str) -> bool:
    for cell in line.split(","):
        try:
            float(cell)
        except ValueError:
            continue
        return False
    return bool(line.strip())


def _read_large_csv(text: str) -> Rows | None:
    """Return the rows in a quarter of NumPy's time; None without Polars, or if some cell is not a number."""
    try:
        polars = importlib.import_module("polars")
    except ImportError:
        return None
    columns = {str(column): polars.Float64 for column in range(text[: text.find("\n") + 1].count(",") + 1)}
    try:
        frame = polars.read_csv(text.encode(), has_header=False, schema=columns)
    except polars.exceptions.PolarsError:
        return None
    # An empty cell is null there, which would become NaN.
    return None if any(column.null_count() for column in frame) else frame.to_numpy()


def _read_csv(text: str) -> Rows:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return np.empty((0, 0))
    try:
        return np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        sentence = str(error).partition(";")[0].rstrip(".")
        raise BadRequestError(f"The CSV body is not rows of numbers: {sentence}.") from None


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


def _encode_json(prediction: NDArray[Any]) -> bytes:
    return orjson.dumps({"predictions": prediction.tolist()})


def _encode_json_lines(prediction: NDArray[Any]) -> bytes:
    return b"".join(orjson.dumps(sample) + b"\n" for sample in np.atleast_1d(prediction).tolist())


def _encode_csv(prediction: NDArray[Any]) -> bytes:
    samples = np.atleast_1d(prediction)
    lines = (",".join(map(str, row)) for row in samples.reshape(len(samples), -1).tolist())
    return "".join(f"{line}\n" for line in lines).encode()


def _encode_npy(prediction: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, prediction, allow_pickle=False)
    return buffer.getvalue()


def _names(formats: Iterable[str]) -> str:
    *others, last = formats
    return f"{', '.join(others)} or {last}"


_DECODERS: dict[str, Callable[[bytes, MediaType], Rows]] = {
    JSON: _decode_json,
    JSON_LINES: _decode_json_lines,
    CSV: _decode_csv,
    NPY: _decode_npy,
    **dict.fromkeys(IMAGES, _decode_image),
}
_ENCODERS: dict[str, Callable[[NDArray[Any]], bytes]] = {
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
    CSV: _encode_csv,
    NPY: _encode_npy,
}
