"""EventBridge's part between an event and a webhook, as infra/webhook.yaml declares it, for where there is no AWS.

The local cloud's CloudFormation makes no API destinations, and nothing is tried again there: so the rule is carried out
here, from the very template that is deployed.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_PLACEHOLDER = re.compile(r"<(\w+)>")
_SECONDS = 5
"""After which EventBridge takes a receiver that does not answer for one that failed."""
_RETRIED = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""What EventBridge tries again, beside every 5xx and no answer at all."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A webhook's rule, its parameters filled in."""

    pattern: Mapping[str, Any]
    transformer: Mapping[str, Any] | None
    """None: the event goes as it is."""
    attempts: int
    """Retries behind the first try."""
    url: str
    headers: Mapping[str, str]


def read_rule(template: Mapping[str, Any], parameters: Mapping[str, str]) -> Rule:
    """Of a loaded infra/webhook.yaml (`infra.deploying.templates.load_template`)."""
    filled = _fill(template["Resources"], template, parameters)
    rule, connection = filled["Rule"]["Properties"], filled["Connection"]["Properties"]
    [target] = rule["Targets"]
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]
    return Rule(
        pattern=rule["EventPattern"],
        transformer=target["InputTransformer"],
        attempts=int(target["RetryPolicy"]["MaximumRetryAttempts"]),
        url=filled["Destination"]["Properties"]["InvocationEndpoint"],
        headers=target["HttpParameters"]["HeaderParameters"] | {key["ApiKeyName"]: key["ApiKeyValue"]},
    )


def _fill(value: Any, template: Mapping[str, Any], parameters: Mapping[str, str]) -> Any:
    """The functions that the template uses, carried out; what only AWS knows stays as it is."""
    match value:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": str(name)} if name in template["Parameters"]:
            declared = template["Parameters"][name]
            text = parameters.get(name, str(declared.get("Default", "")))
            return text.split(",") if declared["Type"] == "CommaDelimitedList" else text
        case {"Fn::If": [str(name), yes, no]}:
            left, right = (_fill(it, template, parameters) for it in template["Conditions"][name]["Fn::Equals"])
            return _fill(yes if left == right else no, template, parameters)
        case Mapping():
            return {name: _fill(item, template, parameters) for name, item in value.items()}
        case list():
            return [_fill(item, template, parameters) for item in value]
    return value


def matches(pattern: object, event: object) -> bool:
    """EventBridge's patterns as far as the template uses them: nested objects and lists of allowed values."""
    if isinstance(pattern, Mapping):
        return isinstance(event, Mapping) and all(matches(wanted, event.get(name)) for name, wanted in pattern.items())
    return isinstance(pattern, list) and event in pattern


def transform(rule: Rule, event: Mapping[str, Any]) -> str:
    """What is sent: the event, or the template with the values that stand at its paths, quoted as JSON."""
    if rule.transformer is None:
        return json.dumps(event)
    values = {name: _at(event, path) for name, path in rule.transformer["InputPathsMap"].items()}
    return _PLACEHOLDER.sub(lambda found: json.dumps(values[found[1]]), rule.transformer["InputTemplate"])


def _at(event: Any, path: str) -> Any:
    for name in path.removeprefix("$.").split("."):
        event = event.get(name) if isinstance(event, Mapping) else None
    return event


def deliver(
    rule: Rule, event: Mapping[str, Any], *, wait: Callable[[int], None], dead_letters: list[Mapping[str, Any]]
) -> Sequence[int]:
    """Send an event that the rule matches, again until it is taken or given up; the answers, 0 for none.

    `wait` is called with the number of the try before each further one.
    """
    answers = list[int]()
    if not matches(rule.pattern, event):
        return answers
    for number in range(rule.attempts + 1):
        if number:
            wait(number)
        answers.append(_send(rule, transform(rule, event)))
        if HTTPStatus.OK <= answers[-1] < HTTPStatus.MULTIPLE_CHOICES:
            return answers
        if answers[-1] and answers[-1] < HTTPStatus.INTERNAL_SERVER_ERROR and answers[-1] not in _RETRIED:
            break
    dead_letters.append(event)
    return answers


def _send(rule: Rule, body: str) -> int:
    request = urllib.request.Request(rule.url, data=body.encode(), headers=dict(rule.headers), method="POST")  # noqa: S310  # the stage's file names it
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as reply:  # noqa: S310
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except OSError:
        return 0
