"""What travels between the parts of local AWS: a request, an answer, a stored resource."""

from typing import Any

Document = dict[str, Any]
"""A JSON object, with the members of botocore's models; times are seconds since the epoch."""
