"""Variables: ``#{namespace.name}`` in an action's configuration, replaced when the action begins. Pure functions."""

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"#\{([^{}]*)\}")

Namespaces = Mapping[str, Mapping[str, str]]
OWN_NAMESPACES = ("codepipeline", "variables")
"""Those that no action gives: the execution's id, and the pipeline's own variables."""


class UnknownVariable(Exception):
    """A reference that nothing stands behind; the text says which."""


def references(text: str) -> Iterator[tuple[str, str]]:
    """Namespace and name of each reference.

    Raises
    ------
    UnknownVariable
        A reference is not of the form ``#{namespace.name}``.
    """
    for found in _REFERENCE.findall(text):
        namespace, dot, name = found.partition(".")
        if not dot or not namespace or not name:
            raise UnknownVariable(
                f"#{{{found}}} is no reference to a variable: a namespace and a key separated by a period, such as "
                "#{Source.CommitId}"
            )
        yield namespace, name


def resolve(text: str, namespaces: Namespaces) -> str:
    """`text` with its references replaced.

    Raises
    ------
    UnknownVariable
        No action has given the variable.
    """
    for namespace, name in references(text):
        value = namespaces.get(namespace, {}).get(name)
        if value is None:
            raise UnknownVariable(f"Nothing has set the variable #{{{namespace}.{name}}}")
        text = text.replace(f"#{{{namespace}.{name}}}", value)
    return text
