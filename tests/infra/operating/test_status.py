"""What `make status` finds wrong, on a stage in memory (moto) that looks like one on AWS."""

import datetime as dt
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from infra.deploying.deployed import Stage
from infra.operating.status import Glance, Status, look_at
from infra.operating.status_words import StatusPrinter
from infra.terminal import Terminal
from shared import keys
from shared.attributes import to_item
from shared.ledger.items import FeedState
from shared.runs import State
from tests.shared.in_memory import BUCKET, ENVIRONMENT, Cloud, cloud_in_memory

NOW = dt.datetime(2020, 10, 25, 23, tzinfo=dt.UTC)
TODAY, YESTERDAY = "2020-10-25T17:00:00Z", "2020-10-24T17:00:00Z"

ALARM = {
    "AlarmName": "merger-errors",
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


class Stacks:
    """CloudFormation, as far as it is asked: one stack with a queue and an alarm, which moto does not make of it."""

    def __init__(self, queue: str) -> None:
        self._resources = {
            "AWS::SQS::Queue": queue,
            "AWS::CloudWatch::Alarm": ALARM["AlarmName"],
            "AWS::Lambda::Function": "on_feed_arrived",
        }

    def get_paginator(self, name: str) -> "Stacks":
        assert name == "list_stack_resources"
        return self

    def paginate(self, *, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - as boto3 has it
        found = self._resources if StackName == "covid-stats-test-merger" else {}
        return [
            {"StackResourceSummaries": [{"ResourceType": kind, "PhysicalResourceId": it} for kind, it in found.items()]}
        ]


class StageAt(Stage):
    """A stage of which the settings are known and the clock is told."""

    settings = ENVIRONMENT | {"OBSERVATIONS_TABLE": "observations"}
    stacks = Stacks("")

    def client(self, service: str) -> Any:
        return self.stacks if service == "cloudformation" else super().client(service)

    def now(self) -> dt.datetime:
        return NOW


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_in_memory() as cloud:
        yield cloud


@pytest.fixture
def stage(cloud: Cloud) -> StageAt:
    """Healthy: two commits, the last one served, both feeds new today."""
    stage = StageAt("test")
    stage.stacks = Stacks(cloud.sqs.create_queue(QueueName="merger-dead-letters")["QueueUrl"])
    stage.client("cloudwatch").put_metric_alarm(**ALARM)
    say(stage, "OK")
    for run_id in (YESTERDAY, TODAY):
        run(cloud, run_id)
    cloud.put(
        **to_item({"dataset": "us-covid#head", "run_id": "head", "head": TODAY, "rows": 277, "newest": "2020-10-24"})
    )
    serve(cloud, TODAY)
    for feed in ("nyt", "jhu"):
        seen(cloud, feed, changed=TODAY)
    return stage


def run(cloud: Cloud, run_id: str, state: State = State.COMMITTED, *, mail: str = "SENT", reason: str = "") -> None:
    optional = {name: value for name, value in {"mail": mail, "reason": reason}.items() if value}
    cloud.put(**to_item({"dataset": "us-covid", "run_id": run_id, "state": state, "added": 1, **optional}))


def serve(cloud: Cloud, run_id: str) -> None:
    cloud.s3.put_object(
        Bucket=BUCKET, Key=keys.current_views_key("us-covid"), Body=json.dumps({"run_id": run_id}).encode()
    )


def seen(cloud: Cloud, feed: str, *, changed: str) -> None:
    cloud.ledger().save_feed_state(FeedState(feed=feed, sha256="x", last_run_id=TODAY, changed_run_id=changed))


def say(stage: Stage, value: str) -> None:
    stage.client("cloudwatch").set_alarm_state(AlarmName="merger-errors", StateValue=value, StateReason="one error")


def problems(stage: Stage) -> list[str]:
    return list(look_at(stage).problems)


def test_a_healthy_stage_has_none(stage: Stage) -> None:
    found = look_at(stage)
    assert found.problems == []
    assert (found.stage, found.where, found.at) == ("test", "AWS us-east-1", "2020-10-25T23:00:00Z")
    assert [(queue.name, queue.messages) for queue in found.queues] == [("merger-dead-letters", 0)]
    assert found.alarms == []


def test_before_the_first_run_that_is_what_is_wrong(cloud: Cloud) -> None:
    stage = StageAt("test")
    stage.stacks = Stacks(cloud.sqs.create_queue(QueueName="merger-dead-letters")["QueueUrl"])
    found = look_at(stage)
    assert found.problems == ["there is no run yet", "feed jhu has never been seen", "feed nyt has never been seen"]


def test_a_run_that_ended_badly_counts_while_it_is_the_newest(stage: Stage, cloud: Cloud) -> None:
    run(cloud, YESTERDAY, State.REJECTED, reason="feed nyt, line 3")
    assert problems(stage) == []
    run(cloud, TODAY, State.INCOMPLETE, reason="feed jhu had not arrived")
    assert problems(stage) == [f"the newest run, {TODAY}, is INCOMPLETE: feed jhu had not arrived"]


def test_a_run_that_does_not_end_counts_when_it_is_late(stage: Stage, cloud: Cloud) -> None:
    run(cloud, "2020-10-25T22:00:00Z", State.MERGING, mail="")
    assert problems(stage) == []
    run(cloud, "2020-10-25T14:00:00Z", State.MERGING, mail="")
    assert problems(stage) == ["run 2020-10-25T14:00:00Z is still MERGING"]


def test_a_mail_that_is_not_out_counts(stage: Stage, cloud: Cloud) -> None:
    run(cloud, TODAY, mail="SENDING")
    assert problems(stage) == [f"run {TODAY} is COMMITTED, but its mail is not out"]


def test_a_day_without_a_run_counts(stage: Stage, cloud: Cloud) -> None:
    cloud.dynamodb.delete_item(
        TableName=ENVIRONMENT["RUNS_TABLE"], Key=to_item({"dataset": "us-covid", "run_id": TODAY})
    )
    assert problems(stage) == [f"the newest run is of {YESTERDAY}; one was due at {TODAY}"]


def test_views_behind_the_head_count(stage: Stage, cloud: Cloud) -> None:
    serve(cloud, YESTERDAY)
    assert problems(stage) == [f"the views served are of {YESTERDAY}; the head is {TODAY}"]


def test_a_feed_that_stands_still_counts(stage: Stage, cloud: Cloud) -> None:
    seen(cloud, "jhu", changed="2020-10-21T17:00:00Z")
    assert problems(stage) == ["the used rows of feed jhu stand still since 2020-10-21T17:00:00Z: 4.2 days"]


def test_a_feed_whose_used_rows_stand_still_counts_whatever_else_of_its_file_changes(
    stage: Stage, cloud: Cloud
) -> None:
    head = to_item({"dataset": "us-covid#head", "run_id": "head", "head": TODAY, "newest": "2020-10-24"})
    cloud.put(**head, **to_item({"rows_since": {"nyt": TODAY, "jhu": "2020-10-21T17:00:00Z"}}))
    assert problems(stage) == ["the used rows of feed jhu stand still since 2020-10-21T17:00:00Z: 4.2 days"]
    seen(cloud, "nyt", changed="2020-10-21T17:00:00Z")
    assert [(feed.name, feed.last_changed) for feed in look_at(stage).feeds] == [
        ("jhu", "2020-10-21T17:00:00Z"),
        ("nyt", TODAY),
    ]


def test_letters_in_a_dead_letter_queue_count(stage: Stage, cloud: Cloud) -> None:
    url = cloud.sqs.get_queue_url(QueueName="merger-dead-letters")["QueueUrl"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody="a batch that failed")
    assert problems(stage) == ["merger-dead-letters holds 1 messages"]


def test_an_alarm_counts_and_one_without_data_is_only_shown(stage: Stage) -> None:
    say(stage, "INSUFFICIENT_DATA")
    found = look_at(stage)
    assert ([alarm.state for alarm in found.alarms or []], found.problems) == (["INSUFFICIENT_DATA"], [])
    say(stage, "ALARM")
    assert problems(stage) == ["alarm merger-errors is ALARM: one error"]


def test_status_is_given_in_words_and_to_machines(stage: Stage, cloud: Cloud) -> None:
    run(cloud, TODAY, State.REJECTED, reason="feed nyt [line 3] is odd")
    found = look_at(stage)
    shown = words(found)
    for part in ("covid-stats test  AWS us-east-1  at 2020-10-25T23:00:00Z", "277 rows, newest 2020-10-24"):
        assert part in shown
    assert "feed nyt [line 3] is odd" in shown and "✗ the newest run" in shown
    printed: dict[str, Any] = json.loads(json.dumps(found.as_map(), default=sorted))
    assert (printed["healthy"], printed["head"]["rows"], printed["runs"][0]["state"]) == (False, 277, "REJECTED")


def words(found: Status) -> str:
    out = io.StringIO()
    StatusPrinter(Terminal(Console(file=out, width=160, highlight=False))).status(found)
    return out.getvalue()


def test_it_reads_well_at_80_columns_and_in_a_pipe(stage: Stage, cloud: Cloud) -> None:
    """A run with its state on one line, whole ids, and no line beyond the terminal but a reason."""
    run(cloud, TODAY, State.REJECTED, reason="feed nyt, line 3: " + "cases is 'n/a', a whole number is needed " * 4)
    found, out = look_at(stage), io.StringIO()
    StatusPrinter(Terminal(Console(file=out, width=80, highlight=False))).status(found)
    lines = out.getvalue().splitlines()
    [row] = [line for line in lines if line.startswith(TODAY)]
    assert row.split()[:2] == [TODAY, "REJECTED"]
    assert [line for line in lines if line.startswith(f"    {found.runs[0].reason}")] != []
    assert all(feed.last_seen in out.getvalue() and feed.title in out.getvalue() for feed in found.feeds)
    assert [line for line in lines if len(line) > 80 and "feed nyt, line 3" not in line] == []


LONG = "hospital-admissions-by-state-and-county"
"""As long as the name of a dataset or feed may be."""


def test_long_names_are_broken_between_words_on_a_terminal_and_stay_whole_in_a_pipe(stage: Stage, cloud: Cloud) -> None:
    """Of datasets, feeds and stages; no id is cut, no line is beyond 80 columns."""
    found = look_at(stage)
    feed = replace(
        found.feeds[0], name=LONG, title="A feed of a long name, by an institute of a longer one, of a country"
    )
    glance = Glance(
        dataset=LONG,
        head=TODAY,
        rows=1_234_567,
        newest="2020-10-24",
        served=YESTERDAY,
        last_run=TODAY,
        state="REJECTED",
        reason="",
    )
    problem = "the newest run was rejected: " + "cases is 'n/a', a whole number is needed " * 4
    for datasets in ([], [glance, replace(glance, dataset="us-covid")]):
        shown = replace(found, stage="production-eu-west-1", feeds=[feed], datasets=datasets, problems=[problem])
        narrow, piped = _printed(shown, terminal=True), _printed(shown, terminal=False)
        assert [line for line in narrow.splitlines() if len(line) > 80] == []
        assert narrow.split() == piped.split()
        assert f"✗ {problem.rstrip()}" in piped


def _printed(status: Status, *, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, highlight=False, force_terminal=terminal, color_system=None)
    StatusPrinter(Terminal(console)).status(status)
    return out.getvalue()
