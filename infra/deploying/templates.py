"""CloudFormation templates as Python values, short tags (`!Sub`) as the functions they stand for."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

VALUES = "values-of-parameters"
"""What a template says where the digests of the values of its parameters are to go."""


class _Loader(yaml.CSafeLoader):
    """libyaml's: a template of a thousand lines takes it a quarter of the time."""


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


def parameters_behind(value: object, template: Mapping[str, Any]) -> set[str]:
    """The template's parameters on which a value in it rests, by conditions too."""
    conditions, parameters = dict(template.get("Conditions", {})), set(template.get("Parameters", {}))
    names = set(_names_in(value))
    for condition in names & conditions.keys():
        names |= parameters_behind(conditions[condition], template)
    return names & parameters


def _names_in(value: object) -> Iterator[str]:
    """Whatever may be the name of a parameter or a condition: in Ref, Sub, If and Condition."""
    match value:
        case {"Ref": str(name)} | {"Condition": str(name)}:
            yield name
        case {"Fn::Sub": text}:
            yield from re.findall(r"\$\{(\w+)\}", text if isinstance(text, str) else text[0])
        case {"Fn::If": [str(name), *branches]}:
            yield name
            yield from _names_in(branches)
        case Mapping():
            for item in value.values():
                yield from _names_in(item)
        case list():
            for item in value:
                yield from _names_in(item)


def digests(names: set[str], *, values: Mapping[str, str], before: str, defaults: Mapping[str, Any]) -> str:
    """`A=1f0c… B=77de…`: changes when the value of a parameter does, and gives none away.

    `values` are those of this deployment. One that keeps its value keeps the digest it has in `before`, an earlier
    result of this; without one it has its default.
    """
    kept = dict(part.split("=", 1) for part in before.split())
    shown = {name: _digest(str(defaults[name].get("Default", ""))) for name in names}
    shown |= {name: kept[name] for name in names & kept.keys()}
    shown |= {name: _digest(values[name]) for name in names & values.keys()}
    return " ".join(f"{name}={shown[name]}" for name in sorted(shown))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:12]
