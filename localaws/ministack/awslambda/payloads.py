"""How much a function is given and gives back.

Source: "Lambda quotas" in the AWS Lambda Developer Guide, 6 MB each for the request and the response of a synchronous
invocation, 1 MB for an asynchronous one; the exact figures are in the messages.
"""

MOST_EVENT_BYTES = 6_291_456
MOST_ASYNCHRONOUS_BYTES = 1_048_576
MOST_RESULT_BYTES = 6_291_556


def refusal(size: int, invocation_type: str) -> str | None:
    """Return why Lambda does not take a payload of so many bytes; None if it does."""
    if invocation_type == "Event":
        if size > MOST_ASYNCHRONOUS_BYTES:
            limit = f"(limit {MOST_ASYNCHRONOUS_BYTES} bytes)"
            return f"{size} byte payload is too large for the Event invocation type {limit}"
        return None
    if size > MOST_EVENT_BYTES:
        return f"Request must be smaller than {MOST_EVENT_BYTES} bytes for the InvokeFunction operation"
    return None
