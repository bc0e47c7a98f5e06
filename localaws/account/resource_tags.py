"""The tags of what a request is about, which policies ask for: ``aws:ResourceTag/KEY``.

Tags are in the store of the resource's service, and policies are evaluated beside MiniStack. So whoever asks there
sends the tags along: they are the first line of the question's body, and the request's own body follows.
"""

import json
from collections.abc import Mapping

Tags = Mapping[str, str]
TagsByArn = Mapping[str, Tags]


def with_tags(tags: TagsByArn, body: bytes) -> bytes:
    """Return the body of a question about a request."""
    return json.dumps(tags).encode() + b"\n" + body


def parted(question: bytes) -> tuple[TagsByArn, bytes]:
    """Return the tags and the request's body of a question's body.

    Raises
    ------
    ValueError
        It begins with no tags.
    """
    line, _, body = question.partition(b"\n")
    tags = json.loads(line)
    if not isinstance(tags, dict) or not all(isinstance(each, dict) for each in tags.values()):
        raise ValueError("A question's first line is a JSON object of tags by ARN.")
    return tags, body


def conditions(service: str, tags: Tags) -> dict[str, str]:
    """Return the condition keys of a resource's tags; SageMaker has a second name for each.

    Source: Service Authorization Reference.
    """
    prefixes = ("aws", "sagemaker") if service == "sagemaker" else ("aws",)
    return {f"{prefix}:ResourceTag/{key}": value for prefix in prefixes for key, value in tags.items()}
