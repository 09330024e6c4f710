"""Small inputs that went wrong elsewhere, day by day through the whole system in one process: how each run ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.day_folders import read_days
from shared.dataset import Dataset, Keep
from shared.declaration import read_declaration
from shared.runs import State
from tests.api.test_page import Page
from tests.shared.declared import US_COVID
from tests.world import World, world

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"

pytestmark = [
    pytest.mark.feeds,
    pytest.mark.skipif(not CASES.exists(), reason=f"the cases are not there: {CASES}"),
]


def through(case: str, dataset: Dataset = US_COVID) -> Iterator[World]:
    """The case's days, each a run at 17:00 and a watch at 23:59; the system after the last."""
    with world(dataset=dataset) as system:
        for day in read_days(CASES / case / "feeds", dataset):
            files = day.read()
            found = {feed.name: files[feed.file_name] for feed in dataset.feeds if feed.file_name in files}
            system.publish(found, at=day.fetch_at)
            system.schedule("fetch", day.fetch_at)
            system.settle()
            system.schedule("watch", day.watch_at)
            system.settle()
        yield system


@pytest.fixture
def after(request: pytest.FixtureRequest) -> Iterator[World]:
    case, dataset = request.param
    yield from through(case, dataset)


def ends(system: World) -> list[tuple[str, State]]:
    """(day, state) of each run, oldest first."""
    return sorted((run.run_id[:10], run.state) for run in system.runs())


def of(case: str, dataset: Dataset = US_COVID) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("after", [(case, dataset)], ids=[case], indirect=True)


@of("column-blank")
def test_a_column_that_turns_blank_closes_the_gate_and_the_next_day_goes_on(after: World) -> None:
    assert ends(after) == [
        ("2020-10-21", State.COMMITTED),
        ("2020-10-22", State.REJECTED),
        ("2020-10-23", State.COMMITTED),
    ]
    rejected = after.run("2020-10-22T17:00:00Z")
    assert rejected.rejected_by == "gate"
    assert "20 of 20 values of deaths" in rejected.reason
    assert [mail.kind for mail in after.platform.mails] == ["digest", "failure", "digest"]
    assert "20 of 20 values of deaths" in " ".join(after.platform.mails[1].body.split())
    assert after.run("2020-10-23T17:00:00Z").base_run_id == "2020-10-21T17:00:00Z"


@of("future-date")
def test_a_mistyped_year_breaks_the_contract_and_the_right_days_after_it_are_committed(after: World) -> None:
    assert [state for _, state in ends(after)] == [
        State.COMMITTED,
        State.REJECTED,
        State.COMMITTED,
        State.COMMITTED,
    ]
    rejected = after.run("2020-10-22T17:00:00Z")
    assert rejected.rejected_by == "contract"
    assert rejected.reason.startswith("feed nyt, line 22, column date: '2202-10-21' is not allowed; a date up to")


@of("history-zero")
def test_a_history_that_is_zeroed_closes_the_gate_and_no_zero_is_served(after: World) -> None:
    assert [state for _, state in ends(after)] == [State.COMMITTED, State.REJECTED, State.COMMITTED]
    assert "20 of 20 values of recoveries" in after.run("2020-10-22T17:00:00Z").reason
    assert all(row["recoveries"] for row in after.get("/data").json)


@of("us-stands-still")
def test_a_feed_whose_used_rows_stand_still_is_stale_whatever_else_of_it_changes(after: World) -> None:
    stale = [mail for mail in after.platform.mails if mail.kind == "stale"]
    assert stale
    text = " ".join(stale[0].body.split())
    assert "Johns Hopkins" in text
    assert "stand still since" in text


@of("us-stands-still")
def test_the_page_names_the_feed_that_stands_still_and_no_other(after: World) -> None:
    """No run of these days commits anything, the first apart: that the other feed moves is known of the head alone."""
    words = Page(after.get("/").text).words
    assert "Numbers stand still Johns Hopkins University CSSE since 21 Oct 2020 (10 days) Over time" in words


@of("rolling-window", replace(US_COVID, keep=Keep.WINDOW))
def test_dates_that_leave_a_feeds_window_stay_as_they_were(after: World) -> None:
    assert {state for _, state in ends(after)} == {State.COMMITTED}
    rows = after.get("/data").json
    assert len(rows) > 30
    assert all(run.removed == 0 for run in after.runs())


PLACES = read_declaration(CASES / "places-lag" / "places.toml") if CASES.exists() else US_COVID


@of("places-lag", PLACES)
def test_totals_are_over_each_places_latest_row_and_do_not_fall(after: World) -> None:
    committed = sorted((run for run in after.runs() if run.state is State.COMMITTED), key=lambda run: run.run_id)
    doses = [int(run.summary["latest"]["doses"]) for run in committed]
    assert doses == sorted(doses)
    assert all(run.summary["latest_increments"]["doses"] >= 0 for run in committed[1:])
