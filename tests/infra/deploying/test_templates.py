"""What the templates promise: nothing is lost in silence, nothing is public, everything is named by its stage."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from infra.deploying.templates import load_template
from infra.services import ROOT, SERVICES

pytestmark = pytest.mark.xdist_group("built")

FOUNDATION = load_template((ROOT / "infra" / "foundation.yaml").read_text())

SCHEDULED_OR_EVENT = {"Schedule", "CloudWatchEvent", "EventBridgeRule"}


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


def test_visits_are_counted_in_a_table_that_is_there_only_where_they_are_wanted(templates: Mapping[str, Any]) -> None:
    """The table, its name for the function, and the right to add to it come and go together, and are off by default."""
    api = templates["api"]
    resources = api["Resources"]
    assert api["Parameters"]["VisitCounter"]["Default"] == "no"
    assert resources["Visits"]["Condition"] == resources["CountVisits"]["Condition"] == "CountsVisits"
    [statement] = resources["CountVisits"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["dynamodb:UpdateItem"], {"Fn::GetAtt": ["Visits", "Arn"]})
    assert resources["CountVisits"]["Properties"]["Roles"] == [{"Ref": "ApiHandlerRole"}]
    named = resources["APIHandler"]["Properties"]["Environment"]["Variables"]["VISITS_TABLE"]
    assert named == {"Fn::If": ["CountsVisits", {"Ref": "Visits"}, {"Ref": "AWS::NoValue"}]}


def test_readers_subscribe_themselves_only_where_it_is_wanted_to_the_digests_topic_and_by_mail(
    templates: Mapping[str, Any],
) -> None:
    api = templates["api"]
    resources = api["Resources"]
    assert api["Parameters"]["PublicSubscriptions"]["Default"] == "no"
    of_it = ("Subscriptions", "TakeSubscriptions")
    assert {resources[name]["Condition"] for name in of_it} == {"TakesSubscriptions"}
    topic = {
        "Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:covid-stats-${Stage}-digest",
    }
    counting, subscribing = resources["TakeSubscriptions"]["Properties"]["PolicyDocument"]["Statement"]
    assert counting["Resource"] == {"Fn::GetAtt": ["Subscriptions", "Arn"]}
    assert subscribing == {
        "Sid": "SubscribeByMail",
        "Effect": "Allow",
        "Action": ["sns:Subscribe"],
        "Resource": topic,
        "Condition": {"StringEquals": {"sns:Protocol": "email"}},
    }
    assert resources["TakeSubscriptions"]["Properties"]["Roles"] == [{"Ref": "ApiHandlerRole"}]
    named = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    nothing = {"Ref": "AWS::NoValue"}
    assert named["SUBSCRIPTIONS_TABLE"] == {"Fn::If": ["TakesSubscriptions", {"Ref": "Subscriptions"}, nothing]}
    assert named["TOPIC_ARN"] == {"Fn::If": ["TakesSubscriptions", topic, nothing]}
    [behaviour] = [
        it["Fn::If"]
        for it in resources["Distribution"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
        if "Fn::If" in it
    ]
    assert (behaviour[0], behaviour[1]["PathPattern"]) == ("TakesSubscriptions", "*/subscriptions")
    assert "POST" in behaviour[1]["AllowedMethods"]


def test_the_boundary_holds_what_a_stage_can_switch_on(templates: Mapping[str, Any]) -> None:
    """The rights that are no part of a policy file: without them in the boundary they would be given and not be had."""
    delivery = load_template((ROOT / "infra" / "delivery.yaml").read_text())
    statements = delivery["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    [rows] = [it for it in statements if it["Sid"] == "Rows"]
    tables = {it["Fn::Sub"].rpartition("/")[2] for it in rows["Resource"]}
    switched = of_type(templates["api"], "AWS::DynamoDB::Table").values()
    assert {table["TableName"]["Fn::Sub"] for table in switched} <= tables
    rights = of_type(templates["api"], "AWS::IAM::Policy").values()
    given = [statement for right in rights for statement in right["PolicyDocument"]["Statement"]]
    assert {*_actions(given)} - {*_actions(statements)} == set()


def _actions(statements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for statement in statements:
        yield from [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def test_views_are_invalidated_at_the_stages_own_distribution_and_by_nothing_else(templates: Mapping[str, Any]) -> None:
    """With CloudFront on AWS alone: `DISTRIBUTION_ID` and the right to use it come and go together."""
    api = templates["api"]
    rights = of_type(api, "AWS::IAM::Policy")
    assert set(rights) == {"MayInvalidate", "CountVisits", "TakeSubscriptions"}
    right = rights["MayInvalidate"]
    assert right["Roles"] == [{"Ref": "RefreshViewsRole"}]
    [statement] = right["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "cloudfront:CreateInvalidation")
    distribution = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"
    assert statement["Resource"] == {"Fn::Sub": distribution}
    assert api["Resources"]["MayInvalidate"]["Condition"] == api["Resources"]["Distribution"]["Condition"] == "HasEdge"
    reported = {
        name: properties["Environment"]["Variables"].get("DISTRIBUTION_ID")
        for _, name, properties in functions(templates)
    }
    refreshing = {"Fn::If": ["HasEdge", {"Ref": "Distribution"}, {"Ref": "AWS::NoValue"}]}
    assert {name: it for name, it in reported.items() if it} == {"RefreshViews": refreshing}
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
        assert name and mapping["MaximumRetryAttempts"] == -1  # as often as the age allows: no count ends it before
        assert name and mapping["MaximumRecordAgeInSeconds"] == 12 * 3600
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
    assert sorted(name.split(".")[0] for name in found) == ["Fetch", "Fetch", "OnFeedArrived", "Watch"]
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
        if "ArnEquals" in statement["Condition"]  # else it is of webhooks, each a stack of its own: test_webhooks.py
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


def test_what_is_given_back_to_a_stream_rings_by_our_own_count(templates: Mapping[str, Any]) -> None:
    """Lambda counts no error for it. The line of such an invocation has `errors` (test_log_fields.py holds that)."""
    for service, name, properties in functions(templates):
        if any(it["Type"] == "DynamoDB" for it in properties.get("Events", {}).values()):
            alarm = of_type(templates[service], "AWS::CloudWatch::Alarm")[f"{name}GaveBack"]
            handler = properties["Handler"].removeprefix("app.")
            dimensions = {it["Name"]: it["Value"] for it in alarm["Dimensions"]}
            assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("covid-stats", "errors", 0)
            assert dimensions == {"stage": {"Ref": "Stage"}, "service": service, "handler": handler}


def test_a_stage_goes_without_cloudfront_where_it_is_told_to(templates: Mapping[str, Any]) -> None:
    api = templates["api"]
    edged = {name: it for name, it in api["Resources"].items() if it["Type"].startswith("AWS::CloudFront::")}
    assert len(edged) == 5
    assert {it["Condition"] for it in edged.values()} == {"HasEdge"}
    policy = api["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-policy"]
    assert (policy["Fn::If"][0], policy["Fn::If"][2]) == ("HasEdge", {"Ref": "AWS::NoValue"})
    assert api["Conditions"]["HasEdge"] == {
        "Fn::And": [{"Condition": "IsAws"}, {"Fn::Equals": [{"Ref": "Edge"}, "yes"]}]
    }


def test_accept_reaches_the_api_through_cloudfront(templates: Mapping[str, Any]) -> None:
    """Without it packed bytes would be unpacked in the function, and packed again at the edge."""
    [policy] = of_type(templates["api"], "AWS::CloudFront::OriginRequestPolicy").values()
    assert policy["OriginRequestPolicyConfig"]["HeadersConfig"] == {
        "HeaderBehavior": "whitelist",
        "Headers": ["Accept"],
    }
    behaviour = templates["api"]["Resources"]["Distribution"]["Properties"]["DistributionConfig"][
        "DefaultCacheBehavior"
    ]
    assert behaviour["OriginRequestPolicyId"] == {"Ref": "ToOrigin"}


def test_other_names_below_a_domain_of_ones_own_are_left_alone(templates: Mapping[str, Any]) -> None:
    [policy] = of_type(templates["api"], "AWS::CloudFront::ResponseHeadersPolicy").values()
    strict = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["StrictTransportSecurity"]
    assert strict["IncludeSubdomains"] == {"Fn::If": ["HasDomain", False, True]}


def test_metrics_of_each_method_are_not_paid_for(templates: Mapping[str, Any]) -> None:
    [settings] = templates["api"]["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    assert settings["MetricsEnabled"] is False


def test_packages_stay_however_old_they_are() -> None:
    """CloudFormation asks for the package before when it rolls back."""
    rules = of_type(FOUNDATION, "AWS::S3::Bucket")["Artefacts"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule.get("Prefix", "") for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"templates/", "athena/"}


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
        assert name and table["DeletionProtectionEnabled"] == {"Fn::If": ["IsAws", True, False]}
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
