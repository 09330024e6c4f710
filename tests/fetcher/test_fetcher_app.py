"""The fetcher as Lambda calls it: the handler in app.py, with settings from the environment."""

import json

import pytest

from shared.errors import EventMalformed, SettingInvalid
from tests.fetcher import scripted_server as scripted
from tests.fetcher.scripted_server import ScriptedServer
from tests.shared.apps import HEAVY, load_app, modules_of
from tests.shared.in_memory import ENVIRONMENT, Cloud, event


@pytest.fixture
def feeds(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> ScriptedServer:
    urls = {
        "nyt": server.reply("/us.csv", scripted.body(b"date,cases,deaths\n")),
        "jhu": server.reply("/combined.csv", scripted.body(b"Date,Recovered\n")),
    }
    monkeypatch.setenv("FEED_URLS", json.dumps(urls))
    return server


def test_a_scheduled_event_fetches_the_feeds_of_its_run(
    feeds: ScriptedServer, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = load_app("fetcher").fetch(event("scheduled"), None)
    assert reply == {"run_id": "2020-10-25T17:00:00Z", "feeds": {"nyt": "new", "jhu": "new"}}
    assert sorted(cloud.objects()) == [
        "raw/us-covid/2020-10-25T17:00:00Z/jhu.csv",
        "raw/us-covid/2020-10-25T17:00:00Z/nyt.csv",
    ]
    [line] = capsys.readouterr().out.splitlines()
    wanted = {
        "service": "fetcher",
        "handler": "fetch",
        "stage": "test",
        "run_id": "2020-10-25T17:00:00Z",
        "outcome": "ok",
        "new": "jhu nyt",
    }
    logged = json.loads(line)
    assert {name: logged[name] for name in wanted} == wanted


def test_an_event_with_a_time_alone_is_enough_to_redrive(feeds: ScriptedServer) -> None:
    reply = load_app("fetcher").fetch({"time": "2020-10-25T17:00:00Z"}, None)
    assert reply["feeds"] == {"nyt": "new", "jhu": "new"}


@pytest.mark.parametrize("malformed", [{}, None, [], "", 3, {"time": 3}, {"version": "0", "detail": {}}])
def test_any_other_event_ends_in_the_declared_error(
    feeds: ScriptedServer, malformed: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EventMalformed):
        load_app("fetcher").fetch(malformed, None)
    assert json.loads(capsys.readouterr().out)["outcome"] == "EventMalformed"


def test_a_setting_that_is_missing_fails_by_its_name_and_is_on_the_line(
    feeds: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BUCKET")
    with pytest.raises(SettingInvalid, match="BUCKET"):
        load_app("fetcher").fetch(event("scheduled"), None)
    assert "BUCKET" in json.loads(capsys.readouterr().out)["error"]


def test_the_schedule_is_a_setting(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def schedule() -> str:
        [source] = load_app("fetcher").app.event_sources
        return str(source.schedule_expression)

    assert schedule() == "cron(0 17 * * ? *)"
    monkeypatch.setenv("SCHEDULE", "rate(6 hours)")
    assert schedule() == "rate(6 hours)"


def test_a_cold_start_imports_nothing_heavy() -> None:
    assert modules_of("fetcher", environment=ENVIRONMENT) & HEAVY == frozenset()
