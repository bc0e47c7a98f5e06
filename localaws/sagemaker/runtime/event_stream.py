"""AWS's event stream encoding: messages of typed headers and a payload, each with its checksums.

::

    total length  headers length  CRC-32 of these two | headers | payload | CRC-32 of everything before
    4 bytes       4 bytes         4 bytes             |         |         | 4 bytes

Every header here is a string, which is type 7. Source: "Amazon Event Stream Specification" of Smithy, and what
botocore's parser expects.
"""

import struct
import zlib

import orjson

CONTENT_TYPE = b"application/vnd.amazon.eventstream"

_STRING = 7
_FRAME_BYTES = 16  # prelude of 12, checksum of 4
_LARGEST_PAYLOAD = 1024 * 1024  # smaller than what any SDK refuses


def payload_parts(data: bytes) -> bytes:
    """Return the events that carry a piece of the answer; several if the piece is large."""
    starts = range(0, len(data), _LARGEST_PAYLOAD)
    return b"".join([_PART.frame(data[start : start + _LARGEST_PAYLOAD]) for start in starts])


def exception(name: str, message: str, **members: str) -> bytes:
    """Return the last event of a stream that breaks off.

    Parameters
    ----------
    name : str
        ``ModelStreamError`` or ``InternalStreamFailure``.
    message : str
    **members : str
        Other members of the exception, such as ``ErrorCode``.
    """
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return _Message(headers).frame(orjson.dumps({"Message": message, **members}))


class _Message:
    """A kind of message: its headers are encoded once."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = b"".join([_header(name, value) for name, value in headers.items()])

    def frame(self, payload: bytes) -> bytes:
        lengths = struct.pack("!II", _FRAME_BYTES + len(self._headers) + len(payload), len(self._headers))
        message = lengths + struct.pack("!I", zlib.crc32(lengths)) + self._headers + payload
        return message + struct.pack("!I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text


_PART = _Message({":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"})
