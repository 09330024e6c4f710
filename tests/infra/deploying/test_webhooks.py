"""Webhooks: what a stage's file may say of them, the template, and what a receiver gets."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from infra.deploying.deploy import _Deployment
from infra.deploying.stage import parse_choices
from infra.deploying.stage_names import check_stage
from infra.deploying.templates import load_template
from infra.deploying.webhooks import HOURS, KINDS, Webhook, read_webhooks
from infra.errors import CommandFailed
from infra.local.event_rules import Rule, deliver, matches, read_rule, transform
from infra.services import ROOT
from shared.runs import State

TEMPLATE = load_template((ROOT / "infra" / "webhook.yaml").read_text())
PLAIN = {"name": "ours", "url": "https://receiver.example/runs", "secret": "s3cret"}
EVENT: dict[str, Any] = {
    "source": "covid-stats",
    "detail-type": "Run Committed",
    "detail": {
        "stage": "prod",
        "dataset": "us-covid",
        "title": 'COVID-19 in the "United States"',
        "text": "Cases +5; 2 past days revised",
        "links": {"dashboard": "https://stats.example/", "run": "https://stats.example/runs/x"},
    },
}


def rule_of(webhook: Webhook, *, url: str = "") -> Rule:
    given = webhook.parameters(datasets=["us-covid"]) | {"Stage": "prod"}
    return read_rule(TEMPLATE, given | ({"Url": url} if url else {}))


def webhook(**values: Any) -> Webhook:
    [found] = read_webhooks([{**PLAIN, **values}], file="prod.toml")
    return found


@contextmanager
def receiver(*answers: int) -> Iterator[tuple[str, list[tuple[Mapping[str, str], str]]]]:
    """(address, what it got): one that gives these answers, one after the other, and keeps what it took."""
    left, taken = list(answers), list[tuple[Mapping[str, str], str]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = left.pop(0)
            if status == 200:
                taken.append((dict(self.headers.items()), body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- what arrives ----------------------------------------------------------------------------------------------------


def test_a_receiver_that_fails_twice_gets_the_event_once_with_the_secret() -> None:
    waited, lost = list[int](), list[Mapping[str, Any]]()
    with receiver(503, 429, 200) as (url, taken):
        answers = deliver(rule_of(webhook(header="X-Key"), url=url), EVENT, wait=waited.append, dead_letters=lost)
    [(headers, body)] = taken
    assert (answers, waited, lost) == ([503, 429, 200], [1, 2], [])
    assert (headers["X-Key"], headers["Content-Type"], json.loads(body)) == ("s3cret", "application/json", EVENT)


def test_what_is_refused_for_good_is_a_dead_letter_at_once() -> None:
    lost = list[Mapping[str, Any]]()
    with receiver(404) as (url, taken):
        answers = deliver(rule_of(webhook(), url=url), EVENT, wait=lambda _: None, dead_letters=lost)
    assert (answers, taken, lost) == ([404], [], [EVENT])


def test_what_nobody_takes_is_a_dead_letter_after_all_tries() -> None:
    lost = list[Mapping[str, Any]]()
    with receiver(*[500] * 186) as (url, _):
        answers = deliver(rule_of(webhook(), url=url), EVENT, wait=lambda _: None, dead_letters=lost)
    assert (len(answers), lost) == (186, [EVENT])


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({}, True),
        ({"detail-type": "Run Unchanged"}, False),
        ({"source": "aws.s3"}, False),
        ({"detail": EVENT["detail"] | {"stage": "dev"}}, False),
        ({"detail": EVENT["detail"] | {"dataset": "oil-prices"}}, False),
    ],
)
def test_only_what_was_chosen_of_this_stage_is_sent(change: Mapping[str, Any], sent: bool) -> None:
    assert matches(rule_of(webhook()).pattern, {**EVENT, **change}) is sent


def test_slack_gets_a_message_with_a_link() -> None:
    assert json.loads(transform(rule_of(webhook(format="slack")), EVENT)) == {
        "text": "Cases +5; 2 past days revised",
        "attachments": [
            {
                "fallback": "Cases +5; 2 past days revised",
                "title": 'COVID-19 in the "United States"',
                "title_link": "https://stats.example/",
            }
        ],
    }


def test_teams_gets_a_card() -> None:
    message = json.loads(transform(rule_of(webhook(format="teams")), EVENT))
    [attachment] = message["attachments"]
    card = attachment["content"]
    assert (message["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert [block["text"] for block in card["body"]] == [EVENT["detail"]["title"], EVENT["detail"]["text"]]
    assert [(it["type"], it["url"]) for it in card["actions"]] == [("Action.OpenUrl", "https://stats.example/")]


# --- the template ----------------------------------------------------------------------------------------------------


def test_the_template_takes_what_a_webhook_gives_it_and_no_more() -> None:
    given = {"Stage", "Role", "DeadLetters", *webhook().parameters(datasets=["us-covid"])}
    assert given == set(TEMPLATE["Parameters"])
    assert {name for name, it in TEMPLATE["Parameters"].items() if it.get("NoEcho")} == {"Url", "Secret"}
    assert TEMPLATE["Mappings"]["Hours"]["Seconds"] == {str(hours): hours * 3600 for hours in HOURS}
    assert {"COMMITTED", *(kind.upper() for kind in KINDS)} == {state.value for state in State if state.ended}


def test_what_is_given_up_goes_to_the_queue_of_the_notifier_whose_alarm_says_so() -> None:
    [target] = TEMPLATE["Resources"]["Rule"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Ref": "DeadLetters"}}
    notifier = load_template((ROOT / "infra" / "fragments" / "notifier.yaml").read_text())["Resources"]
    [statement] = notifier["DeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    named = TEMPLATE["Resources"]["Rule"]["Properties"]["Name"]["Fn::Sub"]
    assert named == "covid-stats-${Stage}-webhook-${Name}"
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(
        ":rule/covid-stats-${Stage}-webhook-*"
    )


def test_no_stage_has_a_name_that_could_be_a_webhook_of_another() -> None:
    with pytest.raises(CommandFailed, match="webhook in it"):
        check_stage("prod-webhook-x")


def test_the_local_cloud_has_none() -> None:
    class Local:
        kind = "local"

    deployment = _Deployment(
        stage="dev",
        cloud=cast("Any", Local()),
        parameters={},
        datasets="us-covid",
        settings={},
        out=ROOT,
        root=ROOT,
        report=print,
    )
    assert list(deployment.webhooks([webhook()], before=[])) == []


# --- the stage's file ------------------------------------------------------------------------------------------------


def test_a_stages_file_lists_them() -> None:
    text = '[[webhook]]\nname = "ours"\nurl = "https://receiver.example/runs"\nsecret = "s3cret"\nevents = ["failed"]\n'
    assert parse_choices(text, "prod.toml").webhooks == (webhook(events=["failed"]),)
    assert parse_choices("", "prod.toml").webhooks == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "Ours"}, "name is 'Ours'; allowed: 1 to 16"),
        ({"url": "http://receiver.example/"}, "url; allowed: an https:// address"),
        ({"secret": ""}, "has no secret"),
        ({"secret": "a\nb"}, "secret; allowed: printable"),
        ({"events": ["done"]}, r"events is \('done',\); allowed: committed"),
        ({"format": "irc"}, "format is 'irc'; allowed: event, slack, teams"),
        ({"rate_per_second": 0}, "rate_per_second is 0; allowed: 1 to 300"),
        ({"give_up_after_hours": 5}, "give_up_after_hours is 5; allowed: 1, 2"),
        ({"header": "a b"}, "header is 'a b'"),
        ({"retries": 3}, "has retries; allowed are name, url"),
    ],
)
def test_what_cannot_work_is_refused_in_a_line_that_shows_no_secret(values: Mapping[str, Any], words: str) -> None:
    with pytest.raises(CommandFailed, match=words) as refused:
        read_webhooks([{**PLAIN, **values}], file="prod.toml")
    assert "s3cret" not in str(refused.value)
    assert str(refused.value).startswith("prod.toml, webhook")


def test_a_name_is_there_once_and_nothing_shows_the_secret() -> None:
    with pytest.raises(CommandFailed, match="two webhooks are named 'ours'"):
        read_webhooks([PLAIN, PLAIN], file="prod.toml")
    assert "s3cret" not in repr(webhook())
    assert "receiver" not in repr(webhook())
