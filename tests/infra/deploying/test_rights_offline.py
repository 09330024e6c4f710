"""IAM without an account: who deploys has every right that AWS would ask for, in the form that AWS would take it."""

import ast
import fnmatch
import json
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.deploying.templates import load_template
from infra.packaging.build import example_names
from infra.services import EXTRAS, ROOT, SERVICES
from shared.runs import State
from tests.infra.deploying.iam_rules import HANDLERS, Grant, grants, is_known, overlap, refusals, takes_no_resource
from tests.infra.deploying.sam import translate

pytestmark = pytest.mark.xdist_group("built")

DELIVERY = load_template((ROOT / "infra" / "delivery.yaml").read_text())["Resources"]

POLICIES = sorted(ROOT.glob("*/.chalice/policy-*.json"))

GIVEN = {"Stage": "prod", "Cloud": "aws", "OperatorsTopicArn": "arn:aws:sns:us-east-1:123456789012:operators"}

UNUSED: Mapping[str, Mapping[str, str]] = {
    "*": {
        "kms:*": "KmsKeyArn|KmsKeyId|KMSMasterKeyId|KmsMasterKeyId|CustomerManagedKey",
        "ec2:*": "VpcConfig",
        "elasticfilesystem:*": "FileSystemConfigs",
        "s3files:*": "FileSystemConfigs",
        "firehose:*": "DeliveryDestinationArn",
        "s3tables:*": "MetadataTableConfiguration",
        "lakeformation:*": "CreateTableDefaultPermissions|FederatedDatabase",
    },
    "AWS::ApiGateway::RestApi": {"iam:PassRole": "BodyS3Location", "s3:GetObject": "BodyS3Location"},
    "AWS::Athena::WorkGroup": {"iam:*": "ExecutionRole"},
    "AWS::CloudFront::Distribution": {
        "cloudfront:*ConnectionGroup": "ConnectionMode",
        "cloudfront:GetVpcOrigin": "VpcOriginConfig",
        "cloudfront:CreateDistributionWithTags": "Tags",
        "cloudfront:UpdateDistributionWithStagingConfig": "ContinuousDeploymentPolicyId",
    },
    "AWS::CloudWatch::Dashboard": {"cloudwatch:*Tag*": "Tags"},
    "AWS::DynamoDB::Table": {
        "dynamodb:*Item": "ImportSourceSpecification",
        "dynamodb:Query": "ImportSourceSpecification",
        "dynamodb:Scan": "ImportSourceSpecification",
        "dynamodb:*Import*": "ImportSourceSpecification",
        "dynamodb:*Replica": "Replicas",
        "dynamodb:*ResourcePolicy": "ResourcePolicy",
        "dynamodb:UpdateContributorInsights": "ContributorInsightsSpecification",
        "logs:*": "ImportSourceSpecification",
        "s3:*": "ImportSourceSpecification",
    },
    "AWS::Events::Rule": {"iam:PassRole": "RoleArn"},
    "AWS::Glue::Database": {"glue:*Connection": "FederatedDatabase"},
    "AWS::IAM::ManagedPolicy": {"iam:Attach*": "Roles|Groups|Users", "iam:Detach*": "Roles|Groups|Users"},
    "AWS::IAM::Role": {
        "iam:*tachRolePolicy": "ManagedPolicyArns",
        "iam:DeleteRolePermissionsBoundary": "(a boundary is never taken off)",
    },
    "AWS::Kinesis::Stream": {
        "kinesis:*EnhancedMonitoring": "DesiredShardLevelMetrics",
        "kinesis:UpdateShardCount": "(never changed)",
        "kinesis:UpdateStreamMode": "(never changed)",
        "kinesis:UpdateMaxRecordSize": "MaxRecordSizeInKiB",
        "kinesis:UpdateStreamWarmThroughput": "WarmThroughputMiBps",
    },
    "AWS::Lambda::Function": {
        "lambda:*CodeSigning*": "CodeSigningConfigArn",
        "lambda:*FunctionConcurrency": "ReservedConcurrentExecutions",
        "lambda:*RecursionConfig": "RecursiveLoop",
        "lambda:*ScalingConfig": "FunctionScalingConfig",
        "lambda:PassCapacityProvider": "CapacityProviderConfig",
        "lambda:PublishVersion": "PublishToLatestPublished",
        "lambda:PutRuntimeManagementConfig": "RuntimeManagementConfig",
        "lambda:GetLayerVersion": "Layers",
        "s3:GetObjectVersion": "S3ObjectVersion",
    },
    "AWS::Logs::LogGroup": {
        "logs:*KmsKey": "KmsKeyId",
        "logs:*DataProtectionPolicy": "DataProtectionPolicy",
        "logs:CreateLogDelivery": "DeliveryDestinationArn",
        "logs:*ResourcePolic*": "ResourcePolicyDocument",
        "s3:*": "DeliveryDestinationArn",
    },
    "AWS::S3::Bucket": {
        "iam:PassRole": "ReplicationConfiguration",
        "s3:*Accelerate*": "AccelerateConfiguration",
        "s3:*Acl": "AccessControl",
        "s3:*Analytics*": "AnalyticsConfigurations",
        "s3:*[Cc][Oo][Rr][Ss]": "CorsConfiguration",
        "s3:*IntelligentTiering*": "IntelligentTieringConfigurations",
        "s3:*Inventory*": "InventoryConfigurations",
        "s3:*Logging": "LoggingConfiguration",
        "s3:*Metadata*": "MetadataTableConfiguration|MetadataConfiguration",
        "s3:*Metrics*": "MetricsConfigurations",
        "s3:*ObjectLock*": "ObjectLockConfiguration",
        "s3:*Replication*": "ReplicationConfiguration",
        "s3:*Website": "WebsiteConfiguration",
        "s3:*Abac": "AbacStatus",
        "s3:DeleteObject": "(the bucket is emptied by `make destroy`)",
        "s3:DeleteBucketEncryption": "(never taken off)",
        "s3:DeleteBucketLifecycle": "(never taken off)",
        "s3:GetBucketAcl": "AccessControl",
        "s3:UpdateBucketMetadata*": "MetadataConfiguration",
    },
    "AWS::SNS::Subscription": {"iam:*": "SubscriptionRoleArn"},
    "AWS::SNS::Topic": {"iam:*": "DeliveryStatusLogging", "sns:PutDataProtectionPolicy": "DataProtectionPolicy"},
    "AWS::StepFunctions::StateMachine": {"s3:GetObject": "DefinitionS3Location"},
}
"""Type -> action that its handlers list -> property that alone makes them use it. Reading is granted in full."""

READ_OF_ANOTHER = {"glue:GetConnection"}
"""What a handler reads of something that a stage has none of."""


@pytest.fixture(scope="module")
def resources(templates: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(logical name, resource) of everything that CloudFormation makes for a stage."""
    translated = translate([(template, GIVEN) for template in templates.values()])
    own = [load_template((ROOT / "infra" / f"{name}.yaml").read_text()) for name in ("foundation", *EXTRAS)]
    return [pair for template in (*translated, *own) for pair in _each(template["Resources"])]


def _each(found: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical, resource in found.items():
        yield from (
            _each(resource[2]) if logical.startswith("Fn::ForEach") else [(logical, resource)]
        )  # a loop of the language extensions: name, list, what is made for each


def granted_to(role: str) -> list[Grant]:
    """By the managed policies of a role of the delivery stack."""
    policies = [it["Ref"] for it in DELIVERY[role]["Properties"]["ManagedPolicyArns"]]
    return [grant for name in policies for grant in grants(DELIVERY[name]["Properties"]["PolicyDocument"])]


def needed(kind: str, resource: Mapping[str, Any]) -> Iterator[str]:
    """Actions that CloudFormation takes for a resource: for reading it all, else those that its properties ask for."""
    used = json.dumps(resource.get("Properties", {}))
    for handler, actions in HANDLERS[kind].items():
        for action in actions:
            exempt = [
                properties
                for pattern, properties in {**UNUSED["*"], **UNUSED.get(kind, {})}.items()
                if fnmatch.fnmatchcase(action, pattern)
            ]
            unused = any(not re.search(f'"({it})"', used) for it in exempt)
            own = action.split(":")[0].lower() in kind.lower() and action not in READ_OF_ANOTHER
            if not unused or (handler == "read" and own):
                yield action[:1].lower() + action[1:]


def test_cloudformation_has_every_right_that_its_handlers_ask_for(resources: list[tuple[str, dict[str, Any]]]) -> None:
    granted = granted_to("CloudFormationRole")
    refused = {
        f"{resource['Type']}: {why}"
        for _, resource in resources
        for action in needed(resource["Type"], resource)
        for why in refusals(action, granted)
    }
    assert sorted(refused) == []


def test_the_facts_cover_every_type_that_is_used(resources: list[tuple[str, dict[str, Any]]]) -> None:
    assert {resource["Type"] for _, resource in resources} - HANDLERS.keys() == set()


@pytest.mark.parametrize("name", [name for name, it in DELIVERY.items() if it["Type"] == "AWS::IAM::ManagedPolicy"])
def test_what_a_role_of_delivery_is_granted_can_be_taken(name: str) -> None:
    assert vain(grants(DELIVERY[name]["Properties"]["PolicyDocument"])) == []


@pytest.mark.parametrize("path", POLICIES, ids=lambda it: f"{it.parts[-3]}-{it.stem}")
def test_what_a_function_is_granted_can_be_taken(path: Path) -> None:
    assert vain(grants(json.loads(path.read_text()))) == []


def vain(granted: Iterable[Grant]) -> list[str]:
    """Actions that AWS does not know, and those granted on a resource that know none but everything."""
    return [
        action
        for grant in granted
        for action in grant.actions
        if not is_known(action) or (takes_no_resource(action) and grant.resources != ("*",))
    ]


def test_no_right_of_a_stage_reaches_a_stage_whose_name_goes_on_after_a_hyphen() -> None:
    """`prod` and `prod-eu` side by side: what is named for the one is no other's."""
    of_prod_eu = {
        "stack/covid-stats-prod-eu-foundation/id",
        "table/covid-stats-prod-eu-runs",
        "function:covid-stats-merger-prod-eu-watch",
        "role/covid-stats-prod-eu-merger-watch",
        "rule/covid-stats-prod-eu-merger-watch",
        "alarm:covid-stats-prod-eu/watch-silent",
        "log-group:/aws/lambda/covid-stats-api-prod-eu",
        "log-group:/aws/lambda/covid-stats-api-prod-eu:log-stream:it",
        "covid-stats-prod-eu-digest",
        "covid-stats-prod-eu-api-dead-letters",
        "parameter/covid-stats/prod-eu/bucket",
        "covid-stats-prod-eu-data-123456789012",
        "dashboard/covid-stats-prod-eu",
        "group/covid-stats-prod-eu/id",
        "sampling-rule/covid-prod-eu-api",
        "workgroup/covid-stats-prod-eu",
        "database/covid_stats_prod_eu",
        "policy/covid-stats-prod-eu-analyst",
        "policy/covid-stats-prod-eu-boundary",
    }
    reached = {
        (name, arn, other)
        for name, it in DELIVERY.items()
        if it["Type"] == "AWS::IAM::ManagedPolicy"
        for grant in grants(it["Properties"]["PolicyDocument"])
        for arn in grant.resources
        for other in of_prod_eu
        if "prod" in arn
        and overlap(arn, f"arn:aws:{arn.split(':')[2]}:{arn.split(':')[3]}:{arn.split(':')[4]}:{other}")
    }
    assert reached == set()


# --- nobody makes himself an administrator -------------------------------------------------------------------------


def test_no_role_is_made_or_given_a_policy_without_the_boundary() -> None:
    boundary = {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "Boundary"}}}
    making = {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"}
    found = [grant for role in ("DeployRole", "CloudFormationRole") for grant in granted_to(role)]
    assert [grant for grant in found if set(grant.actions) & making and grant.conditions != boundary] == []
    assert any(set(grant.actions) & making for grant in found)


def test_the_boundary_itself_cannot_be_changed_by_those_whom_it_binds() -> None:
    arn = "arn:aws:iam::123456789012:policy/covid-stats-prod-boundary"
    changing = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion")
    for role in ("DeployRole", "CloudFormationRole"):
        for grant in granted_to(role):
            assert [action for action in changing if grant.covers(action, arn)] == []
            assert not grant.covers("iam:DeleteRolePermissionsBoundary")


def test_the_boundary_allows_nothing_of_iam_and_nothing_of_other_stages() -> None:
    """But for our kinds of events on the account's bus, which name the stage that they are for."""
    kinds = ["Feed Wanted", *(f"Run {state.capitalize()}" for state in State if state.ended)]
    ours = {"StringEqualsIfExists": {"events:source": "covid-stats", "events:detail-type": kinds}}
    for grant in grants(DELIVERY["Boundary"]["Properties"]["PolicyDocument"]):
        assert [action for action in grant.actions if action.startswith(("iam:", "sts:", "cloudformation:"))] == []
        for arn in grant.resources:
            on_the_bus = set(grant.actions) == {"events:PutEvents"} and grant.conditions == ours
            assert arn == "*" or "prod" in arn or ":distribution/" in arn or on_the_bus


def test_every_role_of_a_stage_has_the_boundary_and_a_name_that_delivery_may_make(
    resources: list[tuple[str, dict[str, Any]]],
) -> None:
    bound = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
    roles = [it["Properties"] for _, it in resources if it["Type"] == "AWS::IAM::Role"]
    assert [it["RoleName"] for it in roles if it.get("PermissionsBoundary") != bound] == []
    named = {f"arn:aws:iam::123456789012:role/{_named(it['RoleName'])}" for it in roles}
    [making] = [grant for grant in granted_to("CloudFormationRole") if "iam:CreateRole" in grant.actions]
    assert named == set(making.resources)


def _named(value: Any) -> str:
    return str(value["Fn::Sub"] if isinstance(value, dict) else value).replace("${Stage}", "prod")


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("*/.chalice/policy-*.json")), ids=lambda it: f"{it.parts[-3]}-{it.stem}"
)
def test_what_a_function_may_do_is_within_the_boundary(path: Path) -> None:
    """Else it would be denied on AWS, and only where delivery made the role."""
    bounds = list(grants(DELIVERY["Boundary"]["Properties"]["PolicyDocument"]))
    document = json.loads(string.Template(path.read_text()).substitute(example_names("prod")))
    outside = [
        (action, arn)
        for grant in grants(document)
        for action in grant.actions
        for arn in grant.resources
        if not any(bound.covers(action, arn) for bound in bounds)
    ]
    assert outside == []


# --- what the code calls -------------------------------------------------------------------------------------------

ACTIONS_OF: Mapping[str, frozenset[str]] = {
    "batch_write_item": frozenset({"dynamodb:BatchWriteItem"}),
    "copy_object": frozenset({"s3:GetObject", "s3:PutObject"}),
    "create_invalidation": frozenset({"cloudfront:CreateInvalidation"}),
    "get_item": frozenset({"dynamodb:GetItem"}),
    "get_object": frozenset({"s3:GetObject"}),
    "head_object": frozenset({"s3:GetObject"}),
    "list_objects_v2": frozenset({"s3:ListBucket"}),
    "publish": frozenset({"sns:Publish"}),
    "put_item": frozenset({"dynamodb:PutItem"}),
    "put_object": frozenset({"s3:PutObject"}),
    "query": frozenset({"dynamodb:Query"}),
    "scan": frozenset({"dynamodb:Scan"}),
    "transact_write_items": frozenset({"dynamodb:UpdateItem"}),
    "update_item": frozenset({"dynamodb:UpdateItem"}),
    "delete_item": frozenset({"dynamodb:DeleteItem"}),
    "delete_object": frozenset({"s3:DeleteObject"}),
    "upload_part": frozenset({"s3:PutObject"}),
    "create_multipart_upload": frozenset({"s3:PutObject"}),
    "complete_multipart_upload": frozenset({"s3:PutObject"}),
    "abort_multipart_upload": frozenset({"s3:AbortMultipartUpload"}),
    "put_events": frozenset({"events:PutEvents"}),
    "send_message": frozenset({"sqs:SendMessage"}),
    "invoke": frozenset({"lambda:InvokeFunction"}),
}
"""Operation as boto calls it -> rights that it takes."""

CLIENTS = re.compile(r"_?(client|s3|sns|dynamodb|lambda|events|table)")


def calls(folder: Path) -> set[str]:
    """Operations of AWS that are called on something named as a client in the files below a folder."""
    found = set[str]()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and CLIENTS.fullmatch(_last_name(node.value)):
                found.add(node.attr)
    return found & ACTIONS_OF.keys()


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=called):
            return _last_name(called)
    return ""


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_services_code_calls_its_functions_may_do(service: str) -> None:
    """By service; which function of it needs what is tried in the local cloud (test_privileges.py)."""
    documents = [json.loads(path.read_text()) for path in (ROOT / service / ".chalice").glob("policy-*.json")]
    granted = {action for document in documents for grant in grants(document) for action in grant.actions}
    if service == "api":
        granted.add("cloudfront:CreateInvalidation")  # by infra/fragments/api.yaml, where there is a distribution
        granted |= {"dynamodb:DeleteItem", "dynamodb:PutItem", "sns:Subscribe"}  # there too, by PublicSubscriptions
    called = calls(ROOT / service / "chalicelib")
    assert called
    assert {action for name in called for action in ACTIONS_OF[name]} - granted == set()


def test_what_make_deploy_calls_the_deploy_role_may_do() -> None:
    granted = granted_to("DeployRole")
    called = {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "events:PutEvents",
        "iam:PassRole",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
        "ssm:PutParameter",
    }
    assert [why for action in sorted(called) for why in refusals(action, granted)] == []
