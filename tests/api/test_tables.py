"""The four tables against a recomputation without arrays: on made-up rows, small cases and every day of the corpus."""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.tabulation.slicing import add_days, cut
from chalicelib.tabulation.table_text import DatedTable, to_csv, to_json
from chalicelib.tabulation.tabulating import tabulate
from chalicelib.web.documents import CSV, JSON, Document
from shared.dataset import AGGREGATES, ONE_SERIES, Aggregate, Dataset, Feed, Kind, Measure, Opening, Period
from shared.dataset import Series as SeriesOf
from shared.exact import from_scaled, loads
from tests.api import recomputed
from tests.api.corpus import oracle_days
from tests.api.recomputed import Series, Values
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


def snapshot(rows: Mapping[str, Series], dataset: Dataset) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["series", "date", *dataset.measure_names, "run_id"])
    for series in sorted(rows):
        writer.writerows([series, date, *rows[series][date], "2020-03-02T17:00:00Z"] for date in sorted(rows[series]))
    return out.getvalue().encode()


def tables_of(rows: Mapping[str, Series], dataset: Dataset, *, days: bool = False) -> dict[str, list[dict[str, Any]]]:
    tables = tabulate(snapshot(rows, dataset), dataset)
    made = {}
    for name, table in tables.items().items():
        document = Document(JSON, plain=to_json(table))
        made[name] = loads((add_days(document, table.days) if days and table.days else document).plain)
    return made


def dataset_of(*measures: Measure, period: Period = Period.DAY, several: bool = False) -> Dataset:
    feed = Feed(
        name="feed",
        url="https://feeds.example/feed.csv",
        title="The Feed",
        licence="CC0-1.0",
        credit="From the Feed.",
        date=("date",),
        series=("place",) if several else (),
        measures={measure.name: measure.name for measure in measures},
    )
    series = SeriesOf(label="Place") if several else None
    return Dataset(name="made", title="Made", period=period, series=series, measures=measures, feeds=(feed,))


@st.composite
def measures(draw: st.DrawFn, name: str) -> Measure:
    kind = draw(st.sampled_from(Kind))
    return Measure(
        name=name,
        label=name.title(),
        kind=kind,
        decimals=draw(st.sampled_from([0, 0, 1, 2])),
        aggregate=draw(st.sampled_from(AGGREGATES[kind])),
        opening=draw(st.sampled_from(Opening)) if kind is Kind.TOTAL else Opening.NONE,
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Dataset, Mapping[str, Series]]:
    """A dataset of any kinds and period, and rows of it with gaps, blanks and large numbers."""
    several = draw(st.booleans())
    dataset = dataset_of(
        *(draw(measures(name)) for name in "abc"[: draw(st.integers(1, 3))]),
        period=draw(st.sampled_from(Period)),
        several=several,
    )
    first = draw(st.sampled_from([dt.date(2019, 12, 27), dt.date(2020, 2, 3), dt.date(1999, 11, 28)]))
    rows = {}
    for name in draw(st.sets(st.sampled_from(["NA", "north, far", "é", "Z"]), min_size=1)) if several else [ONE_SERIES]:
        rows[name] = {date: _values(draw, dataset) for date in draw(_dates(dataset.period, first))}
    return dataset, {name: its for name, its in rows.items() if its}


def _dates(period: Period, first: dt.date) -> st.SearchStrategy[Sequence[str]]:
    places = st.sets(st.integers(0, 75), max_size=60).map(sorted)

    def at(n: int) -> dt.date:
        if period is Period.MONTH:
            return dt.date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, first.day % 28 + 1)
        return first + dt.timedelta(days=n * (7 if period is Period.WEEK else 1))

    return places.map(lambda chosen: [at(n).isoformat() for n in chosen])


def _values(draw: st.DrawFn, dataset: Dataset) -> Values:
    number = st.one_of(st.integers(0, 40), st.integers(-(10**6), 10**9), st.integers(-(2**62), 2**62))
    drawn = [draw(st.one_of(st.none(), number)) for _ in dataset.measures]
    return [None if n is None else from_scaled(n, m.decimals) for n, m in zip(drawn, dataset.measures, strict=True)]


@given(world=worlds())
def test_tables_are_what_the_design_says_of_any_dataset_and_rows(world: tuple[Dataset, Mapping[str, Series]]) -> None:
    dataset, rows = world
    assert recomputed.tables(rows, dataset, days=True) == tables_of(rows, dataset, days=True)


@given(world=worlds())
def test_csv_says_the_same_as_json(world: tuple[Dataset, Mapping[str, Series]]) -> None:
    dataset, rows = world
    for name, table in tabulate(snapshot(rows, dataset), dataset).items().items():
        document = Document(CSV, plain=to_csv(table))
        text = (add_days(document, table.days) if table.days else document).text
        expected = recomputed.tables(rows, dataset, days=True)[name]
        assert [{k: _as_cell(v) for k, v in row.items()} for row in expected] == list(csv.DictReader(io.StringIO(text)))


def _as_cell(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"


_TOTALS = st.dictionaries(
    st.dates(min_value=dt.date(2019, 11, 1), max_value=dt.date(2021, 3, 1)).map(str),
    st.lists(st.integers(0, 10**9), min_size=3, max_size=3),
    min_size=1,
    max_size=60,
)


@given(rows=_TOTALS)
def test_increments_of_a_total_that_opens_with_its_count_sum_to_its_latest_value(rows: Series) -> None:
    tables = tables_of({ONE_SERIES: rows}, US_COVID)
    latest = tables["data"][-1]
    for name in US_COVID.measure_names:
        for table in ("daily", "weekly", "monthly"):
            assert latest[name] == sum(row[name] for row in tables[table])


def test_a_gap_is_counted_on_the_date_after_it_which_is_not_complete() -> None:
    rows = {"2020-03-01": [10, 1, 0], "2020-03-04": [25, 3, 2]}
    assert tables_of({ONE_SERIES: rows}, US_COVID, days=True)["daily"] == [
        {"date": "2020-03-01", "cases": 10, "deaths": 1, "recoveries": 0, "complete": True}
        | dict.fromkeys(["cases_days", "deaths_days", "recoveries_days"], 1),
        {"date": "2020-03-04", "cases": 15, "deaths": 2, "recoveries": 2, "complete": False}
        | dict.fromkeys(["cases_days", "deaths_days", "recoveries_days"], 3),
    ]


def test_what_was_not_reported_for_days_is_in_the_next_number_and_in_its_week() -> None:
    rows: Series = {
        "2020-03-08": [1, 1, 5],
        "2020-03-09": [3, 1, 9],
        "2020-03-10": [6, 1, None],
        "2020-03-11": [7, 1, 20],
    }
    tables = tables_of({ONE_SERIES: rows}, US_COVID)
    assert [(row["recoveries"], row["complete"]) for row in tables["daily"]] == [
        (5, True),
        (4, True),
        (None, True),
        (11, False),
    ]
    assert tables["weekly"] == [
        {"date": "2020-03-08", "cases": 1, "deaths": 1, "recoveries": 5, "complete": True},
        {"date": "2020-03-15", "cases": 6, "deaths": 0, "recoveries": 15, "complete": False},
    ]


def test_a_bucket_is_open_until_each_of_its_measures_has_its_last_day() -> None:
    rows: Series = {"2020-05-30": [1, 0, 0], "2020-05-31": [2, 0, None]}
    tables = tables_of({ONE_SERIES: rows}, US_COVID)
    assert (tables["weekly"][-1]["complete"], tables["monthly"][-1]["complete"]) == (False, False)
    whole = tables_of({ONE_SERIES: dict(rows) | {"2020-05-31": [2, 0, 1]}}, US_COVID)
    assert (whole["weekly"][-1]["complete"], whole["monthly"][-1]["complete"]) == (True, True)


def test_with_no_opening_count_the_first_value_is_no_increment() -> None:
    total = dataset_of(Measure(name="doses", label="Doses", kind=Kind.TOTAL))
    rows = {"2020-03-07": [100], "2020-03-08": [110], "2020-03-09": [130]}
    tables = tables_of({ONE_SERIES: rows}, total, days=True)
    assert [(row["doses"], row["doses_days"], row["complete"]) for row in tables["daily"]] == [
        (None, None, True),
        (10, 1, True),
        (20, 1, True),
    ]
    assert [(row["doses"], row["doses_days"], row["complete"]) for row in tables["weekly"]] == [
        (10, 1, False),
        (20, 1, False),
    ]


def test_a_mean_is_rounded_half_to_even_and_has_all_its_decimals() -> None:
    price = Measure(name="price", label="Price", kind=Kind.LEVEL, decimals=2, aggregate=Aggregate.MEAN)
    rows = {
        "2020-03-02": [Decimal("18.60")],
        "2020-03-03": [Decimal("18.61")],
        "2020-03-09": [Decimal("-0.01")],
        "2020-03-10": [Decimal("0.00")],
    }
    tables = tabulate(snapshot({ONE_SERIES: rows}, dataset_of(price)), dataset_of(price))
    assert to_csv(tables.weekly) == b"date,price,complete\n2020-03-08,18.60,false\n2020-03-15,0.00,false\n"
    assert to_json(tables.data) == (
        b'[\n{"date":"2020-03-02","price":18.60},\n{"date":"2020-03-03","price":18.61},\n'
        b'{"date":"2020-03-09","price":-0.01},\n{"date":"2020-03-10","price":0.00}\n]\n'
    )


def test_published_weeks_keep_their_dates_and_lie_in_the_month_of_their_date() -> None:
    weekly = dataset_of(Measure(name="beds", label="Beds", kind=Kind.COUNT), period=Period.WEEK)
    rows = {date: [n] for n, date in enumerate(("2020-02-29", "2020-03-07", "2020-03-14", "2020-03-28", "2020-04-04"))}
    tables = tables_of({ONE_SERIES: rows}, weekly, days=True)
    assert tables["daily"] == tables["weekly"]
    assert tables["weekly"][0] == {"date": "2020-02-29", "beds": 0, "complete": True, "beds_days": 7}
    assert [tuple(row.values()) for row in tables["monthly"]] == [
        ("2020-02-29", 0, False, 7),
        ("2020-03-31", 6, False, 21),
        ("2020-04-30", 4, False, 7),
    ]


def test_each_series_is_counted_by_itself_and_rows_come_in_order_of_date() -> None:
    rows = {
        "NA": {"2020-03-01": [5, 50], "2020-03-02": [4, 70]},
        "north, far": {"2020-03-02": [1, 7]},
    }
    assert tables_of(rows, REGIONS)["daily"] == [
        {"date": "2020-03-01", "series": "NA", "beds": 5, "tests": None, "complete": True},
        {"date": "2020-03-02", "series": "NA", "beds": 4, "tests": 20, "complete": True},
        {"date": "2020-03-02", "series": "north, far", "beds": 1, "tests": None, "complete": True},
    ]


def test_the_last_week_that_can_be_written_ends_with_the_calendar() -> None:
    rows = {"9999-12-31": [3, 1, 2]}
    assert [row["date"] for row in tables_of({ONE_SERIES: rows}, US_COVID)["weekly"]] == ["9999-12-31"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
def test_a_series_name_that_a_spreadsheet_would_run_is_defused_in_csv_and_numbers_stay_numbers(start: str) -> None:
    name = f"{start}cmd|' /C calc'!A0"
    table = DatedTable(dates=["2020-03-01", "2020-03-01"], series=[name, "'s-Hertogenbosch"], values={"beds": [-5, 2]})
    assert to_csv(table).decode() == (f"date,series,beds\n2020-03-01,'{name},-5\n2020-03-01,'s-Hertogenbosch,2\n")
    assert [row["series"] for row in json.loads(to_json(table))] == [name, "'s-Hertogenbosch"]
    document = Document(CSV, plain=to_csv(table))
    assert cut(document, start=None, end=None, series=name).text.count("\n") == 2


def test_csv_quotes_a_series_name_and_puts_the_date_first() -> None:
    table = DatedTable(dates=["2020-03-01"], series=["north, far"], values={"beds": [1]})
    assert to_csv(table) == b'date,series,beds\n2020-03-01,"north, far",1\n'


def test_no_rows_give_an_empty_array() -> None:
    assert tables_of({}, US_COVID) == {"data": [], "daily": [], "weekly": [], "monthly": []}


@pytest.mark.feeds
@pytest.mark.parametrize("cut", ["23:59", "17:00"])
def test_tables_of_every_day_of_the_corpus(cut: str, tmp_path: Path) -> None:
    seen = 0
    for day in oracle_days("starter", cut=cut, into=tmp_path):
        assert recomputed.tables({ONE_SERIES: day.rows}, US_COVID) == tables_of({ONE_SERIES: day.rows}, US_COVID), (
            day.date
        )
        assert day.rows[max(day.rows)][0] == sum(
            row["cases"] for row in tables_of({ONE_SERIES: day.rows}, US_COVID)["daily"]
        )
        seen += 1
    assert seen >= 16
