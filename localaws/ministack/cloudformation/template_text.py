"""What of a template is text, whatever YAML makes of it. Pure functions.

CloudFormation's parameters, conditions, mappings and outputs are text: `Default: true` is the text ``true``, and a
parameter may be called `No`. YAML 1.1 makes booleans of both. Booleans in a resource's properties stay here; where a
type's schema wants text, `schema.with_types` writes it.
"""

from typing import Any

import yaml

from localaws.ministack.cloudformation.typed_values import as_text

_STRING = "tag:yaml.org,2002:str"
_SECTIONS = ("Conditions", "Mappings", "Outputs")
_PARAMETER = ("Default", "AllowedValues")
_FUNCTIONS = ("Fn::Equals", "Fn::Join", "Fn::Sub", "Fn::FindInMap", "Fn::Base64", "Fn::Split")


def keep_keys(node: yaml.Node) -> None:
    """Make the keys of a mapping text as they are written."""
    if isinstance(node, yaml.MappingNode):
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                key.tag = _STRING


def with_texts(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template with text where CloudFormation has no booleans."""
    return {section: _section(section, content) for section, content in template.items()}


def _section(section: str, content: Any) -> Any:
    if section == "Parameters" and isinstance(content, dict):
        return {name: _parameter(declared) for name, declared in content.items()}
    return _written(content, in_text=section in _SECTIONS)


def _parameter(declared: Any) -> Any:
    if not isinstance(declared, dict):
        return declared
    return {key: _written(value, in_text=True) if key in _PARAMETER else value for key, value in declared.items()}


def _written(node: Any, *, in_text: bool) -> Any:
    if isinstance(node, dict):
        return {key: _written(value, in_text=in_text or key in _FUNCTIONS) for key, value in node.items()}
    if isinstance(node, list):
        return [_written(item, in_text=in_text) for item in node]
    return as_text(node) if in_text and isinstance(node, bool) else node
