"""The rules that start the runs of a stage's datasets, beside the one that Chalice makes for the first of them.

One rule for each different schedule, with a target for each dataset whose input names it. A rule has five targets at
most, so that six datasets of one schedule have two rules of it.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
"""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.dataset import Dataset
from shared.schedule import DEFAULT_SCHEDULE, read_schedule

_TARGETS = 5
"""A rule has no more."""


def schedule_of(dataset: Dataset, *, usual: str) -> str:
    """When the runs of a dataset start: as it declares, else as the stage has it (`usual`, which may be empty)."""
    return read_schedule(dataset.schedule or usual or DEFAULT_SCHEDULE)


def with_schedules(template: Mapping[str, Any], datasets: Sequence[Dataset], *, usual: str) -> dict[str, Any]:
    """The fetcher's template with the rules of all datasets but the first, which Chalice's own rule is for."""
    rules = dict(_rules(datasets[1:], usual=usual))
    resources = copy.deepcopy(dict(template["Resources"])) | rules
    for name in rules:
        resources[f"May{name}"] = _may_start(name)
    if rules:
        [statement] = resources["DeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        sources += [{"Fn::GetAtt": [name, "Arn"]} for name in rules]
    return {**template, "Resources": resources}


def _rules(datasets: Sequence[Dataset], *, usual: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(logical name, rule), named by their place among the rules."""
    by_schedule: dict[str, list[str]] = {}
    for dataset in datasets:
        by_schedule.setdefault(schedule_of(dataset, usual=usual), []).append(dataset.name)
    full = [(when, names) for when, all_of in by_schedule.items() for names in itertools.batched(all_of, _TARGETS)]
    for n, (when, names) in enumerate(full, start=2):
        properties = {
            "Name": {"Fn::Sub": f"covid-stats-${{Stage}}-runs-{n}"},
            "Description": f"Fetch the feeds of one run of {', '.join(names)}",
            "ScheduleExpression": when,
            "State": {"Fn::If": ["IsAws", "ENABLED", "DISABLED"]},  # the local cloud has its runs started by command
            "Targets": [_target(name) for name in names],
        }
        yield f"Runs{n}", {"Type": "AWS::Events::Rule", "Properties": properties}


def _target(dataset: str) -> dict[str, Any]:
    return {
        "Id": dataset,
        "Arn": {"Fn::GetAtt": ["Fetch", "Arn"]},
        "InputTransformer": {
            "InputPathsMap": {"time": "$.time"},
            "InputTemplate": f'{{"time": <time>, "dataset": "{dataset}"}}',
        },
        "RetryPolicy": {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
    }


def _may_start(rule: str) -> dict[str, Any]:
    properties = {
        "FunctionName": {"Ref": "Fetch"},
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}
