"""What the templates of operations, analytics and delivery promise, read off them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.deploying.stage import read_choices
from infra.deploying.templates import load_template
from infra.services import EXTRAS, ROOT, SERVICES, find_service
from shared.datasets import dataset_names, find_dataset

INFRA, DOCS = ROOT / "infra", ROOT / "infra" / "docs"
OWN = ("foundation", "operations", "analytics", "engine", "delivery")

REFUSED_LOCALLY = {
    "AWS::Athena::NamedQuery",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::IAM::OIDCProvider",
    "AWS::Logs::QueryDefinition",
    "AWS::XRay::Group",
    "AWS::XRay::SamplingRule",
}
"""Types for which the local cloud refuses a whole stack."""

WITHOUT_ARN = {
    "cloudfront:CreateCachePolicy": "no resource; CloudFront draws the id",
    "cloudfront:CreateDistribution": "no resource; CloudFront draws the id",
    "cloudfront:CreateOriginRequestPolicy": "no resource; CloudFront draws the id",
    "cloudfront:CreateResponseHeadersPolicy": "no resource; CloudFront draws the id",
    "cloudwatch:DescribeAlarms": "reads; CloudWatch wants it on everything",
    "cloudwatch:PutCompositeAlarm": "CloudWatch wants it on everything; an alarm does nothing but tell",
    "dynamodb:ListStreams": "lists",
    "lambda:CreateEventSourceMapping": "ids are drawn by Lambda; bound by the function",
    "lambda:DeleteEventSourceMapping": "ids are drawn by Lambda; bound by the function",
    "lambda:UpdateEventSourceMapping": "ids are drawn by Lambda; bound by the function",
    "logs:DeleteQueryDefinition": "no resource",
    "logs:DescribeLogGroups": "lists",
    "logs:DescribeQueryDefinitions": "lists",
    "logs:PutQueryDefinition": "no resource",
    "sns:GetSubscriptionAttributes": "no resource",
    "sns:SetSubscriptionAttributes": "no resource",
    "sns:Unsubscribe": "no resource",
    "xray:GetGroups": "lists",
    "xray:GetSamplingRules": "lists",
    "xray:PutTelemetryRecords": "no resource",
    "xray:PutTraceSegments": "no resource",
}
"""Actions that AWS lets nobody narrow to a resource by its ARN, with why it is harmless."""


def template(name: str) -> dict[str, Any]:
    return load_template((INFRA / f"{name}.yaml").read_text())


def resources(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(logical name, resource); loops of the language extensions are left out."""
    for logical, resource in template(name)["Resources"].items():
        if not logical.startswith("Fn::"):
            yield logical, resource


def resource(name: str, logical: str) -> dict[str, Any]:
    return dict(resources(name))[logical]


def of_type(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {logical: it["Properties"] for logical, it in resources(name) if it["Type"] == kind}


def alarms() -> dict[str, str]:
    """Name of every alarm of a stage, without its beginning -> its description."""
    found = dict[str, str]()
    for path in (*sorted((INFRA / "fragments").glob("*.yaml")), *(INFRA / f"{name}.yaml" for name in EXTRAS)):
        for resource in load_template(path.read_text())["Resources"].values():
            if resource.get("Type", "").startswith("AWS::CloudWatch::") and "AlarmName" in resource["Properties"]:
                name = resource["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("covid-stats-${Stage}")
                found[name.removeprefix("/")] = resource["Properties"]["AlarmDescription"]
    return found


def texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, item in value.items():
                yield str(key)
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)


@pytest.mark.parametrize("name", OWN)
def test_what_the_local_cloud_refuses_is_for_aws_only(name: str) -> None:
    conditions = template(name)["Conditions"]
    everywhere = [
        logical
        for logical, resource in resources(name)
        if resource["Type"] in REFUSED_LOCALLY and not is_of_aws(resource.get("Condition", ""), conditions)
    ]
    assert everywhere == []


def is_of_aws(name: str, conditions: Mapping[str, Any]) -> bool:
    """Whether a condition can hold on AWS only, by itself or by one that it rests on."""
    used = re.findall(r'"Condition": "(\w+)"', json.dumps(conditions.get(name, {})))
    return name == "IsAws" or any(is_of_aws(it, conditions) for it in used)


@pytest.mark.parametrize("name", OWN)
def test_every_given_name_holds_the_stage(name: str) -> None:
    naming = re.compile(r"(?:[A-Z]\w+)?Name")
    free = {"AttributeName", "MetricName", "RoleName", "IndexName"}
    for logical, resource in resources(name):
        for key, given in resource.get("Properties", {}).items():
            if naming.fullmatch(key) and key not in free and "Ref" not in json.dumps(given):
                queries = resource["Type"] == "AWS::Athena::NamedQuery"  # named for people, within their work group
                assert logical and (queries or "Stage" in json.dumps(given))


@pytest.mark.parametrize("name", OWN)
def test_no_yaml_that_cloudformation_does_not_read(name: str) -> None:
    """CloudFormation knows no anchors, aliases or merge keys; cfn-lint lets them pass."""
    text = (INFRA / f"{name}.yaml").read_text()
    assert re.findall(r"(?m)(?:^|[\s\[{:])[&*][a-z][\w-]*\s*$|<<:", text) == []


def test_every_alarm_has_a_page_of_the_runbook_and_every_page_an_alarm() -> None:
    named = {
        alarm: re.search(r"See infra/docs/runbook/([\w-]+)\.md\.$", description)
        for alarm, description in alarms().items()
    }
    assert [alarm for alarm, page in named.items() if page is None] == []
    pages = {page[1] for page in named.values() if page} | {"budget"}  # the budget mails by itself
    assert pages == {path.stem for path in (DOCS / "runbook").glob("*.md")}


def test_every_alarm_is_listed_in_the_runbook() -> None:
    listed = set(re.findall(r"\]\(([\w-]+)\.md\)", (DOCS / "runbook" / "README.md").read_text()))
    assert listed == {path.stem for path in (DOCS / "runbook").glob("*.md")} - {"README"}


def test_every_page_of_the_runbook_says_what_it_means_how_to_look_and_what_to_do() -> None:
    parts = ["## What it means", "## How to look", "## What to do"]
    for path in (DOCS / "runbook").glob("*.md"):
        if path.stem != "README":
            assert (path.name, re.findall(r"(?m)^## .*$", path.read_text())) == (path.name, parts)


def test_the_one_light_is_lit_by_every_alarm() -> None:
    [rule, more] = of_type("operations", "AWS::CloudWatch::CompositeAlarm")["StageLight"]["AlarmRule"]["Fn::Sub"]
    lit = re.findall(r'ALARM\("covid-stats-\$\{Stage\}/([\w-]+)"\)', rule)
    apart = ["engine-errors", "feed-unchanged"]  # a rule may name no alarm that is not there
    assert sorted([*lit, *apart]) == sorted(set(alarms()) - {""})
    unchanged = {"Fn::Sub": ' OR ALARM("${FeedUnchanged}")'}
    engine = {"Fn::Sub": ' OR ALARM("covid-stats-${Stage}/engine-errors")'}
    assert more == {
        "OrEngine": {"Fn::If": ["HasEngine", engine, ""]},
        "OrUnchanged": {"Fn::If": ["HasUnchanged", unchanged, ""]},
    }
    assert list(EXTRAS).index("engine") < list(EXTRAS).index("operations"), "an alarm is there before a rule names it"
    assert resource("operations", "FeedUnchanged")["Condition"] == "HasUnchanged"


def test_delivery_may_do_what_starting_a_run_of_each_dataset_takes() -> None:
    """It reads the merger's settings, which name the datasets, looks up the stage, and sends the events."""
    statements = resource("delivery", "MayDeploy")["Properties"]["PolicyDocument"]["Statement"]
    actions = {
        it for each in statements for it in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    assert {"lambda:GetFunctionConfiguration", "ssm:GetParameter", "events:PutEvents"} <= actions
    [found] = [each["Resource"]["Fn::Sub"] for each in statements if each["Sid"] == "FindDatasets"]
    name = find_service("merger").function_name("operate", stage="${Stage}")
    assert found.endswith(f":function:{name}")


def test_every_alarm_notifies_the_operators_both_ways() -> None:
    for name in EXTRAS:
        for logical, alarm in of_type(name, "AWS::CloudWatch::Alarm").items():
            operators = [{"Ref": "OperatorsTopicArn"}]
            assert (logical, alarm["AlarmActions"], alarm["OKActions"]) == (logical, operators, operators)


def test_what_is_looked_at_is_measured_of_the_stage_and_names_no_feed_or_dataset() -> None:
    """One alarm and one curve know every dataset of a stage, whichever those are."""
    text = (ROOT / "infra" / "operations.yaml").read_text()
    declared = [find_dataset(name) for name in dataset_names()]
    names = {dataset.name for dataset in declared} | {
        f"{kind}_{feed}" for dataset in declared for feed in dataset.feed_names for kind in ("age", "bytes")
    }
    assert sorted(name for name in names if re.search(rf"\b{re.escape(name)}\b", text)) == []


def test_the_dashboard_is_json_and_draws_what_the_services_measure() -> None:
    body = of_type("operations", "AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    drawn = json.loads(re.sub(r"\$\{(\w|::)+\}", "7", body))
    assert len(drawn["widgets"]) == 12
    areas = {
        (x, y)
        for it in drawn["widgets"]
        for x in range(it["x"], it["x"] + it["width"])
        for y in range(it["y"], it["y"] + it["height"])
    }
    assert len(areas) == sum(it["width"] * it["height"] for it in drawn["widgets"])  # no two lie over one another


@pytest.mark.parametrize("name", ["analytics", "delivery"])
def test_policies_name_actions_and_resources(name: str) -> None:
    """No wildcard action, and everything on nothing but what has no ARN."""
    for logical, resource in resources(name):
        for statement in statements(resource):
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            if statement["Effect"] == "Deny":
                continue
            assert [action for action in actions if "*" in action] == []
            if statement.get("Resource") == "*":
                assert logical and set(actions) <= set(WITHOUT_ARN)


def statements(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of identity policies; trust policies and those of resources are not meant."""
    properties = resource.get("Properties", {})
    documents = [it["PolicyDocument"] for it in properties.get("Policies", ())]
    if resource["Type"] == "AWS::IAM::ManagedPolicy":
        documents.append(properties["PolicyDocument"])
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def test_no_managed_policy_is_longer_than_iam_allows() -> None:
    for name in ("analytics", "delivery"):
        for logical, policy in of_type(name, "AWS::IAM::ManagedPolicy").items():
            assert logical and len(resolved(policy["PolicyDocument"])) <= 6144


def resolved(document: object) -> str:
    """A policy as IAM counts it, with the longest names there can be."""
    text = json.dumps(document, separators=(",", ":"))
    for name, value in {
        "${Stage}": "s" * 20,
        "${AWS::Partition}": "aws-us-gov",
        "${AWS::Region}": "ap-southeast-1",
        "${AWS::AccountId}": "1" * 12,
        "${DataBucket}": "b" * 50,
        "${ArtefactBucket}": "b" * 50,
        "${Database}": "d" * 32,
    }.items():
        text = text.replace(name, value)
    return re.sub(r'\{"Fn::Sub":("[^"]*")\}', r"\1", text)


def test_only_workflows_in_the_stages_environment_may_deploy_it() -> None:
    role = of_type("delivery", "AWS::IAM::Role")["DeployRole"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "Fn::Sub": "repo:${Repository}:environment:${Stage}:ref:refs/heads/${Branch}"
            },
        }
    }


def test_a_deployment_and_a_build_start_a_run() -> None:
    rules = of_type("operations", "AWS::Events::Rule")
    assert rules["StartAfterDeployment"]["EventPattern"] == {
        "source": ["covid-stats.delivery"],
        "detail-type": ["Deployment Succeeded"],
        "detail": {"stage": [{"Ref": "Stage"}]},
    }
    assert rules["StartAfterBuild"]["EventPattern"]["detail"]["build-status"] == ["SUCCEEDED"]
    fetch = SERVICES["fetcher"].function_name("fetch", stage="${Stage}")
    for rule in (rules["StartAfterDeployment"], rules["StartAfterBuild"]):
        assert [target["Arn"]["Fn::Sub"].split(":function:")[1] for target in rule["Targets"]] == [fetch]


def test_query_definitions_ask_every_log_group_that_they_name() -> None:
    groups = {
        f"/aws/lambda/{service.function_name(function, stage='${Stage}')}"
        for service in SERVICES.values()
        for function in service.functions
    }
    for logical, query in of_type("operations", "AWS::Logs::QueryDefinition").items():
        assert logical and {name["Fn::Sub"] for name in query["LogGroupNames"]} <= groups


def test_links_of_the_documents_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in DOCS.rglob("*.md")
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
        if not Path(path.parent, link).resolve().exists()
    ]
    assert broken == []


def test_every_parameter_of_the_templates_is_documented_and_the_other_way_round() -> None:
    """Those that an operator sets; the others are passed from stack to stack by `make deploy`."""
    passed = {
        "Stage",
        "Cloud",
        "OperatorsTopicArn",
        "PermissionsBoundary",
        "LocalEndpoint",
        "DataBucket",
        "ArtefactBucket",
        "Url",
        "EngineScript",
        "EngineCode",
    }
    declared = {extra.switch for extra in EXTRAS.values()}
    paths = [
        *(INFRA / "fragments").glob("*.yaml"),
        *(INFRA / f"{name}.yaml" for name in ("foundation", *EXTRAS)),
    ]
    for path in paths:
        declared |= set(load_template(path.read_text())["Parameters"])
    table = (DOCS / "deploy.md").read_text().split("## Parameters")[1].split("\n## ")[0]
    documented = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert documented == declared - passed


def test_every_document_is_listed_among_the_documents() -> None:
    listed = set(re.findall(r"\]\(([\w/]+)\.md\)", (DOCS / "README.md").read_text()))
    assert listed == {path.stem for path in DOCS.glob("*.md")} - {"README"} | {"runbook/README"}


def test_the_example_of_a_stage_names_parameters_and_settings_that_exist() -> None:
    choices = read_choices("example")
    paths = [
        *(INFRA / "fragments").glob("*.yaml"),
        *(INFRA / f"{name}.yaml" for name in ("foundation", *EXTRAS)),
    ]
    parameters = {name for path in paths for name in load_template(path.read_text())["Parameters"]}
    switches = {extra.switch for extra in EXTRAS.values()}
    assert set(choices.parameters) - parameters - switches == set()
    known = {"DATASETS"} | {setting for service in SERVICES.values() for setting in service.settings}
    assert set(choices.settings) - known == set()
    assert choices.parameters["Emails"] == "reader@example.org,other@example.org"
