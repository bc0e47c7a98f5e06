"""Variables: ``#{namespace.name}`` in an action's configuration, replaced when the action starts. Pure functions."""

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"#\{([^{}]*)\}")

Namespaces = Mapping[str, Mapping[str, str]]
OWN_NAMESPACES = ("codepipeline", "variables")
"""The namespaces that no action provides: the execution's ID, and the pipeline's own variables."""


class UnknownVariable(Exception):
    """A reference to a variable that does not exist; the text names it."""


def references(text: str) -> Iterator[tuple[str, str]]:
    """Yield namespace and name of each reference.

    Raises
    ------
    UnknownVariable
        If a reference is not of the form ``#{namespace.name}``.
    """
    for found in _REFERENCE.findall(text):
        namespace, dot, name = found.partition(".")
        if not dot or not namespace or not name:
            raise UnknownVariable(
                f"#{{{found}}} is not a reference to a variable: a namespace and a key separated by a period, such as "
                "#{Source.CommitId}"
            )
        yield namespace, name


def resolve(text: str, namespaces: Namespaces) -> str:
    """Return `text` with its references replaced.

    Raises
    ------
    UnknownVariable
        If no action has set the variable.
    """
    for namespace, name in references(text):
        value = namespaces.get(namespace, {}).get(name)
        if value is None:
            raise UnknownVariable(f"Nothing has set the variable #{{{namespace}.{name}}}")
        text = text.replace(f"#{{{namespace}.{name}}}", value)
    return text
