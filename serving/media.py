"""Content-Type and Accept, read into what the rest of the server asks of them.

Sources: RFC 9110, sections 8.3 and 12.5.1; RFC 4180 and RFC 7111 for the ``header`` parameter of text/csv.
"""

from dataclasses import dataclass
from functools import lru_cache

from serving.errors import BadRequestError, NotAcceptableError, UnsupportedMediaTypeError

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
NPY = "application/x-npy"
NPZ = "application/x-npz"
IMAGES = ("image/jpeg", "image/png", "image/webp", "application/x-image")

# What a range stands for: the format of that range which most callers mean.
_RANGES = {"*/*": JSON, "application/*": JSON, "text/*": CSV}


@dataclass(frozen=True)
class MediaType:
    """The type of a request's body.

    Attributes
    ----------
    header : str
        Content-Type as it came, parameters included: what a script gets, here as in AWS's containers.
    name : str
        Type and subtype, lower case, without parameters.
    charset : str
        The declared character set, by default utf-8.
    has_header : bool or None
        Whether the first line of the CSV body names columns, by ``header=present`` or ``header=absent``; None if
        neither was declared.
    """

    header: str
    name: str
    charset: str = "utf-8"
    has_header: bool | None = None


@dataclass(frozen=True)
class Accept:
    """The types that the caller takes.

    Attributes
    ----------
    header : str
        As it came, a list with qualities perhaps: what a script gets, here as in AWS's containers. There the default,
        JSON unless SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT says otherwise, is meant by no header and by ``*/*``
        (``sagemaker_containers/_worker.py``, ``sagemaker_inference/transformer.py``).
    types : tuple of str
        The acceptable types, best first. A range such as ``text/*`` is replaced by the type it stands for. Empty when
        the caller does not mind: no header, or ``*/*`` before all else.
    """

    header: str
    types: tuple[str, ...]

    @property
    def best(self) -> str:
        """The type to write."""
        return self.types[0] if self.types else self.header


@lru_cache(maxsize=256)
def parse_content_type(header: str) -> MediaType:
    """Read a Content-Type header; an empty one means JSON, as in SageMaker's own containers.

    Raises
    ------
    UnsupportedMediaTypeError
        The charset is not known.
    """
    name, parameters = _split(header)
    charset = parameters.get("charset", "utf-8")
    _check_charset(charset)
    has_header = {"present": True, "absent": False}.get(parameters.get("header", ""))
    return MediaType(header.strip() or JSON, name or JSON, charset, has_header)


@lru_cache(maxsize=256)
def parse_accept(header: str, default: str = JSON) -> Accept:
    """Read an Accept header; an empty one, and ``*/*``, mean the default.

    Raises
    ------
    BadRequestError
        A quality value is not a number from 0 to 1.
    NotAcceptableError
        Every type has quality 0.

    Examples
    --------
    >>> parse_accept("text/csv;q=0.5, application/jsonlines, text/html;q=0").types
    ('application/jsonlines', 'text/csv')
    >>> parse_accept("*/*")
    Accept(header='application/json', types=())
    """
    header = header.strip()
    if not header or header == "*/*":
        return Accept(default, ())
    ranked = []
    for item in header.split(","):
        name, parameters = _split(item)
        quality = _quality(parameters.get("q", "1"), header)
        if name and quality:
            ranked.append((-quality, name))
    if not ranked:
        raise NotAcceptableError(f"The Accept header {header!r} refuses every type: name one with a quality above 0.")
    ranked.sort(key=lambda entry: entry[0])  # stable: equals stay in the caller's order
    names = [name for _, name in ranked]
    types = () if names[0] == "*/*" else tuple(dict.fromkeys(_RANGES.get(name, name) for name in names))
    return Accept(header, types)


def _check_charset(charset: str) -> None:
    try:
        b"  ".decode(charset)  # not codecs.lookup, which also knows what makes no text, such as zlib
    except UnicodeDecodeError:
        return
    except (LookupError, ValueError):
        raise UnsupportedMediaTypeError(f"The charset {charset!r} is not known: send utf-8.") from None


def _split(header: str) -> tuple[str, dict[str, str]]:
    name, *parameters = header.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return name.strip().lower(), {key.strip().lower(): value.strip(' "').lower() for key, _, value in pairs}


def _quality(text: str, header: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        quality = -1.0
    if not 0 <= quality <= 1:
        raise BadRequestError(f"The Accept header {header!r} has the quality {text!r}: expected a number from 0 to 1.")
    return quality
