"""The four tables against a recomputation without pandas: on made-up rows, and on every day of the replay corpus."""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.tabulation.slicing import cut
from chalicelib.tabulation.table_text import Table, to_csv, to_json
from chalicelib.tabulation.tabulating import tabulate
from chalicelib.web.documents import CSV, Document
from shared.dataset import ONE_SERIES, Dataset
from tests.api import recomputed
from tests.api.corpus import oracle_days
from tests.api.recomputed import Series
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


def snapshot(rows: Mapping[str, Series], dataset: Dataset) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["series", "date", *dataset.measure_names, "run_id"])
    for series in sorted(rows):
        writer.writerows([series, date, *rows[series][date], "2020-03-02T17:00:00Z"] for date in sorted(rows[series]))
    return out.getvalue().encode()


def tables_of(rows: Mapping[str, Series], dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    tables = tabulate(snapshot(rows, dataset), dataset)
    return {name: json.loads(to_json(table)) for name, table in tables.items().items()}


def expected_of(rows: Series, dataset: Dataset, *, newest: str = "") -> dict[str, list[dict[str, Any]]]:
    names, newest = dataset.measure_names, newest or max(rows)
    return {
        "data": recomputed.data(rows, names),
        "daily": recomputed.daily(rows, names),
        "weekly": recomputed.weekly(rows, names, newest=newest),
        "monthly": recomputed.monthly(rows, names, newest=newest),
    }


_VALUES = st.lists(st.one_of(st.none(), st.integers(0, 10**9)), min_size=3, max_size=3)
_DATES = st.dates(min_value=dt.date(2019, 11, 1), max_value=dt.date(2021, 3, 1))
_ROWS = st.dictionaries(_DATES.map(str), _VALUES, min_size=1, max_size=60)


@given(rows=_ROWS)
def test_tables_are_what_the_design_says_of_any_rows(rows: Series) -> None:
    assert expected_of(rows, US_COVID) == tables_of({ONE_SERIES: rows}, US_COVID)


@given(rows=_ROWS)
def test_increments_of_a_measure_that_is_always_reported_sum_to_its_latest_value(rows: Series) -> None:
    known = {date: [value or 0 for value in values] for date, values in rows.items()}
    tables = tables_of({ONE_SERIES: known}, US_COVID)
    latest = tables["data"][-1]
    for name in US_COVID.measure_names:
        for table in ("daily", "weekly", "monthly"):
            assert latest[name] == sum(row[name] for row in tables[table])


def test_a_gap_is_counted_on_the_date_after_it() -> None:
    rows = {"2020-03-01": [10, 1, 0], "2020-03-04": [25, 3, 2]}
    assert tables_of({ONE_SERIES: rows}, US_COVID)["daily"] == [
        {"date": "2020-03-01", "cases": 10, "deaths": 1, "recoveries": 0},
        {"date": "2020-03-04", "cases": 15, "deaths": 2, "recoveries": 2},
    ]


def test_null_on_either_side_gives_null_and_a_bucket_is_null_only_when_all_its_days_are() -> None:
    rows: Series = {
        "2020-03-07": [1, 1, None],
        "2020-03-08": [3, 1, 5],
        "2020-03-09": [6, 1, 9],
        "2020-03-10": [7, 1, None],
    }
    tables = tables_of({ONE_SERIES: rows}, US_COVID)
    assert [row["recoveries"] for row in tables["daily"]] == [None, None, 4, None]
    assert tables["weekly"] == [
        {"date": "2020-03-08", "cases": 3, "deaths": 1, "recoveries": None},
        {"date": "2020-03-15", "cases": 4, "deaths": 0, "recoveries": 4, "complete": False},
    ]


def test_a_bucket_whose_last_day_is_the_newest_date_is_complete() -> None:
    rows = {"2020-05-30": [1, 0, 0], "2020-05-31": [2, 0, 0]}
    tables = tables_of({ONE_SERIES: rows}, US_COVID)
    assert "complete" not in tables["weekly"][-1]
    assert "complete" not in tables["monthly"][-1]


def test_each_series_is_counted_by_itself_and_rows_come_in_order_of_date() -> None:
    rows = {
        "NA": {"2020-03-01": [5, 50], "2020-03-02": [4, 70]},
        "north, far": {"2020-03-02": [1, 7]},
    }
    tables = tables_of(rows, REGIONS)
    assert tables["daily"] == [
        {"date": "2020-03-01", "series": "NA", "beds": 5, "tests": 50},
        {"date": "2020-03-02", "series": "NA", "beds": -1, "tests": 20},
        {"date": "2020-03-02", "series": "north, far", "beds": 1, "tests": 7},
    ]
    for series, its in rows.items():
        expected = expected_of(its, REGIONS, newest="2020-03-02")
        for name, table in tables.items():
            mine = [{k: v for k, v in row.items() if k != "series"} for row in table if row["series"] == series]
            assert expected[name] == mine


def test_csv_says_the_same_and_names_open_buckets() -> None:
    rows: Series = {"2020-03-08": [3, 1, None], "2020-03-09": [6, 1, 9]}
    tables = tabulate(snapshot({ONE_SERIES: rows}, US_COVID), US_COVID)
    assert to_csv(tables.data) == b"date,cases,deaths,recoveries\n2020-03-08,3,1,\n2020-03-09,6,1,9\n"
    assert to_csv(tables.weekly) == (
        b"date,cases,deaths,recoveries,complete\n2020-03-08,3,1,,true\n2020-03-15,3,0,,false\n"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
def test_a_series_name_that_a_spreadsheet_would_run_is_defused_in_csv_and_numbers_stay_numbers(start: str) -> None:
    name = f"{start}cmd|' /C calc'!A0"
    table = Table(dates=["2020-03-01", "2020-03-01"], series=[name, "'s-Hertogenbosch"], values={"beds": [-5, 2]})
    assert to_csv(table).decode() == (f"date,series,beds\n2020-03-01,'{name},-5\n2020-03-01,'s-Hertogenbosch,2\n")
    assert [row["series"] for row in json.loads(to_json(table))] == [name, "'s-Hertogenbosch"]
    document = Document(CSV, plain=to_csv(table))
    assert cut(document, start=None, end=None, series=name).text.count("\n") == 2


def test_csv_quotes_a_series_name_and_puts_the_date_first() -> None:
    table = Table(dates=["2020-03-01"], series=["north, far"], values={"beds": [1]})
    assert to_csv(table) == b'date,series,beds\n2020-03-01,"north, far",1\n'


def test_no_rows_give_an_empty_array() -> None:
    assert tables_of({}, US_COVID) == {"data": [], "daily": [], "weekly": [], "monthly": []}


@pytest.mark.feeds
@pytest.mark.parametrize("cut", ["23:59", "17:00"])
def test_tables_of_every_day_of_the_corpus(cut: str, tmp_path: Path) -> None:
    seen = 0
    for day in oracle_days("starter", cut=cut, into=tmp_path):
        assert expected_of(day.rows, US_COVID) == tables_of({ONE_SERIES: day.rows}, US_COVID), day.date
        assert day.rows[max(day.rows)][0] == sum(
            row["cases"] for row in tables_of({ONE_SERIES: day.rows}, US_COVID)["daily"]
        )
        seen += 1
    assert seen >= 16
