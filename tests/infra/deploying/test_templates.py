"""What the templates promise: nothing is lost in silence, nothing is public, everything is named by its stage."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.deploying.templates import load_template
from infra.services import ROOT, SERVICES

pytestmark = pytest.mark.xdist_group("built")

FOUNDATION = load_template((ROOT / "infra" / "foundation.yaml").read_text())

SCHEDULED_OR_EVENT = {"Schedule", "CloudWatchEvent"}


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Logical name -> properties of the resources of a type."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if not name.startswith("Fn::") and resource["Type"] == kind
    }


def functions(templates: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(service, logical name, properties) of every function."""
    for service, template in templates.items():
        for name, properties in of_type(template, "AWS::Serverless::Function").items():
            yield service, name, properties


def events(templates: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(`Function.Event`, type, properties) of everything that calls a function."""
    for _, name, properties in functions(templates):
        for event, trigger in properties.get("Events", {}).items():
            yield f"{name}.{event}", trigger["Type"], trigger["Properties"]


def test_every_declared_function_is_in_its_template_and_no_other(templates: Mapping[str, Any]) -> None:
    declared = {service.handler(function) for service in SERVICES.values() for function in service.functions}
    assert declared == {properties["Handler"] for _, _, properties in functions(templates)}


def test_every_function_has_the_name_that_chalice_would_give_it(templates: Mapping[str, Any]) -> None:
    named = {properties["FunctionName"]["Fn::Sub"] for _, _, properties in functions(templates)}
    assert named == {
        service.function_name(function, stage="${Stage}")
        for service in SERVICES.values()
        for function in service.functions
    }


def test_views_are_invalidated_at_the_stages_own_distribution_and_by_nothing_else(templates: Mapping[str, Any]) -> None:
    """With CloudFront on AWS alone: `DISTRIBUTION_ID` and the right to use it come and go together."""
    api = templates["api"]
    [right] = of_type(api, "AWS::IAM::Policy").values()
    assert right["Roles"] == [{"Ref": "RefreshViewsRole"}]
    [statement] = right["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "cloudfront:CreateInvalidation")
    distribution = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"
    assert statement["Resource"] == {"Fn::Sub": distribution}
    assert api["Resources"]["MayInvalidate"]["Condition"] == api["Resources"]["Distribution"]["Condition"] == "IsAws"
    distributions = {
        name: properties["Environment"]["Variables"].get("DISTRIBUTION_ID")
        for _, name, properties in functions(templates)
    }
    refreshing = {"Fn::If": ["IsAws", {"Ref": "Distribution"}, {"Ref": "AWS::NoValue"}]}
    assert {name: it for name, it in distributions.items() if it} == {"RefreshViews": refreshing}
    asking = [name for name, template in templates.items() if "cloudfront:" in json.dumps(template)]
    assert asking == ["api"]


def test_every_function_is_traced_and_logs_to_a_group_that_forgets(templates: Mapping[str, Any]) -> None:
    for service, name, properties in functions(templates):
        group = of_type(templates[service], "AWS::Logs::LogGroup")[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        expected = {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/{properties['FunctionName']['Fn::Sub']}"},
            "RetentionInDays": {"Ref": "LogRetentionDays"},
        }
        assert (name, expected, "Active") == (name, group, properties["Tracing"])


def test_every_stream_mapping_retries_finitely_and_leaves_what_failed(templates: Mapping[str, Any]) -> None:
    mappings = {name: properties for name, kind, properties in events(templates) if kind == "DynamoDB"}
    assert sorted(name.split(".")[0] for name in mappings) == ["OnRunEnded", "RefreshViews"]
    for name, mapping in mappings.items():
        assert name and mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert name and mapping["BisectBatchOnFunctionError"] is True
        assert name and 0 < mapping["MaximumRetryAttempts"] <= 10
        assert name and 0 < mapping["MaximumRecordAgeInSeconds"] <= 86_400
        assert name and mapping["StartingPosition"] == "TRIM_HORIZON"
        assert name and mapping["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
        assert name and mapping["FilterCriteria"]["Filters"]


@pytest.mark.parametrize("service", ["notifier", "api"])
def test_stream_filters_are_json_on_one_level_of_patterns(service: str, templates: Mapping[str, Any]) -> None:
    for _, kind, properties in events({service: templates[service]}):
        if kind == "DynamoDB":
            for entry in properties["FilterCriteria"]["Filters"]:
                assert set(json.loads(entry["Pattern"])) == {"eventName", "dynamodb"}


def test_every_event_retries_finitely_and_leaves_what_failed(templates: Mapping[str, Any]) -> None:
    found = {name: properties for name, kind, properties in events(templates) if kind in SCHEDULED_OR_EVENT}
    assert sorted(name.split(".")[0] for name in found) == ["Fetch", "OnFeedArrived", "Watch"]
    for name, properties in found.items():
        assert name and properties["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
        assert name and properties["RetryPolicy"]["MaximumRetryAttempts"] <= 10


def test_every_asynchronous_function_leaves_what_failed(templates: Mapping[str, Any]) -> None:
    for _, name, properties in functions(templates):
        if any(trigger["Type"] in SCHEDULED_OR_EVENT for trigger in properties.get("Events", {}).values()):
            invoked = properties["EventInvokeConfig"]
            assert name and invoked["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
            assert name and invoked["MaximumRetryAttempts"] <= 2


def test_every_queue_policy_names_a_rule_that_exists(templates: Mapping[str, Any]) -> None:
    rules = {"".join(name.split(".")) for name, kind, _ in events(templates) if kind in SCHEDULED_OR_EVENT}
    named = {
        arn["Fn::GetAtt"][0]
        for template in templates.values()
        for policy in of_type(template, "AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        for arn in statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    }
    assert rules == named


def test_every_function_and_dead_letter_queue_raises_alarms(templates: Mapping[str, Any]) -> None:
    for service, template in templates.items():
        watched = {
            (alarm["MetricName"], dimension["Value"].get("Ref") or dimension["Value"]["Fn::GetAtt"][0])
            for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
            for dimension in alarm.get("Dimensions", ())
            if isinstance(dimension["Value"], dict) and "Fn::Sub" not in dimension["Value"]
        }
        expected = {("ApproximateNumberOfMessagesVisible", "DeadLetters")}
        for name, properties in of_type(template, "AWS::Serverless::Function").items():
            expected |= {("Errors", name), ("Throttles", name)}
            if any(trigger["Type"] == "DynamoDB" for trigger in properties.get("Events", {}).values()):
                expected.add(("IteratorAge", name))
        assert (service, expected - watched) == (service, set())


def test_a_lease_outlives_every_function_that_holds_one(templates: Mapping[str, Any]) -> None:
    for _, name, properties in functions({"merger": templates["merger"]}):
        lease = float(properties["Environment"]["Variables"]["LEASE_SECONDS"])
        assert name and lease > properties["Timeout"]


def test_every_bucket_is_private_encrypted_and_versioned() -> None:
    buckets = of_type(FOUNDATION, "AWS::S3::Bucket")
    assert sorted(buckets) == ["Artefacts", "Data"]
    for name, bucket in buckets.items():
        assert name and all(bucket["PublicAccessBlockConfiguration"].values())
        assert name and len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert name and bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert name and bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    secured = {policy["Bucket"]["Ref"] for policy in of_type(FOUNDATION, "AWS::S3::BucketPolicy").values()}
    assert secured == set(buckets)


def test_every_table_can_be_restored_and_the_ledger_streams_both_images() -> None:
    tables = of_type(FOUNDATION, "AWS::DynamoDB::Table")
    assert sorted(tables) == ["Observations", "Runs"]
    for name, table in tables.items():
        assert name and table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert name and table["BillingMode"] == "PAY_PER_REQUEST"
    assert tables["Runs"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert tables["Runs"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_every_name_given_in_a_template_contains_the_stage(templates: Mapping[str, Any]) -> None:
    naming = ("BucketName", "TableName", "TopicName", "QueueName", "FunctionName", "LogGroupName", "AlarmName", "Name")
    for template in (FOUNDATION, *templates.values()):
        for logical, resource in template["Resources"].items():
            if logical.startswith("Fn::"):
                continue
            for key in naming:
                given = resource.get("Properties", {}).get(key)
                if given is not None and not (isinstance(given, dict) and "Ref" in given):
                    assert logical and "${Stage}" in json.dumps(given)


def test_the_foundation_publishes_what_the_services_ask_for() -> None:
    published = {
        properties["Name"]["Fn::Sub"].rsplit("/", 1)[-1]
        for properties in of_type(FOUNDATION, "AWS::SSM::Parameter").values()
    }
    assert published >= {"bucket", "observations-table", "runs-table", "runs-stream-arn", "topic-arn", "artefacts"}
