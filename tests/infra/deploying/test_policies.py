"""Least privilege, read off the policy files: one per function, no wildcard where AWS allows an ARN."""

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.packaging.build import example_names
from infra.services import ROOT, SERVICES

POLICIES = sorted(ROOT.glob("*/.chalice/policy-*.json"))

ALLOWED_ON_EVERYTHING = {"dynamodb:ListStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""Actions that AWS defines without a resource (Service Authorization Reference)."""


def statements(path: Path) -> Iterator[dict[str, Any]]:
    yield from json.loads(path.read_text())["Statement"]


def resources(statement: dict[str, Any]) -> list[str]:
    named = statement["Resource"]
    return [named] if isinstance(named, str) else named


def test_every_function_has_a_policy_file_of_its_own() -> None:
    declared = {f"{s.name}/policy-{function}.json" for s in SERVICES.values() for function in s.functions}
    assert declared == {f"{path.parent.parent.name}/{path.name}" for path in POLICIES}
    for service in SERVICES.values():
        config = json.loads((ROOT / service.name / ".chalice" / "config.json").read_text())
        assert config["autogen_policy"] is False
        assert {function: f"policy-{function}.json" for function in service.functions} == {
            function: function_config["iam_policy_file"]
            for function, function_config in config["lambda_functions"].items()
        }


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_no_action_is_a_wildcard_and_every_resource_is_named(path: Path) -> None:
    for statement in statements(path):
        assert statement["Effect"] == "Allow"
        assert [action for action in statement["Action"] if "*" in action or "?" in action] == []
        if not set(statement["Action"]) <= ALLOWED_ON_EVERYTHING:
            assert [arn for arn in resources(statement) if not arn.startswith(("arn:${PARTITION}:", "${"))] == []


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_resource_is_of_the_stage(path: Path) -> None:
    """But for the account's bus of events, on which an event names the stage that it is for."""
    names = example_names("blue")
    for statement in statements(path):
        for arn in resources(statement):
            shared = arn == "*" or (statement["Action"] == ["events:PutEvents"] and arn.endswith(":event-bus/default"))
            assert shared or "blue" in string.Template(arn).substitute(names)


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_statement_says_what_it_is_for(path: Path) -> None:
    names = [statement["Sid"] for statement in statements(path)]
    assert sorted(set(names)) == sorted(names)


def test_every_function_may_write_its_own_log_and_trace_and_no_other_log() -> None:
    for service in SERVICES.values():
        for function in service.functions:
            path = ROOT / service.name / ".chalice" / f"policy-{function}.json"
            logs = [arn for s in statements(path) if "logs:PutLogEvents" in s["Action"] for arn in resources(s)]
            name = service.function_name(function, stage="${STAGE}")
            expected = f"arn:${{PARTITION}}:logs:${{REGION}}:${{ACCOUNT}}:log-group:/aws/lambda/{name}:*"
            assert [expected] == logs
            assert any("xray:PutTraceSegments" in s["Action"] for s in statements(path))


def test_only_the_merger_touches_the_store_and_only_the_notifier_the_topic() -> None:
    granted = {
        (path.parent.parent.name, action)
        for path in POLICIES
        for statement in statements(path)
        for action in statement["Action"]
        for arn in resources(statement)
        if "OBSERVATIONS_TABLE" in arn or "TOPIC_ARN" in arn
    }
    assert granted == {("merger", "dynamodb:BatchWriteItem"), ("notifier", "sns:Publish")}
