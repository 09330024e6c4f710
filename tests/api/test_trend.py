"""The line of a dataset on the overview: it is of the series that the newest numbers are of."""

import datetime as dt
from dataclasses import replace
from typing import Any

from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import Tables
from chalicelib.tabulation.trend import read_trend, render_trend
from shared.dataset import Dataset, Kind, Measure, Period, Series
from tests.shared.declared import US_COVID

WEEKLY = replace(
    US_COVID,
    period=Period.WEEK,
    series=Series(label="State", totals=("USA",)),
    measures=(Measure(name="flu", label="Influenza", kind=Kind.COUNT),),
    feeds=(replace(US_COVID.feeds[0], measures={"flu": "flu"}, series=("state",)),),
)


def tables(rows: list[tuple[str, str, int | None]]) -> Tables:
    table = DatedTable(
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
    assert line() == [11, None, None]


def test_where_a_sum_means_nothing_it_is_of_the_first() -> None:
    rate = replace(WEEKLY, measures=(replace(WEEKLY.measures[0], kind=Kind.RATE),))
    assert read_trend(render_trend(ROWS, rate))["flu"] == [1, None, None]


DAILY = replace(WEEKLY, period=Period.DAY)
TOTALS = replace(DAILY, measures=(replace(DAILY.measures[0], kind=Kind.TOTAL),))


def daily_line(dataset: Dataset, numbers: dict[int, int | None]) -> list[float | None]:
    days = tables([(f"2020-10-{day:02}", "AK", number) for day, number in numbers.items()])
    return read_trend(render_trend(days, dataset))["flu"]


def test_a_days_number_is_the_mean_of_its_seven_days() -> None:
    assert daily_line(DAILY, {day: day for day in range(1, 10)}) == [None] * 6 + [4, 5, 6]


def test_a_total_that_skipped_days_has_a_mean_over_seven_days_not_over_seven_numbers() -> None:
    weekdays: dict[int, int | None] = {1: 10, 2: 10, 5: 30, 6: 10, 7: 10, 8: 10, 9: 10, 12: 30, 13: 17}
    assert daily_line(TOTALS, weekdays) == [None] * 4 + [10] * 4 + [11]


def test_there_is_no_mean_at_a_gap_nor_where_counts_of_its_days_are_missing() -> None:
    counts: dict[int, int | None] = {day: None if day == 9 else 7 for day in range(1, 18)}
    assert daily_line(DAILY, counts) == [None] * 6 + [7] * 2 + [None] * 7 + [7] * 2


def test_where_seven_days_are_never_counted_the_values_are_shown() -> None:
    assert daily_line(DAILY, {1: 1, 2: 2, 5: 3}) == [1, 2, None, 3]


def weekly_total(rows: list[tuple[str, str, int | None]]) -> list[float | None]:
    dataset = replace(WEEKLY, measures=(replace(WEEKLY.measures[0], kind=Kind.TOTAL),))
    return read_trend(render_trend(tables(rows), dataset))["flu"]


def test_a_total_that_skipped_weeks_is_its_mean_a_week_and_the_line_breaks() -> None:
    weeks = [("2020-10-04", 70), ("2020-10-11", 80), ("2020-11-01", 240), ("2020-11-08", None), ("2020-11-15", 100)]
    assert weekly_total([(date, "NY", value) for date, value in weeks]) == [70, 80, None, 80, 50, 50]


def test_what_one_series_grew_by_over_its_gap_is_shared_out_before_series_are_summed() -> None:
    assert weekly_total(
        [
            *[("2020-10-04", "AK", 10), ("2020-10-04", "NY", 70)],
            *[("2020-10-11", "NY", 80)],
            *[("2020-10-18", "AK", 40), ("2020-10-18", "NY", 90)],
        ]
    ) == [80, 100, 110]


def test_a_series_that_lacks_the_newest_date_makes_no_fall_and_one_that_ended_long_ago_no_gap() -> None:
    late = [(f"2020-10-{day:02}", "NY", 5) for day in (4, 11, 18)] + [(f"2020-10-{day:02}", "AK", 1) for day in (4, 11)]
    assert weekly_total(sorted(late)) == [6, 6, None]
    weeks = [str(dt.date(2020, 1, 5) + dt.timedelta(days=7 * n)) for n in range(20)]
    ended = [(date, "NY", 5) for date in weeks] + [(date, "AK", 1) for date in weeks[:3]]
    assert weekly_total(sorted(ended)) == [6, 6, 6] + [5] * 17
