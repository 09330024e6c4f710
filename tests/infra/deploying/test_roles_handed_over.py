"""Roles are handed to the services that take them and to no other; what AWS makes by itself may be made."""

from typing import Any

from infra.deploying.templates import load_template
from infra.services import EXTRAS, ROOT, SERVICES

INFRA = ROOT / "infra"
_ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"


def resources(path: str) -> dict[str, Any]:
    """By their names; loops that make several (`Fn::ForEach`) have no roles and no rules in them."""
    found: dict[str, Any] = load_template((INFRA / path).read_text()).get("Resources", {})
    assert "AWS::IAM::Role" not in str([it for it in found.values() if isinstance(it, list)])
    return {name: it for name, it in found.items() if isinstance(it, dict)}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def handed_over() -> dict[str, set[str]]:
    """Role's name -> the services that CloudFormation's role may hand it to."""
    found = dict[str, set[str]]()
    for resource in resources("delivery.yaml").values():
        policies = resource.get("Properties", {}).get("PolicyDocument", {})
        for statement in policies.get("Statement", []):
            if listed(statement["Action"]) == ["iam:PassRole"] and "cloudformation" not in str(statement["Condition"]):
                to = set(listed(statement["Condition"]["StringEquals"]["iam:PassedToService"]))
                found |= {arn["Fn::Sub"].removeprefix(_ROLE): to for arn in listed(statement["Resource"])}
    return found


def trusted(role: Any) -> set[str]:
    """The services that may take the role."""
    document = role["Properties"]["AssumeRolePolicyDocument"]
    return {it for each in document["Statement"] for it in listed(each["Principal"].get("Service", []))}


def test_every_role_of_a_template_may_be_handed_to_the_service_that_takes_it() -> None:
    templates = [f"{name}.yaml" for name in ("foundation", *EXTRAS)] + [f"fragments/{name}.yaml" for name in SERVICES]
    roles = {
        it["Properties"]["RoleName"]["Fn::Sub"]: trusted(it)
        for template in templates
        for it in resources(template).values()
        if it.get("Type") == "AWS::IAM::Role" and "RoleName" in it.get("Properties", {})
    }
    assert sorted(roles) == [
        "covid-stats-${Stage}-engine",
        "covid-stats-${Stage}-notifier-webhooks",
        "covid-stats-${Stage}-operations-visitor",
    ]
    may = handed_over()
    assert {name: services - may.get(name, set()) for name, services in roles.items()} == {
        name: set() for name in roles
    }


def test_every_function_has_its_role_and_no_role_is_handed_to_anyone_else() -> None:
    functions = {
        f"covid-stats-${{Stage}}-{it.name}-{function}" for it in SERVICES.values() for function in it.functions
    }
    may = handed_over()
    assert functions <= may.keys()
    assert set().union(*may.values()) == {
        "lambda.amazonaws.com",
        "events.amazonaws.com",
        "glue.amazonaws.com",
    }


def test_no_canary_is_made_and_nothing_is_granted_for_one() -> None:
    """A visitor, which is a function, looks from outside."""
    texts = [path.read_text() for path in (*INFRA.glob("*.yaml"), *(INFRA / "fragments").glob("*.yaml"))]
    assert [text for text in texts if "synthetics:" in text or "AWS::Synthetics::" in text] == []


def test_a_sampling_rule_is_of_the_api_alone() -> None:
    """Lambda goes by none."""
    rules = [
        it["Properties"]["SamplingRule"]
        for path in ("foundation.yaml", *(f"{name}.yaml" for name in EXTRAS))
        for it in resources(path).values()
        if it.get("Type") == "AWS::XRay::SamplingRule"
    ]
    assert [(rule["ServiceName"], rule["ReservoirSize"]) for rule in rules] == [
        ({"Fn::Sub": "covid-stats-${Stage}-api/${Stage}"}, 1)
    ]


def test_aws_may_make_the_roles_of_its_own_that_the_stacks_make_it_need() -> None:
    """Of DynamoDB for its stream to Kinesis, of API Gateway, and of EventBridge for API destinations; no other."""
    [statement] = [
        it
        for resource in resources("delivery.yaml").values()
        for it in resource.get("Properties", {}).get("PolicyDocument", {}).get("Statement", [])
        if "iam:CreateServiceLinkedRole" in listed(it["Action"])
    ]
    assert sorted(statement["Condition"]["StringEquals"]["iam:AWSServiceName"]) == [
        "apidestinations.events.amazonaws.com",
        "kinesisreplication.dynamodb.amazonaws.com",
        "ops.apigateway.amazonaws.com",
    ]
