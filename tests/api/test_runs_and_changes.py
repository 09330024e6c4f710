"""The ledger as readers see it: runs, change sets, the Atom feed, the history of a date, health."""

import datetime as dt
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from chalicelib.routes import change_answers
from chalicelib.routes.atom import Entries, render_feed
from shared.dataset import ONE_SERIES
from shared.runs import Run, State
from shared.version import VERSION
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp
from tests.shared.declared import US_COVID
from tests.shared.in_memory import BUCKET

ATOM = "{http://www.w3.org/2005/Atom}"


def test_runs_come_newest_first_page_by_page(served: ApiApp) -> None:
    seen, target = [], "/runs?limit=2"
    while target:
        answer = served.get(target)
        seen.append([(run["run_id"], run["state"]) for run in answer.json])
        target = "/" + answer.headers["link"][1:].partition(">")[0] if "link" in answer.headers else ""
    assert seen == [
        [("2020-03-04T17:00:00Z", "UNCHANGED"), ("2020-03-03T17:00:00Z", "COMMITTED")],
        [("2020-03-02T17:00:00Z", "COMMITTED")],
    ]


def test_a_run_is_shown_without_its_operators(api: ApiApp, committer: Committer) -> None:
    committer.end(
        "2020-03-02T17:00:00Z",
        "REJECTED",
        reason="feed nyt, line 3, column cases: 'x' is not allowed",
        arrived=frozenset({"nyt", "jhu"}),
        deliveries={"nyt": {"status": "new", "sha256": "ab", "bytes": 12}},
        attempts=1,
        redriven_by="arn:aws:iam::123456789012:user/ada",
        redriven_at="2020-03-02T18:00:00Z",
    )
    run = api.get("/runs/2020-03-02T17:00:00Z").json
    assert run == {
        "run_id": "2020-03-02T17:00:00Z",
        "state": "REJECTED",
        "reason": "feed nyt, line 3, column cases: 'x' is not allowed",
        "base_run_id": None,
        "added": 0,
        "changed": 0,
        "removed": 0,
        "known_from": "2020-03-02T17:00:00Z",
        "arrived": ["jhu", "nyt"],
        "feeds": {
            "nyt": {
                "status": "new",
                "reason": "",
                "sha256": "ab",
                "bytes": 12,
                "source_url": "",
                "etag": "",
                "last_modified": "",
                "went_back_to": "",
                "requests": 0,
                "first_requested": "",
                "last_requested": "",
                "retry_after": "",
            }
        },
        "attempts": 1,
        "warnings": [],
        "approved_at": "",
        "redriven_at": "2020-03-02T18:00:00Z",
        "mail": "",
        "views": "",
        "source": "",
        "annotations": [],
    }
    assert "arn:" not in api.get("/runs").text


def test_a_change_set_is_the_run_s_and_empty_for_one_that_changed_nothing(served: ApiApp) -> None:
    assert served.get("/runs/2020-03-03T17:00:00Z/changes").json == {
        "run_id": "2020-03-03T17:00:00Z",
        "base_run_id": "2020-03-02T17:00:00Z",
        "added": [{"date": "2020-03-02", "cases": 8200, "deaths": 40, "recoveries": 90}],
        "changed": [
            {
                "date": "2020-02-20",
                "fields": {
                    "cases": {"old": 4350, "new": 2000},
                    "deaths": {"old": 29, "new": 21},
                    "recoveries": {"old": 57, "new": 5},
                },
            }
        ],
        "removed": [],
    }
    assert served.get("/runs/2020-03-04T17:00:00Z/changes").json == {
        "run_id": "2020-03-04T17:00:00Z",
        "base_run_id": "2020-03-03T17:00:00Z",
        "added": [],
        "changed": [],
        "removed": [],
    }


def test_a_run_that_ended_badly_has_no_change_set(api: ApiApp, committer: Committer) -> None:
    committer.end("2020-03-02T17:00:00Z", "INCOMPLETE")
    answer = api.get("/runs/2020-03-02T17:00:00Z/changes")
    assert (
        answer.status,
        answer.json["detail"],
    ) == (404, "run 2020-03-02T17:00:00Z is INCOMPLETE: it has no change set")


def test_a_reader_stays_in_step_by_asking_for_what_came_since(api: ApiApp, committer: Committer) -> None:
    days = range(2, 7)
    for day in days:
        committer.commit(f"2020-03-0{day}T17:00:00Z", some_rows(days=day))
    copy: dict[str, dict[str, int]] = {}
    since, pages = "", 0
    while page := api.get(f"/changes?limit=2&since={since}" if since else "/changes?limit=2").json:
        for change in page:
            copy |= {row["date"]: row for row in change["added"]}
            since = change["run_id"]
        pages += 1
    api.refresh(committer.end("2020-03-06T17:00:00Z", "COMMITTED", base_run_id="2020-03-05T17:00:00Z"))
    assert (3, api.get("/data").json) == (pages, list(copy.values()))


def test_the_next_page_of_changes_is_in_the_link_header(api: ApiApp, committer: Committer) -> None:
    for day in (2, 3, 4):
        committer.commit(f"2020-03-0{day}T17:00:00Z", some_rows(days=day))
    first = api.get("/changes?limit=2")
    assert first.headers["link"] == '<changes?since=2020-03-03T17:00:00Z&limit=2>; rel="next"'
    assert "link" not in api.get("/changes?since=2020-03-03T17:00:00Z&limit=2").headers


def test_a_date_has_every_value_it_had_and_by_which_run(api: ApiApp, committer: Committer) -> None:
    key = (ONE_SERIES, "2020-02-01")
    for day, values in ((2, [5, 1, None]), (3, [6, 1, None]), (4, None), (5, [7, 1, 2])):
        rows = {(ONE_SERIES, "2020-01-31"): [day, 0, 0]} | ({key: values} if values else {})
        api.refresh(committer.commit(f"2020-03-0{day}T17:00:00Z", rows))

    def entry(
        day: int, change: str, cases: int | None, deaths: int | None, recoveries: int | None
    ) -> dict[str, object]:
        run = f"2020-03-0{day}T17:00:00Z"
        values: dict[str, Any] = {"cases": cases, "deaths": deaths, "recoveries": recoveries}
        return values | {"run_id": run, "known_from": run, "change": change}

    history = [
        entry(2, "added", 5, 1, None),
        entry(3, "changed", 6, 1, None),
        entry(4, "removed", None, None, None),
        entry(5, "added", 7, 1, 2),
    ]
    now = {"date": "2020-02-01", "cases": 7, "deaths": 1, "recoveries": 2, "present": True, "history": history}
    assert api.get("/data/2020-02-01").json == now
    then = {"date": "2020-02-01", "cases": None, "deaths": None, "recoveries": None, "present": False}
    assert api.get("/data/2020-02-01?as_of=2020-03-04").json == then | {"history": history[:3]}


def test_the_feed_has_an_entry_for_each_committed_run_worded_like_the_digest(served: ApiApp) -> None:
    answer = served.get("/changes.atom")
    feed = ET.fromstring(answer.body)
    entries = feed.findall(f"{ATOM}entry")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "1 added, 1 changed, 0 removed; latest 2020-03-02",
        "40 added, 0 changed, 0 removed; latest 2020-03-01",
    ]
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 2
    assert feed.findtext(f"{ATOM}updated") == "2020-03-03T17:00:00Z"
    content = entries[0].findtext(f"{ATOM}content") or ""
    assert "2020-02-20: cases 4,350 -&gt; 2,000 (-2,350), deaths 29 -&gt; 21 (-8)," in content
    assert "The first load: 40 rows." in (entries[1].findtext(f"{ATOM}content") or "")


def test_the_feed_is_xml_whatever_a_run_says() -> None:
    """Control characters have no place in XML, not even escaped."""
    summary = {
        "latest": {"date": "2020-03-02"}, "latest_increments": {}, "rows": 1, "first_load": False, "added": [],
        "changed": [], "removed": [], "warnings": ["\x1b[2J\x00\ud800 odd"], "recovered": [],
    }  # fmt: skip
    run = Run(run_id="2020-03-02T17:00:00Z", state=State.COMMITTED, summary=summary)
    of = Entries(dataset=US_COVID, address="https://stats.example.org/", runs=[run])
    feed = ET.fromstring(render_feed(of, stage="test", notice="\x07").plain)
    assert "?[2J?? odd." in (feed.findtext(f"{ATOM}entry/{ATOM}content") or "")


def test_the_feed_is_valid_before_the_first_commit(api: ApiApp) -> None:
    feed = ET.fromstring(api.get("/changes.atom").body)
    assert feed.findall(f"{ATOM}entry") == []


def test_health_before_the_first_commit_is_empty_and_well(api: ApiApp) -> None:
    answer = api.get("/health")
    assert (answer.status, answer.json["status"], answer.json["next_run_due"]) == (200, "empty", None)


def test_health_says_what_is_served_how_fresh_and_what_is_due(served: ApiApp) -> None:
    answer = served.get("/health")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json == {
        "status": "ok",
        "head": "2020-03-03T17:00:00Z",
        "views": "2020-03-03T17:00:00Z",
        "rows": 41,
        "newest_date": "2020-03-02",
        "last_run": {"run_id": "2020-03-04T17:00:00Z", "state": "UNCHANGED", "reason": ""},
        "next_run_due": "2020-03-05T17:00:00Z",
        "feeds": {},
        "notice": "",
        "version": VERSION,
    }


def test_views_that_lag_are_rendering_for_a_while_and_then_behind(
    served: ApiApp, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer.commit("2020-03-05T17:00:00Z", some_rows(days=42))
    answer = served.get("/health")
    assert (answer.status, answer.json["status"], answer.json["views"]) == (200, "rendering", "2020-03-03T17:00:00Z")
    monkeypatch.setenv("VIEWS_LAG_SECONDS", "0")
    served.module.site.cache_clear()
    answer = served.get("/health")
    assert (answer.status, answer.json["status"]) == (503, "behind")


def test_a_failed_refresh_is_behind_at_once_and_the_last_good_version_is_served(
    served: ApiApp, committer: Committer
) -> None:
    record = committer.commit("2020-03-05T17:00:00Z", some_rows(days=42))
    committer.cloud.s3.delete_object(Bucket=BUCKET, Key="snapshots/us-covid/2020-03-05T17:00:00Z.csv")
    assert served.refresh(record) == {"batchItemFailures": [{"itemIdentifier": "120200305"}]}
    answer = served.get("/health")
    assert (answer.status, answer.json["status"]) == (503, "behind")
    assert served.get("/runs/2020-03-05T17:00:00Z").json["views"] == "FAILED"
    assert len(served.get("/data").json) == 41


def test_health_with_a_change_set_gone_is_behind(served: ApiApp, committer: Committer) -> None:
    committer.commit("2020-03-05T17:00:00Z", some_rows(days=42))
    committer.cloud.s3.delete_object(Bucket=BUCKET, Key="changesets/us-covid/2020-03-05T17:00:00Z.json")
    assert served.get("/health").status == 503


def test_the_clock_of_health_is_utc(api: ApiApp) -> None:
    assert api.module.site().now().tzinfo is dt.UTC


def test_a_large_change_set_comes_in_parts_and_a_follower_gets_past_it(
    served: ApiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = served.get("/changes").json
    run_id = whole[0]["run_id"]
    monkeypatch.setattr(change_answers, "PAGE_BYTES", 1000)
    parts: list[dict[str, Any]] = []
    target = f"runs/{run_id}/changes"
    while target:
        answer = served.get(f"/{target}")
        parts.append(answer.json)
        link = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
        target = f"runs/{run_id}/{link}" if link else ""
    assert len(parts) > 2
    assert whole[0]["added"] == [row for part in parts for row in part["added"]]
    followed: list[dict[str, Any]] = []
    target = "changes"
    while target:
        answer = served.get(f"/{target}")
        followed += answer.json
        target = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    for name in ("added", "changed", "removed"):
        assert [row for one in whole for row in one[name]] == [row for one in followed for row in one[name]]


def test_entries_of_a_change_set_can_be_counted_off(served: ApiApp) -> None:
    run_id = served.get("/changes").json[0]["run_id"]
    whole = served.get(f"/runs/{run_id}/changes").json["added"]
    page = served.get(f"/runs/{run_id}/changes?limit=3&skip=2")
    assert page.json["added"] == whole[2:5]
    assert page.headers["link"] == '<changes?limit=3&skip=5>; rel="next"'
