"""Take rights away from a deployed function, and see whether it is denied what it then tries."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.deploying.deployed import Stage
from infra.services import find_service

_DENIALS = ("AccessDenied", "not authorized to perform", "(403)")  # an answer to HEAD has no body to say it in words


@dataclass(frozen=True, kw_only=True)
class Right:
    """One statement of a function's policy; with `action`, that action of it alone."""

    service: str
    function: str
    sid: str
    action: str = ""

    def __str__(self) -> str:
        return f"{self.service}.{self.function} {self.sid}" + (f" {self.action}" if self.action else "")


class Rights:
    """The policies of a stage's functions, as IAM has them."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._iam = stage, stage.client("iam")

    def of(self, service: str, function: str) -> Sequence[Mapping[str, Any]]:
        """The statements of the function's policy."""
        _, _, document = self._policy(service, function)
        statements: list[Mapping[str, Any]] = document["Statement"]
        return statements

    @contextlib.contextmanager
    def without(self, *rights: Right) -> Iterator[None]:
        """While the block lasts, the function that they belong to lacks these rights."""
        role, name, document = self._policy(rights[0].service, rights[0].function)
        left: list[Mapping[str, Any]] = document["Statement"]
        for right in rights:
            left = [kept for statement in left if (kept := _less(statement, right))]
        self._put(role, name, document | {"Statement": left})
        try:
            yield
        finally:
            self._put(role, name, document)

    def _policy(self, service: str, function: str) -> tuple[str, str, dict[str, Any]]:
        """(role, name, document) of the function's own policy."""
        role = self._role(service, function)
        [name] = self._iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return role, name, dict(document)

    def _role(self, service: str, function: str) -> str:
        name = find_service(service).function_name(function, stage=self._stage.name)
        configuration = self._stage.client("lambda").get_function_configuration(FunctionName=name)
        return str(configuration["Role"]).rsplit("/", 1)[-1]

    def _put(self, role: str, name: str, document: Mapping[str, Any]) -> None:
        self._iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _less(statement: Mapping[str, Any], right: Right) -> Mapping[str, Any] | None:
    if statement["Sid"] != right.sid:
        return statement
    kept = [action for action in statement["Action"] if action != right.action] if right.action else []
    return {**statement, "Action": kept} if kept else None


def denials(stage: Stage, *, since_ms: int, answer: object) -> list[str]:
    """What tells of a denial: in the answer, and in what the functions have printed since then."""
    printed = [line.text for line in stage.log_lines(since_ms=since_ms)]
    return [text for text in (str(answer), *printed) if any(words in text for words in _DENIALS)]
