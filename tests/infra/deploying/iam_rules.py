"""AWS's rules for rights, offline: what each action takes, what CloudFormation's handlers do, who grants what."""

import fnmatch
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FACTS = json.loads(Path(__file__).with_name("iam_facts.json").read_text())

HANDLERS: Mapping[str, Mapping[str, Sequence[str]]] = _FACTS["handlers"] | {
    "AWS::Budgets::Budget": {
        "create": ["budgets:ModifyBudget"],
        "read": ["budgets:ViewBudget"],
        "delete": ["budgets:ModifyBudget"],
    },
    "AWS::Glue::Table": {
        "create": ["glue:CreateTable"],
        "read": ["glue:GetTable"],
        "update": ["glue:UpdateTable"],
        "delete": ["glue:DeleteTable"],
    },
    "AWS::IAM::Policy": _FACTS["handlers"]["AWS::IAM::RolePolicy"],
    "AWS::SNS::TopicPolicy": {"create": ["sns:SetTopicAttributes"], "delete": ["sns:SetTopicAttributes"]},
    "AWS::SQS::QueuePolicy": {"create": ["sqs:SetQueueAttributes"], "delete": ["sqs:SetQueueAttributes"]},
}
"""Resource type -> handler -> actions. The five that are written here are older than the registry's schemas."""

_WHOLE_CHAIN = ("glue:",)
"""Services that want every resource type which an action requires; to the others they are alternatives."""

_UNRELIABLE = ("apigateway:",)
"""Services whose two references share one prefix, so that the list of resources is of one of them only."""

SAMPLE = {
    "Stage": "prod",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "Repository": "owner/covid-stats",
    "Branch": "main",
}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A statement that allows something."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    """Patterns of ARNs, with the names of the sample."""
    conditions: Mapping[str, Any]

    def covers(self, action: str, resource: str = "*") -> bool:
        """Whether it may allow the action on something that the pattern stands for as well."""
        named = any(fnmatch.fnmatchcase(action.lower(), it.lower()) for it in self.actions)
        return named and any(overlap(it, resource) for it in self.resources)


def grants(document: Mapping[str, Any], *, names: Mapping[str, str] = SAMPLE) -> Iterator[Grant]:
    """Of a policy in a template."""
    for statement in document["Statement"]:
        it = statement["Fn::If"][1] if "Fn::If" in statement else statement
        if it["Effect"] == "Allow":
            yield Grant(
                actions=tuple(_listed(it["Action"])),
                resources=tuple(text(arn, names) for arn in _listed(it["Resource"])),
                conditions=it.get("Condition", {}),
            )


def text(value: object, names: Mapping[str, str] = SAMPLE) -> str:
    """What a value of a template comes to; what cannot be known is `*`."""
    match value:
        case {"Fn::Sub": str(pattern)}:
            return re.sub(r"\$\{([\w:.]+)\}", lambda found: names.get(found[1], "*"), pattern)
        case {"Fn::Join": [separator, parts]}:
            inner = parts if isinstance(parts, list) else text(parts, names).split("\0")
            return str(separator).join(text(part, names) for part in inner)
        case {"Fn::Split": [separator, whole]}:
            return "\0".join(text(whole, names).split(separator))
        case {"Ref": name}:
            return names.get(name, "*")
        case {"Fn::If": [_, chosen, _]}:
            return text(chosen, names)
        case str():
            return value
    return "*"


def refusals(action: str, granted: Iterable[Grant]) -> list[str]:
    """Why AWS would refuse an action to whoever has these grants; empty where it would not."""
    having = [it for it in granted if it.covers(action)]
    if not having:
        return [f"{action} is not granted"]
    if any("*" in it.resources for it in having) or action.startswith(_UNRELIABLE):
        return []
    if takes_no_resource(action):
        return [f"{action} knows no resource but *"]
    known = _FACTS["actions"].get(action, {})
    required, possible = known.get("required", []), known.get("possible", [])
    missing = [arn for arn in required or possible if not any(it.covers(action, _pattern(arn)) for it in having)]
    if not (required and action.startswith(_WHOLE_CHAIN)) and len(missing) < len(required or possible):
        return []
    return [f"{action} is not granted on {arn}" for arn in missing]


def takes_no_resource(action: str) -> bool:
    """Whether a policy can name nothing but `*` for it."""
    return action in _FACTS["everything"] or _FACTS["actions"].get(action) == {}


def is_known(action: str) -> bool:
    return action in _FACTS["actions"]


def _pattern(arn: str) -> str:
    """The format of an ARN as a pattern, of the sample's account."""
    filled = arn.replace("${Partition}", "aws").replace("${Region}", "us-east-1").replace("${Account}", "123456789012")
    return re.sub(r"\$\{\w+\}", "*", filled)


@functools.cache
def overlap(one: str, other: str) -> bool:
    """Whether two patterns with `*` have a text in common."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(one, other[1:]) or overlap(one[1:], other)
    return one[0] == other[0] and overlap(one[1:], other[1:])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
