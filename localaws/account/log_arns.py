"""The ARNs of what a request to CloudWatch Logs is about, as its policies name them.

Actions on a group need a policy for ``log-group:NAME:*``, those on a stream for ``log-group:NAME:log-stream:STREAM``;
only the actions on tags have a group's ARN without anything behind the name.

Source: "Overview of managing access permissions to your CloudWatch Logs resources" in its User Guide.
"""

from collections.abc import Iterator

from localaws.document import Document

_STREAM = ":log-stream:"
_OF_TAGS = ("TagResource", "UntagResource", "ListTagsForResource")
_GROUPS = (
    "logGroupName",
    "logGroupNames",
    "logGroupIdentifier",
    "logGroupIdentifiers",
    "resourceIdentifier",
    "resourceArn",
)


def resources(beginning: str, operation: str, request: Document) -> list[str]:
    """Return the ARNs of the groups or streams that a request names; of all groups, if it names none.

    Parameters
    ----------
    beginning : str
        Of a group's ARN: ``arn:aws:logs:us-east-1:000000000000:log-group:``.
    operation : str
    request : dict
    """
    groups = dict.fromkeys(_named(beginning, request))
    if operation in _OF_TAGS:
        return list(groups) or [f"{beginning}*"]
    stream = request.get("logStreamName")
    return [f"{group}{_STREAM}{stream if isinstance(stream, str) else ''}" for group in groups] or [f"{beginning}*"]


def tagged(resource: str) -> str:
    """Return the ARN by which a group has its tags, of one of `resources`."""
    return resource.partition(_STREAM)[0]


def _named(beginning: str, request: Document) -> Iterator[str]:
    for member in _GROUPS:
        value = request.get(member)
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str):
                yield name.removesuffix(":*") if name.startswith("arn:") else beginning + name
