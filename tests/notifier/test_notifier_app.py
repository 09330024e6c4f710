"""The notifier as Lambda calls it, with a mailbox subscribed to the topic."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from shared.errors import EventMalformed, SettingInvalid
from tests.shared.apps import HEAVY, load_app, modules_of
from tests.shared.in_memory import ENVIRONMENT, Cloud, event

STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/covid-stats-test-runs/stream/2020-09-01T00:00:00.000"


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """An SQS queue on the topic."""

    cloud: Cloud
    queue: str

    def read(self) -> list[dict[str, Any]]:
        reply = self.cloud.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in reply.get("Messages", [])]


@pytest.fixture
def mailbox(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    topic = cloud.sns.create_topic(Name="covid-stats-test-mail")["TopicArn"]
    queue = cloud.sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("TOPIC_ARN", topic)
    monkeypatch.setenv("RUNS_STREAM_ARN", STREAM)
    monkeypatch.setenv("DASHBOARD_URL", "https://stats.example/api/")
    for name in ("stream_committed", "stream_rejected", "stream_notice"):
        cloud.put(**event(name)["Records"][0]["dynamodb"]["NewImage"])
    return Mailbox(cloud=cloud, queue=queue)


def test_a_batch_of_the_stream_reaches_the_mailbox(mailbox: Mailbox, capsys: pytest.CaptureFixture[str]) -> None:
    app = load_app("notifier")
    for name in ("stream_committed", "stream_rejected", "stream_notice"):
        assert app.on_run_ended(event(name), None) == {"batchItemFailures": []}
    mails = mailbox.read()
    assert sorted(
        (m["MessageAttributes"]["kind"]["Value"], m["MessageAttributes"]["stage"]["Value"]) for m in mails
    ) == [
        ("digest", "test"),
        ("failure", "test"),
        ("stale", "test"),
    ]
    [digest] = [mail for mail in mails if mail["MessageAttributes"]["kind"]["Value"] == "digest"]
    assert digest["Subject"] == (
        "[test] covid-stats: Cases +78,702, deaths +910, recoveries +31,229 on 24 Oct; 2 past days revised"
    )
    assert "Dashboard: https://stats.example/api/\n" in digest["Message"]
    assert {name: (it["Type"], it["Value"]) for name, it in digest["MessageAttributes"].items()} == {
        "kind": ("String", "digest"),
        "stage": ("String", "test"),
        "dataset": ("String", "us-covid"),
        "new_dates": ("Number", "0"),
        "largest_revision_percent": ("Number", "0"),
        "warnings": ("Number", "0"),
    }
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["handler"], line["run_id"], line["outcome"]) for line in lines] == [
        ("on_run_ended", "2020-10-25T17:00:00Z", "ok"),
        ("on_run_ended", "2020-10-26T17:00:00Z", "ok"),
        ("on_run_ended", "", "ok"),
    ]


def test_a_poison_record_comes_back_as_a_partial_batch_response(mailbox: Mailbox) -> None:
    poison = event("stream_committed")
    poison["Records"][0]["dynamodb"]["NewImage"]["state"] = {"S": "EXPLODED"}
    both = {"Records": poison["Records"] + event("stream_rejected")["Records"]}
    assert load_app("notifier").on_run_ended(both, None) == {
        "batchItemFailures": [{"itemIdentifier": "100000000000000000101"}]
    }
    assert [mail["MessageAttributes"]["kind"]["Value"] for mail in mailbox.read()] == ["failure"]


@pytest.mark.parametrize("malformed", [None, {}, [], "", 3])
def test_any_other_event_ends_in_the_declared_error(mailbox: Mailbox, malformed: object) -> None:
    with pytest.raises(EventMalformed):
        load_app("notifier").on_run_ended(malformed, None)


def test_a_topic_that_is_missing_fails_by_its_name(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOPIC_ARN")
    with pytest.raises(SettingInvalid, match="TOPIC_ARN"):
        load_app("notifier").on_run_ended(event("stream_committed"), None)


def test_the_handler_is_fed_by_the_stream_of_the_settings(mailbox: Mailbox) -> None:
    [source] = load_app("notifier").app.event_sources
    assert source.stream_arn == STREAM


def test_a_cold_start_imports_nothing_heavy() -> None:
    assert modules_of("notifier", environment=ENVIRONMENT | {"RUNS_STREAM_ARN": STREAM}) & HEAVY == frozenset()


def test_each_dataset_of_a_stage_is_mailed_about_under_its_own_name(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASETS", "us-covid,oil-prices")
    stream = event("stream_committed")
    image = stream["Records"][0]["dynamodb"]["NewImage"]
    image["dataset"] = {"S": "oil-prices"}
    values = {"date": {"S": "2020-10-23"}, "brent": {"N": "41.5"}, "wti": {"N": "39.85"}}
    increments = {"brent": {"N": "-0.7"}, "wti": {"N": "-0.79"}}
    image["summary"]["M"] |= {
        "latest": {"M": values},
        "latest_increments": {"M": increments},
        "added": {"L": [{"M": values | {"increments": {"M": increments}}}]},
        "changed": {"L": []},
        "new_dates": {"N": "1"},
    }
    image["changed"] = {"N": "0"}
    mailbox.cloud.put(**image)
    app = load_app("notifier")
    assert app.on_run_ended(stream, None) == {"batchItemFailures": []}
    assert app.on_run_ended(event("stream_committed"), None) == {"batchItemFailures": []}
    subjects = {mail["MessageAttributes"]["dataset"]["Value"]: mail["Subject"] for mail in mailbox.read()}
    assert subjects == {
        "oil-prices": "[test] Prices of crude oil: Brent 41.50, -0.70; WTI 39.85, -0.79 on 23 Oct",
        "us-covid": "[test] COVID-19 in the United States: Cases +78,702, deaths +910 on 24 Oct; 2 past days revised",
    }
