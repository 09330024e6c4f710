"""What a committed run says of itself is small, whatever it changed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from chalicelib.comparing.differences import Changes
from chalicelib.runs.removal_groups import draw_removals
from chalicelib.runs.summarising import _touched, recoveries, summarise
from chalicelib.tables import Table
from shared.dataset import Kind, Measure, Series
from shared.summary import LISTED, TOUCHED, Summary
from shared.wording import latest_rows
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
        revised_dates=1,
        largest_revision_percent=Decimal("95.7"),
        changed=[{"date": date(1), "fields": {"cases": {"old": 207, "new": 9}}}],
        revisions=[
            {"measure": "cases", "dates": 1, "first": date(1), "last": date(1), "least": -198, "most": -198}
            | {"date": date(1), "old": 207, "new": 9}
        ],
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


def test_what_a_sum_grew_by_says_how_many_days_its_parts_stand_for() -> None:
    files = {
        "board": b"day,region,beds\n2020-03-01,North,1\n2020-03-01,South,5\n2020-03-03,North,1\n2020-03-04,North,2\n"
        b"2020-03-04,South,6\n",
        "lab": b"date,area,n\n2020-03-01,North,5\n2020-03-01,South,7\n2020-03-03,North,6\n2020-03-04,North,8\n"
        b"2020-03-04,South,10\n",
    }
    summary = summarise(merge(REGIONS, files), SUMMED, warnings=[])
    assert summary.latest_increments["tests"] == 2 + 3
    assert (summary.latest_days["tests"], summary.latest_days_fewest["tests"]) == (3, 1)
    assert latest_rows(summary, dataset=SUMMED)[1] == "Tests 18 (+5 in 1 to 3 days)"


def test_a_sum_that_lacks_series_says_of_how_many_it_is() -> None:
    files = {
        "board": b"day,region,beds\n2020-03-01,North,1\n2020-03-01,South,5\n2020-03-02,North,2\n",
        "lab": b"date,area,n\n2020-03-01,North,5\n2020-03-01,South,7\n2020-03-02,North,6\n",
    }
    summary = summarise(merge(REGIONS, files), SUMMED, warnings=[])
    assert summary.latest == {"series": "1 to 2 of 2 series", "date": "2020-03-02", "beds": 2, "tests": 13}
    assert summary.is_sum
    counts = replace(SUMMED, measures=tuple(replace(measure, kind=Kind.COUNT) for measure in SUMMED.measures))
    summary = summarise(merge(REGIONS, files), counts, warnings=[])
    assert summary.latest == {"series": "1 of 2 series", "date": "2020-03-02", "beds": 2, "tests": 6}
    assert summary.is_sum


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


def test_runs_that_ended_alike_are_one_sentence() -> None:
    runs = [(f"2020-03-0{day}T17:00:00Z", "INCOMPLETE", f"feed jhu had not arrived on day {day}") for day in (3, 1, 2)]
    assert recoveries(runs, [], []) == [
        "3 runs, 2020-03-01T17:00:00Z to 2020-03-03T17:00:00Z, had ended INCOMPLETE, the last because feed jhu had not"
        " arrived on day 3; this run makes up for them"
    ]


def revised(cases: dict[int, int], *, recovered: dict[int, int] | None = None) -> Summary:
    """Of 40 days, of which some have other numbers than before."""
    old = merge(US_COVID, {"nyt": nyt(40), "jhu": jhu(40)}).snapshot
    found = merge(US_COVID, {"nyt": nyt(40, cases=cases), "jhu": jhu(40, recovered=recovered)}, old=old, run_id="r2")
    return summarise(found, US_COVID, warnings=[])


def group(measure: str, dates: int, first: int, last: int, **other: Any) -> dict[str, Any]:
    return {"measure": measure, "dates": dates, "first": date(first), "last": date(last)} | other


def test_values_in_a_row_that_are_revised_alike_are_one_entry_and_the_rest_another() -> None:
    cases = {n: 107 + 100 * n + 137 for n in range(10, 40)} | {2: 307 + 5, 4: 507 - 9}
    found = revised(cases)
    assert (found.revised_dates, found.revisions) == (
        32,
        [
            group("cases", 30, 10, 39, least=137, most=137, date=date(10), old=1107, new=1244),
            group("cases", 2, 2, 4, least=-9, most=5, date=date(4), old=507, new=498),
        ],
    )


def test_each_measures_largest_revision_stands_before_the_smaller_ones_of_others() -> None:
    cases = dict.fromkeys(range(3, 6), 0) | {n: 107 + 100 * n + 1 for n in range(20, 24)}
    found = revised({n: 107 + 100 * n + 900 if n < 6 else value for n, value in cases.items()}, recovered={7: 71})
    assert [(it["measure"], it["most"]) for it in found.revisions] == [("cases", 900), ("recoveries", 1), ("cases", 1)]


def test_values_that_are_not_reported_any_more_are_by_themselves() -> None:
    old = merge(US_COVID, {"nyt": nyt(9), "jhu": jhu(9)}).snapshot
    found = merge(US_COVID, {"nyt": nyt(9), "jhu": jhu(9, recovered={7: 0, 8: 0})}, old=old, run_id="r2")
    assert summarise(found, US_COVID, warnings=[]).revisions == [
        group("recoveries", 2, 7, 8, date=date(8), old=80, new=None)
    ]


TOTALLED = replace(SUMMED, series=Series(label="Region", default="All", totals=("All", "Both *")))


def regions(*days: Mapping[str, tuple[int, int]]) -> dict[str, bytes]:
    """Beds and tests of each region on each day of March."""
    listed = [(f"2020-03-{n:02}", name, *pair) for n, by in enumerate(days, 1) for name, pair in by.items()]
    beds = "".join(f"{day},{name},{beds}\n" for day, name, beds, _ in listed)
    tests = "".join(f"{day},{name},{tests}\n" for day, name, _, tests in listed)
    return {"board": f"day,region,beds\n{beds}".encode(), "lab": f"date,area,n\n{tests}".encode()}


def test_of_many_series_the_default_one_totals_and_what_moved_most_are_kept_and_stand_last() -> None:
    names = ["All", "Both A", *(f"R{n:02}" for n in range(40))]
    before = dict.fromkeys(names, (10, 100))
    after = before | {name: (10, 100 + n) for n, name in enumerate(names[2:])} | {"R03": (900, 100)}
    old = merge(TOTALLED, regions(before)).snapshot
    found = summarise(merge(TOTALLED, regions(before, after), old=old, run_id="r2"), TOTALLED, warnings=[])
    assert (found.new_dates, found.new_series, len(found.added)) == (1, 42, LISTED)
    assert [row["series"] for row in found.added[::-1]][:5] == ["All", "Both A", "R03", "R39", "R38"]
    assert found.added[-3]["increments"] == {"beds": 890, "tests": 0}


def test_series_that_are_revised_alike_are_one_entry() -> None:
    names = ["All", *(f"R{n:02}" for n in range(5))]
    day = dict.fromkeys(names, (10, 100))
    old = merge(TOTALLED, regions(day, day, day)).snapshot
    more = dict.fromkeys(names, (12, 100))
    found = summarise(merge(TOTALLED, regions(more, more, more), old=old, run_id="r2"), TOTALLED, warnings=[])
    days = {"dates": 3, "first": "2020-03-01", "last": "2020-03-03", "least": 2, "most": 2}
    values = {"date": "2020-03-01", "old": 10, "new": 12}
    assert found.revisions == [
        {"measure": "beds", "series": ["All"], "several": 1} | days | values,
        {"measure": "beds", "series": ["R00", "R01", "R02"], "several": 5} | days | values,
    ]


def test_many_removed_rows_are_drawn_together_and_few_are_not() -> None:
    both = merge(US_COVID, {"nyt": nyt(60), "jhu": jhu(60)}).snapshot
    found = summarise(merge(US_COVID, lacking(range(10, 45)), old=both, run_id="r2"), US_COVID, warnings=[])
    assert found.removals == [{"dates": 35, "first": date(10), "last": date(44)}]
    few = lacking(range(10, 11))
    assert summarise(merge(US_COVID, few, old=both, run_id="r2"), US_COVID, warnings=[]).removals == []


def lacking(dates: range) -> dict[str, bytes]:
    """Both feeds of sixty dates without some."""
    gone = tuple(date(n).encode() for n in dates)
    lines = {name: body.split(b"\n") for name, body in (("nyt", nyt(60)), ("jhu", jhu(60)))}
    return {name: b"\n".join(line for line in its if not line.startswith(gone)) for name, its in lines.items()}


DAY = dt.date(2020, 2, 8).toordinal()


def table(*keys: tuple[str, int]) -> Table:
    """Rows of these (series, day), without values."""
    names = tuple(sorted({name for name, _ in keys}))
    packed = sorted(day << 32 | names.index(name) for name, day in keys)
    return Table(names=names, keys=np.array(packed, dtype=np.int64), values={})


def test_series_that_lost_the_same_dates_are_drawn_together_the_most_first() -> None:
    removed = table(*((name, day) for name in ("a", "b", "c", "d") for day in (DAY, DAY + 1)), ("e", DAY))
    assert draw_removals(removed, REGIONS, most=25) == [
        {"dates": 2, "first": "2020-02-08", "last": "2020-02-09", "series": ["a", "b", "c"], "several": 4},
        {"dates": 1, "first": "2020-02-08", "last": "2020-02-08", "series": ["e"], "several": 1},
    ]
    assert len(draw_removals(removed, REGIONS, most=1)) == 1


def test_the_series_that_were_touched_are_named_as_far_as_there_is_room() -> None:
    nothing = table()
    some = Changes(added=table(("b", 1)), before=table(("a", 1)), after=table(("a", 1)), removed=nothing)
    assert _touched(some) == ["a", "b"]
    names = [f"{n:04}" + "\u6771" * 100 for n in range(40)]
    many = Changes(added=table(*((name, 1) for name in names)), before=nothing, after=nothing, removed=nothing)
    shown = _touched(many)
    assert (shown[:2], shown[-1]) == (names[:2], "*")
    assert len("".join(shown).encode()) <= TOUCHED
