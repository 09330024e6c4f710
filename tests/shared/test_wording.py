"""Words for people."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import wording
from shared.datasets import find_dataset
from shared.runs import Run, State
from shared.summary import Summary
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


def test_a_headline_has_counts_and_the_latest_date() -> None:
    run = Run(run_id="x", state=State.COMMITTED, added=1, changed=1900, summary={"latest": {"date": "2020-10-24"}})
    assert wording.headline(run) == "1 added, 1,900 changed, 0 removed; latest 2020-10-24"
    assert wording.headline(Run(run_id="x", state=State.UNCHANGED)) == "0 added, 0 changed, 0 removed"


def test_a_revision_tells_old_new_and_difference() -> None:
    entry = {"date": "2020-10-05", "fields": {"cases": {"old": 7487091, "new": 7507699}}}
    assert wording.revised_row(entry, dataset=US_COVID) == "2020-10-05: cases 7,487,091 -> 7,507,699 (+20,608)"


def test_a_revision_to_or_from_nothing_has_no_difference() -> None:
    fields = {"recoveries": {"old": 6298082, "new": None}, "deaths": {"old": None, "new": 0}}
    assert wording.revised_row({"date": "2020-12-14", "fields": fields}, dataset=US_COVID) == (
        "2020-12-14: deaths not reported -> 0, recoveries 6,298,082 -> not reported"
    )


def test_fields_are_in_the_order_of_the_declaration_and_series_come_first() -> None:
    fields = {"tests": {"old": 1, "new": 2}, "beds": {"old": 4, "new": 3}}
    entry = {"series": "North", "date": "2021-06-01", "fields": fields}
    assert wording.revised_row(entry, dataset=REGIONS) == "North 2021-06-01: Beds in use 4 -> 3 (-1), tests 1 -> 2 (+1)"


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    line = wording.ascii_line(text)
    assert line.isascii() and (line == "" or line.isprintable()) and line == " ".join(line.split())


@given(text=st.text(), most=st.integers(4, 50))
def test_shortened_text_is_never_longer_than_asked_and_says_that_it_was_cut(text: str, most: int) -> None:
    short = wording.shorten(text, most)
    assert len(short) <= most
    assert short == text or short.endswith("...")


@pytest.mark.parametrize(
    ("text", "sentence"), [("", ""), ("feed nyt", "Feed nyt."), ("Done.", "Done."), ("why?", "Why?")]
)
def test_a_sentence_begins_with_a_capital_and_ends_with_a_stop(text: str, sentence: str) -> None:
    assert wording.sentence(text) == sentence


def test_only_kinds_of_change_that_there_are_are_listed() -> None:
    values: dict[str, Any] = {
        "latest": {}, "latest_increments": {}, "rows": 1, "first_load": False, "warnings": [], "recovered": [],
        "added": [], "changed": [], "removed": [{"date": "2020-01-22", "cases": 1, "deaths": 0, "recoveries": None}],
    }  # fmt: skip
    run = Run(run_id="x", state=State.COMMITTED, removed=3, summary=values)
    assert list(wording.changes(run, Summary.from_map(values), dataset=US_COVID, more_at="https://x/")) == [
        (
            "Removed, with their last values (3)",
            ["2020-01-22: cases 1, deaths 0, recoveries not reported", "... and 2 more, older: https://x/"],
        )
    ]


PRICES = find_dataset("oil-prices")
ADMISSIONS = find_dataset("us-hospital-admissions")


def summary(**other: Any) -> Summary:
    nothing: dict[str, Any] = {
        "latest": {}, "latest_increments": {}, "rows": 9, "first_load": False, "warnings": [], "recovered": [],
        "added": [], "changed": [], "removed": [],
    }  # fmt: skip
    return Summary.from_map(nothing | other)


def committed(**counts: int) -> Run:
    return Run(run_id="2026-11-25T17:00:00Z", state=State.COMMITTED, **counts)  # type: ignore[arg-type]


def test_prices_keep_their_decimals_and_their_unit_and_say_what_they_are_compared_with() -> None:
    """DynamoDB gives 66.30 back as 66.3."""
    found = summary(
        latest={"date": "2026-11-23", "brent": Decimal("66.3"), "wti": Decimal(62)},
        latest_increments={"brent": Decimal("-1.1"), "wti": Decimal("0.25")},
        latest_days={"brent": 1, "wti": 3},
    )
    assert wording.latest_rows(found, dataset=PRICES) == [
        "Brent 66.30 USD a barrel, -1.10 on the day before",
        "WTI 62.00 USD a barrel, +0.25 in 3 days",
    ]


def test_what_happens_in_a_week_is_compared_with_the_week_before_in_percent() -> None:
    found = summary(
        latest={"series": "USA", "date": "2026-11-21", "covid": 1067, "flu": 20, "rsv": None},
        latest_increments={"covid": 33, "flu": 20, "rsv": None},
        latest_days={"covid": 7, "flu": 7, "rsv": None},
    )
    assert wording.latest_rows(found, dataset=ADMISSIONS) == [
        "COVID-19 admissions 1,067, +3.2 % on the week before",
        "Influenza admissions 20, +20 on the week before",
        "RSV admissions not reported",
    ]


def test_one_new_week_in_many_series_is_one_week_with_the_most_important_series_first() -> None:
    rows = [
        {"series": name, "date": "2026-11-21", "covid": value, "flu": None, "rsv": None, "increments": {"covid": more}}
        for name, value, more in [("Texas", 96, -4), ("USA", 1067, 33)]
    ]
    found = summary(added=rows, new_dates=1, new_series=67)
    assert list(wording.changes(committed(added=67), found, dataset=ADMISSIONS, more_at="https://x/")) == [
        (
            "New week 2026-11-21, by jurisdiction (67)",
            [
                "USA: COVID-19 admissions 1,067 (+3.2 %), influenza admissions not reported,"
                " RSV admissions not reported",
                "Texas: COVID-19 admissions 96 (-4.0 %), influenza admissions not reported,"
                " RSV admissions not reported",
                "... and 65 more: https://x/",
            ],
        )
    ]


def test_many_revisions_are_drawn_together_and_few_are_listed_one_by_one() -> None:
    group = {"measure": "cases", "dates": 200, "first": "2021-12-22", "last": "2022-07-09", "least": 137, "most": 137}
    long = {"measure": "deaths", "dates": 90, "first": "2020-09-05", "last": "2022-02-01", "least": -5, "most": 310}
    wide = {"measure": "deaths", "dates": 12, "first": "2022-01-01", "last": "2022-02-01", "least": -5, "most": 310}
    one = {"measure": "deaths", "dates": 1, "first": "2022-03-01", "last": "2022-03-01", "least": -2, "most": -2}
    gone = {"measure": "recoveries", "dates": 3, "first": "2022-03-01", "last": "2022-03-03"}
    at = {"date": "2022-01-05", "old": 1000, "new": 1310}
    found = summary(
        changed=[{"date": "2022-07-09", "fields": {"cases": {"old": 1, "new": 138}}}],
        revisions=[group | at, long | at, wide | at, one | {"old": 9, "new": 7}, gone | {"old": 4, "new": None}],
        revised_dates=212,
    )
    lines = [
        "Cases: 200 days, 22 Dec 2021 to 9 Jul 2022, each +137",
        "Deaths: 90 days, 5 Sep 2020 to 1 Feb 2022, by -5 to +310 (most on 5 Jan 2022: 1,000 -> 1,310)",
        "Deaths: 12 days, 1 Jan to 1 Feb 2022, by -5 to +310 (most on 5 Jan: 1,000 -> 1,310)",
        "Deaths: 1 Mar 2022, 9 -> 7 (-2)",
        "Recoveries: 3 days, 1 Mar to 3 Mar 2022, not reported any more",
        "Each of them: https://x/",
    ]
    assert list(wording.changes(committed(changed=215), found, dataset=US_COVID, more_at="https://x/")) == [
        ("Revised (215, in 212 days), the largest first", lines)
    ]
    assert list(wording.changes(committed(changed=1), found, dataset=US_COVID)) == [
        ("Revised (1)", ["2022-07-09: cases 1 -> 138 (+137)"])
    ]


def test_revisions_of_several_series_stand_under_their_series() -> None:
    group = {"dates": 3, "first": "2026-10-03", "last": "2026-10-17", "least": 2, "most": 2, "date": "2026-10-03"}
    values = {"old": 1, "new": 3}
    alone, alike = {"series": ["USA"], "several": 1}, {"series": ["Guam", "Iowa", "Maine"], "several": 5}
    found = summary(
        revisions=[
            {"measure": name} | whose | group | values
            for name, whose in [("flu", alone), ("covid", alike), ("covid", alone)]
        ],
        revised_dates=3,
    )
    assert list(wording.revisions(found, dataset=ADMISSIONS)) == [
        "USA",
        "  influenza admissions: 3 weeks, 3 Oct to 17 Oct 2026, each +2",
        "  COVID-19 admissions: 3 weeks, 3 Oct to 17 Oct 2026, each +2",
        "Guam, Iowa, Maine and 2 more",
        "  COVID-19 admissions: 3 weeks, 3 Oct to 17 Oct 2026, each +2",
    ]


def test_a_date_has_a_page_that_says_why_it_changed() -> None:
    assert wording.date_path("2020-10-05", "") == "/data/2020-10-05"
    assert wording.date_path("2020-10-05", "North & South") == "/data/2020-10-05?series=North%20%26%20South"
