"""The line of a dataset on the overview: it is of the series that the newest numbers are of."""

from dataclasses import replace
from typing import Any

from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from chalicelib.tabulation.trend import read_trend, render_trend
from shared.dataset import Kind, Measure, Period, Series
from tests.shared.declared import US_COVID

WEEKLY = replace(
    US_COVID,
    period=Period.WEEK,
    series=Series(label="State", totals=("USA",)),
    measures=(Measure(name="flu", label="Influenza", kind=Kind.COUNT),),
    feeds=(replace(US_COVID.feeds[0], measures={"flu": "flu"}, series=("state",)),),
)


def tables(rows: list[tuple[str, str, int | None]]) -> Tables:
    table = Table(
        dates=[date for date, _, _ in rows],
        series=[series for _, series, _ in rows],
        values={"flu": [value for _, _, value in rows]},
    )
    return Tables(data=table, daily=table, weekly=table, monthly=table)


ROWS = tables(
    [
        ("2020-10-10", "AK", 1),
        ("2020-10-10", "NY", 10),
        ("2020-10-10", "USA", 11),
        ("2020-10-17", "AK", None),
        ("2020-10-17", "NY", 12),
        ("2020-10-17", "USA", 12),
        ("2020-10-24", "AK", None),
    ]
)


def line(**series: Any) -> list[float | None]:
    dataset = replace(WEEKLY, series=replace(WEEKLY.series, **series) if WEEKLY.series else None)
    return read_trend(render_trend(ROWS, dataset))["flu"]


def test_it_is_of_the_declared_default() -> None:
    assert line(default="NY") == [10, 12, None]


def test_without_a_default_it_is_the_sum_of_all_that_are_no_totals() -> None:
    assert line() == [11, 12, None]


def test_where_a_sum_means_nothing_it_is_of_the_first() -> None:
    rate = replace(WEEKLY, measures=(replace(WEEKLY.measures[0], kind=Kind.RATE),))
    assert read_trend(render_trend(ROWS, rate))["flu"] == [1, None, None]


def test_a_days_number_is_the_mean_of_its_week() -> None:
    daily = replace(WEEKLY, period=Period.DAY)
    days = tables([(f"2020-10-{day:02}", "AK", day) for day in range(1, 10)])
    assert read_trend(render_trend(days, daily))["flu"] == [1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6]
