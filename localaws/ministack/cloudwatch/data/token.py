"""NextToken: where the next page begins, for nobody to read but us."""

import base64
import binascii
import json
from typing import Any

from localaws.api_errors import ApiError


def token(place: list[Any]) -> str:
    """Return a token for a place."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(text: str, refusal: type[ApiError]) -> list[Any]:
    """Return the place of a token.

    Parameters
    ----------
    text : str
    refusal : type of ApiError
        What is raised when it is none of ours.
    """
    try:
        place = json.loads(base64.b64decode(text.encode(), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise refusal(f"The token {text[:100]} is invalid.") from error
    if not isinstance(place, list) or len(place) != 3:
        raise refusal(f"The token {text[:100]} is invalid.")
    return place
