"""CloudFormation templates as Python values, short tags (`!Sub`) as the functions they stand for."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    pass


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
            if suffix == "GetAtt":
                value = str(value).split(".", 1)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _function)


def load_template(text: str) -> dict[str, Any]:
    """The template's sections."""
    return dict(yaml.load(text, Loader=_Loader))  # noqa: S506  # a SafeLoader with CloudFormation's tags
