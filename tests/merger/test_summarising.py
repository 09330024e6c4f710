"""What a committed run says of itself is small, whatever it changed."""

from dataclasses import replace

from chalicelib.runs.summarising import recoveries, summarise
from shared.dataset import Kind, Measure
from shared.summary import LISTED, Summary
from tests.merger.merges import merge
from tests.proof.small_feeds import date, jhu, nyt
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

SUMMED = replace(
    REGIONS,
    measures=(
        Measure(name="beds", label="Beds", kind=Kind.COUNT, minimum=0),
        Measure(name="tests", label="Tests", kind=Kind.TOTAL, minimum=0),
    ),
)


def test_an_ordinary_day_has_its_new_date_with_increments_and_its_revisions() -> None:
    old = merge(US_COVID, {"nyt": nyt(4), "jhu": jhu(4)}).snapshot
    found = merge(US_COVID, {"nyt": nyt(5, cases={1: 9}), "jhu": jhu(5)}, old=old, run_id="r2")
    newest = {"date": date(4), "cases": 507, "deaths": 5, "recoveries": 40}
    increments = {"cases": 100, "deaths": 1, "recoveries": 10}
    assert summarise(found, US_COVID, warnings=["odd"], recovered=["again"]) == Summary(
        latest=newest,
        latest_increments=increments,
        latest_days=dict.fromkeys(increments, 1),
        rows=5,
        new_dates=1,
        first_load=False,
        added=[newest | {"increments": increments, "days": dict.fromkeys(increments, 1)}],
        changed=[{"date": date(1), "fields": {"cases": {"old": 207, "new": 9}}}],
        removed=[],
        partnerless={"nyt": 1, "jhu": 0},
        warnings=["odd"],
        notes=[],
        recovered=["again"],
    )


def test_the_first_dates_increment_is_its_own_count() -> None:
    found = summarise(merge(US_COVID, {"nyt": nyt(1), "jhu": jhu(1)}), US_COVID, warnings=[])
    assert found.latest_increments == {"cases": 107, "deaths": 1, "recoveries": 0}


def test_long_lists_are_cut_to_the_newest_entries() -> None:
    old = merge(US_COVID, {"nyt": nyt(2), "jhu": jhu(2)}).snapshot
    found = merge(US_COVID, {"nyt": nyt(90), "jhu": jhu(90)}, old=old, run_id="r2")
    summary = summarise(found, US_COVID, warnings=[f"w{n}" for n in range(40)])
    assert [row["date"] for row in summary.added] == [date(n) for n in range(90 - LISTED, 90)]
    assert summary.warnings == [*(f"w{n}" for n in range(LISTED)), "and 15 more"]


def test_several_series_are_summed_up() -> None:
    files = {
        "board": b"day,region,beds\n2020-03-01,North,1\n2020-03-02,North,2\n2020-03-02,South,5\n",
        "lab": b"date,area,n\n2020-03-01,North,5\n2020-03-02,North,6\n2020-03-02,South,7\n",
    }
    summary = summarise(merge(REGIONS, files), SUMMED, warnings=[])
    assert summary.latest == {"series": "2 series", "date": "2020-03-02", "beds": 7, "tests": 13}


def test_what_is_over_is_reported_once() -> None:
    found = recoveries(
        [("2020-03-01T17:00:00Z", "INCOMPLETE", "feed jhu had not arrived")],
        [("Johns Hopkins", "2020-02-20"), ("Johns Hopkins", "2020-02-20")],
        ["no run began at 2020-02-29T17:00:00Z"],
    )
    assert found == [
        "run 2020-03-01T17:00:00Z had ended INCOMPLETE: feed jhu had not arrived; this run makes up for it",
        "Johns Hopkins has new numbers again; they had stood still since 2020-02-20",
        "no run began at 2020-02-29T17:00:00Z; this run makes up for it",
    ]
