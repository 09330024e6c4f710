"""Subjects of digests: the numbers, by what a measure is, and as many as fit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.letterhead import Letterhead
from chalicelib.subjects import digest_subject
from shared.datasets import find_dataset
from shared.runs import Run, State
from shared.summary import Summary

RUN = Run(run_id="2026-11-25T17:00:00Z", state=State.COMMITTED)
GROUP = {"measure": "cases", "dates": 3, "first": "2026-03-01", "last": "2026-03-03", "least": 1, "most": 137}


def subject(dataset: str, run: Run, **summary: Any) -> str:
    nothing: dict[str, Any] = {
        "latest": {}, "latest_increments": {}, "rows": 9, "first_load": False, "warnings": [], "recovered": [],
        "added": [], "changed": [], "removed": [],
    }  # fmt: skip
    letterhead = Letterhead(stage="prod", dataset=find_dataset(dataset))
    return letterhead.subject(
        digest_subject(run, Summary.from_map(nothing | summary), letterhead=letterhead)
    ).removeprefix("covid-stats: ")


def new(values: dict[str, Any], increments: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"latest": values, "latest_increments": increments, "added": [values], "new_dates": 1} | other


def test_totals_are_named_by_how_they_grew_and_revised_dates_are_counted_once() -> None:
    values = {"date": "2026-03-02", "cases": 900_000, "deaths": 9_000, "recoveries": None}
    run = replace(RUN, added=1, changed=18)
    found = new(values, {"cases": 55_055, "deaths": 660, "recoveries": None}, revised_dates=18)
    assert subject("us-covid", run, **found) == "Cases +55,055, deaths +660 on 2 Mar; 18 past days revised"


def test_counts_of_a_week_have_their_change_in_percent_and_the_series_they_are_of() -> None:
    values = {"series": "USA", "date": "2026-11-21", "covid": 1067, "flu": 200, "rsv": 33}
    run = replace(RUN, added=67, changed=150, removed=1)
    found = new(values, {"covid": 33, "flu": 10, "rsv": -3}, revised_dates=10, warnings=["a", "b"])
    assert subject("us-hospital-admissions", run, **found) == (
        "USA: COVID-19 admissions 1,067, +3.2 %; 10 weeks revised, 1 removed, 2 warnings"
    )


def test_what_there_is_no_room_for_is_left_out_and_nothing_is_cut() -> None:
    values = {"series": "USA", "date": "2026-11-21", "covid": 6255, "flu": 200, "rsv": 33}
    run = replace(RUN, added=57, changed=96, removed=2_430_000)
    found = new(values, {"covid": -1477, "flu": 10, "rsv": -3}, revised_dates=218, warnings=["a"] * 16)
    assert subject("us-hospital-admissions", run, **found) == (
        "USA: COVID-19 admissions 6,255, -19.1 %; 218 weeks revised, 2,430,000 removed"
    )


def test_where_there_is_room_the_week_is_named() -> None:
    values = {"series": "USA", "date": "2026-11-21", "covid": 1067, "flu": 200, "rsv": 33}
    found = new(values, {"covid": 33, "flu": 10, "rsv": -3}, revised_dates=10)
    assert subject("us-hospital-admissions", replace(RUN, added=67, changed=150), **found) == (
        "USA: COVID-19 admissions 1,067, +3.2 %, week to 21 Nov; 10 past weeks revised"
    )


def test_levels_are_where_they_stand_and_how_they_moved() -> None:
    values = {"date": "2026-11-23", "brent": Decimal("66.31"), "wti": Decimal("62.5")}
    found = new(values, {"brent": Decimal("-1.07"), "wti": Decimal("0.2")}, latest_days={"brent": 1, "wti": 3})
    run = replace(RUN, added=1)
    assert subject("oil-prices", run, **found) == "Brent 66.31, -1.07; WTI 62.50, +0.20 in 3 days on 23 Nov"


def test_of_several_series_their_sum_has_no_name() -> None:
    values = {"series": "56 series", "date": "2025-12-31", "cases": 5, "deaths": 2}
    run = replace(RUN, added=168)
    found = new(values, {"cases": 3, "deaths": 1}, new_dates=3)
    assert subject("us-states", run, **found) == "Cases +3, deaths +1 on 31 Dec 2025, 3 days new"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"date": "2026-03-03", "old": 1_000, "new": 1_137}, "cases +137 on 3 Mar"),
        ({"date": "2026-03-03", "old": 4, "new": None}, "cases not reported any more on 3 Mar"),
    ],
)
def test_without_a_new_date_the_largest_revision_is_named(values: dict[str, Any], expected: str) -> None:
    run = replace(RUN, changed=3)
    assert subject("us-covid", run, revisions=[GROUP | values], revised_dates=3, latest={"date": "2026-11-01"}) == (
        f"3 past days revised; largest: {expected}"
    )


def test_rows_of_the_past_alone_are_counted() -> None:
    old = {"date": "2026-01-01", "cases": 1, "deaths": 0, "recoveries": 0}
    run = replace(RUN, added=2, removed=1)
    assert subject("us-covid", run, **(new(old, {}) | {"latest": {"date": "2026-11-01"}})) == "2 rows added; 1 removed"
