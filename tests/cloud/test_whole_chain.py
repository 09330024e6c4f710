"""The generated days through everything: what the ledger, the change sets, the mails and the API say."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.local.chain import Carried, Chain
from infra.local.demo_feeds import demo_days
from infra.services import ROOT
from shared.runs import State
from tests.api.contract import check_contract
from tests.cloud.stage_days import Deploy

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

IN_THE_BROWSER = (
    "test_dashboard.py::test_ten_seconds_the_latest_numbers_are_those_of_the_api",
    "test_dashboard.py::test_the_charts_are_drawn_and_say_what_the_tables_say",
    "test_dashboard.py::test_downloads_are_what_the_api_answers",
    "test_dashboard.py::test_as_known_on_a_date_the_whole_page_is_turned_back",
    "test_dashboard.py::test_without_javascript_numbers_tables_and_freshness_read",
    "test_page_speed.py::test_the_first_load_and_the_next_day_s_visit_are_light",
)
"""What API Gateway and the package could break; the rest of `tests/browser` runs on the api without a cloud."""


@pytest.fixture(scope="module")
def chain(deploy_chain: Deploy) -> Chain:
    return deploy_chain("demo")


@pytest.fixture(scope="module")
def carried(chain: Chain) -> Sequence[Carried]:
    return [chain.carry(day) for day in demo_days()]


def test_every_day_ends_as_its_feeds_deserve(carried: Sequence[Carried]) -> None:
    assert [done.problem for done in carried] == [""] * 7
    assert [(done.run.state, done.run.added, done.run.changed, done.run.removed) for done in carried] == [
        (State.COMMITTED, 271, 0, 0),
        (State.COMMITTED, 1, 0, 0),
        (State.COMMITTED, 1, 18, 0),
        (State.UNCHANGED, 0, 0, 0),
        (State.INCOMPLETE, 0, 0, 0),
        (State.UNCHANGED, 0, 0, 0),
        (State.COMMITTED, 4, 0, 0),
    ]


def test_each_run_is_merged_once(carried: Sequence[Carried]) -> None:
    assert [done.run.attempts for done in carried] == [1, 1, 1, 1, 0, 1, 1]


def test_a_change_set_says_what_changed_field_by_field(carried: Sequence[Carried]) -> None:
    revision = json.loads(carried[2].change_set)
    assert revision["run_id"] == "2020-10-21T17:00:00Z"
    assert revision["base_run_id"] == "2020-10-20T17:00:00Z"
    assert revision["added"] == [{"date": "2020-10-20", "cases": 7593876, "deaths": 151383, "recoveries": 2841925}]
    assert revision["changed"][0] == {"date": "2020-10-02", "fields": {"cases": {"old": 6675542, "new": 6676362}}}
    assert [entry["date"] for entry in revision["changed"]] == [f"2020-10-{day:02}" for day in range(2, 20)]
    assert revision["removed"] == []


def test_a_day_without_a_commit_has_an_empty_change_set_on_the_same_base(carried: Sequence[Carried]) -> None:
    for index in (3, 4, 5):
        assert json.loads(carried[index].change_set) == {
            "run_id": carried[index].run.run_id,
            "base_run_id": "2020-10-21T17:00:00Z",
            "added": [],
            "changed": [],
            "removed": [],
        }


def test_there_is_one_mail_for_each_thing_to_tell_and_none_else(carried: Sequence[Carried]) -> None:
    assert [[mail.kind for mail in done.mails] for done in carried] == [
        ["digest"],
        ["digest"],
        ["digest"],
        [],
        ["failure"],
        ["stale"],
        ["digest"],
    ]
    mails = [mail for done in carried for mail in done.mails]
    assert all(len(mail.subject) < 100 and "\n" not in mail.subject for mail in mails)
    assert {mail.attributes["stage"] for mail in mails} == {"demo"}


def test_a_digest_says_the_numbers_the_counts_the_new_day_and_the_revisions(
    carried: Sequence[Carried], chain: Chain
) -> None:
    [mail] = carried[2].mails
    assert re.fullmatch(r"\[demo\] covid-stats: Cases \+[\d,]+, .* on 20 Oct; 18 past days revised", mail.subject)
    assert mail.body.startswith("1 added, 18 changed, 0 removed; latest 2020-10-20\n")
    assert "2020-10-02: cases 6,675,542 -> 6,676,362 (+820)" in mail.body
    assert f"{chain.stage.api_url}/runs/2020-10-21T17:00:00Z/changes" in mail.body
    assert "The New York Times" in mail.body and "Johns Hopkins" in mail.body


def test_the_api_serves_the_last_commit(carried: Sequence[Carried], chain: Chain) -> None:
    assert chain.await_views() == carried[-1].run.run_id
    data, daily, weekly, monthly = (
        json.loads(chain.stage.get(path)) for path in ("/data", "/daily", "/weekly", "/monthly")
    )
    assert len(data) == len(daily) == 277
    assert data[-1] == {"date": "2020-10-24", "cases": 7887650, "deaths": 153681, "recoveries": 2904301}
    assert daily[-1] == {"date": "2020-10-24", "cases": 70654, "deaths": 559, "recoveries": 15119, "complete": True}
    for buckets in (daily, weekly, monthly):
        assert [sum(row[name] or 0 for row in buckets) for name in ("cases", "deaths", "recoveries")] == [
            data[-1][name] for name in ("cases", "deaths", "recoveries")
        ]
    assert [row["date"] for row in weekly[-2:]] == ["2020-10-18", "2020-10-25"]
    assert [row["date"] for row in monthly[-2:]] == ["2020-09-30", "2020-10-31"]
    assert [row["complete"] for row in (weekly[-1], monthly[-1])] == [False, False]


def test_the_api_lists_the_runs(carried: Sequence[Carried], chain: Chain) -> None:
    listed = json.loads(chain.stage.get("/runs"))
    runs = listed["runs"] if isinstance(listed, dict) else listed
    assert [(run["run_id"], run["state"]) for run in runs] == [
        (done.run.run_id, done.run.state) for done in reversed(carried)
    ]
    changes = json.loads(chain.stage.get(f"/runs/{carried[2].run.run_id}/changes"))
    assert changes == json.loads(carried[2].change_set)


def test_the_dashboard_is_served_with_its_script_from_the_same_place(carried: Sequence[Carried], chain: Chain) -> None:
    chain.await_views()
    page = chain.stage.get("/")
    assert page.lstrip().lower().startswith(b"<!doctype html>")
    assert b"7,887,650" in page
    assert b"https://cdn" not in page


def test_the_deployed_api_keeps_to_its_description(carried: Sequence[Carried], chain: Chain) -> None:
    chain.await_views()
    described = json.loads(chain.stage.get("/openapi.json"))["paths"]
    tried = check_contract(f"{chain.stage.api_url}/", examples=5)
    methods = {"get", "head", "post"}
    operations = [f"{name.upper()} {path}" for path, item in described.items() for name in item if name in methods]
    assert sorted(tried) == sorted(operations)


def test_the_deployed_dashboard_works_as_the_browser_tests_ask(
    carried: Sequence[Carried], chain: Chain, tmp_path: Path
) -> None:
    """In a process of its own: there may be one Playwright in a process, and it is that of `tests/browser`."""
    chain.await_views()
    environment = {"DASHBOARD_URL": chain.stage.api_url, "SCREENSHOTS": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *(f"tests/browser/{name}" for name in IN_THE_BROWSER)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    if "s" in run.stdout.split()[0]:
        pytest.skip("there is no Chromium, or no Playwright")
