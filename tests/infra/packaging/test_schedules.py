"""Rules that start the runs of several datasets: as few as can be, and each target names its dataset."""

from dataclasses import replace
from typing import Any

import pytest

from infra.packaging.schedules import schedule_of, with_schedules
from shared.schedule import ScheduleInvalid
from tests.shared.declared import US_COVID

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Fetch": {"Type": "AWS::Serverless::Function"},
        "DeadLettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "PolicyDocument": {
                    "Statement": [
                        {"Condition": {"ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": ["FetchFetchEvent", "Arn"]}]}}}
                    ]
                }
            },
        },
    }
}


def dataset(name: str, schedule: str = "") -> Any:
    return replace(US_COVID, name=name, schedule=schedule)


def rules(datasets: list[Any], *, usual: str = "") -> dict[str, Any]:
    """Schedule and names of the datasets of each rule, by the rule's logical name."""
    resources = with_schedules(TEMPLATE, datasets, usual=usual)["Resources"]
    return {
        name: (it["Properties"]["ScheduleExpression"], [target["Id"] for target in it["Properties"]["Targets"]])
        for name, it in resources.items()
        if it["Type"] == "AWS::Events::Rule"
    }


def test_a_stage_of_one_dataset_has_the_rule_that_chalice_makes_and_no_other() -> None:
    assert with_schedules(TEMPLATE, [dataset("a", "rate(1 day)")], usual="") == TEMPLATE


def test_datasets_of_one_schedule_share_a_rule() -> None:
    found = rules([dataset("a"), dataset("b"), dataset("c", "rate(1 day)"), dataset("d")], usual="cron(0 6 * * ? *)")
    assert found == {"Runs2": ("cron(0 6 * * ? *)", ["b", "d"]), "Runs3": ("rate(1 day)", ["c"])}


def test_a_sixth_target_begins_another_rule() -> None:
    found = rules([dataset(name) for name in "abcdefg"])
    assert [names for _, names in found.values()] == [["b", "c", "d", "e", "f"], ["g"]]


def test_a_target_hands_on_the_events_time_and_its_dataset_and_leaves_what_failed() -> None:
    resources = with_schedules(TEMPLATE, [dataset("a"), dataset("b")], usual="")["Resources"]
    [target] = resources["Runs2"]["Properties"]["Targets"]
    assert target == {
        "Id": "b",
        "Arn": {"Fn::GetAtt": ["Fetch", "Arn"]},
        "InputTransformer": {
            "InputPathsMap": {"time": "$.time"},
            "InputTemplate": '{"time": <time>, "dataset": "b"}',
        },
        "RetryPolicy": {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
    }
    [statement] = resources["DeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        {"Fn::GetAtt": ["FetchFetchEvent", "Arn"]},
        {"Fn::GetAtt": ["Runs2", "Arn"]},
    ]
    assert resources["MayRuns2"]["Properties"]["SourceArn"] == {"Fn::GetAtt": ["Runs2", "Arn"]}


def test_a_declared_schedule_goes_before_the_stages() -> None:
    declared, usual = dataset("a", "rate(1 day)"), "rate(2 days)"
    assert [schedule_of(declared, usual=usual), schedule_of(dataset("a"), usual=usual)] == ["rate(1 day)", usual]
    assert schedule_of(dataset("a"), usual="") == "cron(0 17 * * ? *)"


def test_a_schedule_that_eventbridge_would_not_take_is_refused_before_anything_is_deployed() -> None:
    with pytest.raises(ScheduleInvalid, match="every day"):
        schedule_of(dataset("a"), usual="every day")
