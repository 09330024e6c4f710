"""What SAM makes of the templates, for two stages: nothing is refused, no name is too long, changes are deployed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.deploying.templates import VALUES, digests, load_template, parameters_behind
from infra.packaging.build import Built
from infra.services import EXTRAS, ROOT
from tests.infra.deploying.iam_rules import text
from tests.infra.deploying.sam import Template, translate

pytestmark = pytest.mark.xdist_group("built")

LONGEST = "s" * 20
BARE = {"Stage": "dev", "Cloud": "aws", "OperatorsTopicArn": "arn:aws:sns:us-east-1:123456789012:operators"}
EVERYTHING = BARE | {
    "Stage": LONGEST,
    "DomainName": "data.example.org",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/it",
    "OriginSecret": "a-secret-of-twenty-characters",
    "OriginSecretAlso": "another-of-twenty-characters",
    "PermissionsBoundary": f"arn:aws:iam::123456789012:policy/covid-stats-{LONGEST}-boundary",
    "LogRetentionDays": "7",
}

NAME_LIMITS: Mapping[tuple[str, str], int] = {
    ("AWS::Athena::WorkGroup", "Name"): 128,
    ("AWS::CloudFront::CachePolicy", "Name"): 128,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::DynamoDB::Table", "TableName"): 255,
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"): 128,
    ("AWS::IAM::Role", "RoleName"): 64,
    ("AWS::Kinesis::Stream", "Name"): 128,
    ("AWS::Lambda::Function", "FunctionName"): 64,
    ("AWS::S3::Bucket", "BucketName"): 63,
    ("AWS::SNS::Topic", "TopicName"): 256,
    ("AWS::SQS::Queue", "QueueName"): 80,
    ("AWS::XRay::Group", "GroupName"): 32,
}
"""(type, property) -> characters that AWS allows."""

MUST_BE_NAMED = ("AWS::IAM::Role", "AWS::Events::Rule", "AWS::Lambda::Function", "AWS::DynamoDB::Table")
"""What CloudFormation would name by itself, cutting the stage's name off where the whole would be too long."""

BODY_LIMIT = 1_000_000
"""Bytes of a template in S3 (CloudFormation)."""


@pytest.fixture(scope="module")
def translated(templates: Mapping[str, Any]) -> Mapping[str, list[Template]]:
    """Service -> its template for a bare stage, and for one with everything and the longest name."""
    wanted = [(template, given) for template in templates.values() for given in (BARE, EVERYTHING)]
    answers = iter(translate(wanted))
    return {service: [next(answers), next(answers)] for service in templates}


def resources(translated: Mapping[str, list[Template]], which: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(logical name, resource) of the services and of the project's own templates."""
    for templates in translated.values():
        yield from templates[which]["Resources"].items()
    for name in ("foundation", *EXTRAS, "delivery"):
        for logical, resource in load_template((ROOT / "infra" / f"{name}.yaml").read_text())["Resources"].items():
            if not logical.startswith("Fn::"):
                yield logical, resource


def test_no_name_is_too_long_at_the_longest_name_of_a_stage(translated: Mapping[str, list[Template]]) -> None:
    names = {"Stage": LONGEST, "AWS::AccountId": "1" * 12}
    too_long = [
        (logical, text(value, names))
        for logical, resource in resources(translated, 1)
        for key, value in resource.get("Properties", {}).items()
        if len(text(value, names)) > NAME_LIMITS.get((resource["Type"], key), 10_000)
    ]
    assert too_long == []


def test_sampling_rules_have_a_limit_of_their_own(translated: Mapping[str, list[Template]]) -> None:
    for logical, resource in resources(translated, 1):
        if resource["Type"] == "AWS::XRay::SamplingRule":
            name = text(resource["Properties"]["SamplingRule"]["RuleName"], {"Stage": LONGEST})
            assert logical and len(name) <= 32


@pytest.mark.parametrize("which", [0, 1], ids=["bare", "everything"])
def test_nothing_is_named_by_cloudformation_that_rights_name(
    which: int, translated: Mapping[str, list[Template]]
) -> None:
    naming = {kind: key for kind, key in NAME_LIMITS if kind in MUST_BE_NAMED}
    unnamed = [
        logical
        for logical, resource in resources(translated, which)
        if resource["Type"] in naming and naming[resource["Type"]] not in resource["Properties"]
    ]
    assert unnamed == []


def test_no_template_is_larger_than_cloudformation_takes(translated: Mapping[str, list[Template]]) -> None:
    sizes = {service: len(json.dumps(it)) for service, both in translated.items() for it in both}
    assert {service: size for service, size in sizes.items() if size > BODY_LIMIT} == {}
    assert {
        service: len(both[1]["Resources"]) for service, both in translated.items() if len(both[1]["Resources"]) > 500
    } == {}


# --- deployments of the API ------------------------------------------------------------------------------------------


def deployment_of(template: Template) -> str:
    """Logical id of the API's deployment: CloudFormation makes a new deployment only under a new one."""
    [name] = [name for name, it in template["Resources"].items() if it["Type"] == "AWS::ApiGateway::Deployment"]
    return str(name)


def api_with(built: Mapping[str, Built], *, before: str = "", **values: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The api's template as `make deploy` sends it, and its parameters."""
    text = built["api"].template.read_text()
    loaded = load_template(text)
    names = parameters_behind(loaded["Resources"]["RestAPI"]["Properties"]["DefinitionBody"], loaded)
    shown = digests(names, values=BARE | values, before=before, defaults=loaded["Parameters"])
    return load_template(text.replace(VALUES, shown)), BARE | values


def test_whatever_the_apis_definition_rests_on_changes_its_deployment(built: Mapping[str, Built]) -> None:
    loaded = load_template(built["api"].template.read_text())
    behind = parameters_behind(loaded["Resources"]["RestAPI"]["Properties"]["DefinitionBody"], loaded)
    assert behind == {"Cloud", "Edge", "OriginSecret", "OriginSecretAlso"}
    changed = {"Edge": "no", "OriginSecret": "x" * 20, "OriginSecretAlso": "y" * 20}
    wanted = [api_with(built), *(api_with(built, **{name: value}) for name, value in changed.items()), api_with(built)]
    ids = [deployment_of(template) for template in translate(wanted)]
    assert ids[0] == ids[-1]
    assert len(set(ids)) == 1 + len(changed)


def test_a_secret_that_keeps_its_value_keeps_the_deployment(built: Mapping[str, Built]) -> None:
    """Where the stage's file is not at hand the value is not given; what is known of it is its digest."""
    first, given = api_with(built, OriginSecret="x" * 20)
    before = first["Outputs"]["Values"]["Value"]
    assert "x" * 20 not in json.dumps(first)
    again = api_with(built, before=before)
    ids = [deployment_of(template) for template in translate([(first, given), again])]
    assert ids[0] == ids[1]
