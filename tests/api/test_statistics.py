"""The mean over seven days, and where a measure ends."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dashboard.page_latest import stat_card
from chalicelib.tabulation.observations import from_rows
from chalicelib.tabulation.statistics import last_reported, seven_day_mean, shown_mean, statistics
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import tabulate_rows
from shared.dataset import ONE_SERIES
from tests.shared.declared import US_COVID

DATES = [f"2020-03-{day:02}" for day in (1, 2, 3, 4, 5, 6, 7, 8, 12)]


def test_the_mean_is_of_the_numbers_that_stand_for_exactly_the_seven_days() -> None:
    days = [1] * 8 + [4]
    assert seven_day_mean(DATES, [7, 0, 0, 0, 0, 0, 0, 7, 28], days) == [None] * 6 + [1.0, 1.0, 5.0]
    assert seven_day_mean(DATES[6:], [6, 7, 28], [2, 1, 4]) == [None, None, 41 / 7]


def test_there_is_no_mean_where_days_are_not_stood_for_or_the_seven_days_begin_within_a_gap() -> None:
    days = [1, 1, 1, 1, None, 2, 1, 1, 4]
    assert seven_day_mean(DATES, [7, 0, 0, 0, None, 0, 0, 7, 28], days) == [None] * 6 + [1.0, 1.0, None]
    assert seven_day_mean(DATES, [7] * 9, [1] * 5 + [None] + [1] * 2 + [4]) == [None] * 9
    assert seven_day_mean([], [], []) == []


def test_a_mean_of_decimals_is_of_the_numbers_that_they_are() -> None:
    dates = [f"2020-03-{day:02}" for day in range(1, 8)]
    assert seven_day_mean(dates, [Decimal("0.10")] * 7, [1] * 7)[-1] == pytest.approx(0.1)


def test_a_mean_is_shown_with_the_digits_that_count() -> None:
    means = (123.5, 41 / 7, 6 / 7, 0.0344, 0, -0.0344)
    assert [shown_mean(mean) for mean in means] == [124, 5.9, 0.86, 0.034, 0, -0.034]


def test_the_change_on_the_week_is_of_the_means_themselves_not_of_rounded_ones() -> None:
    """Seven deaths a week become eight: 14 % more, though 1.0 becomes 1.1."""
    rows = {f"2020-03-{day:02}": [0, day + (day > 17), None] for day in range(1, 18 + 1)}
    tables = tabulate_rows(from_rows({ONE_SERIES: rows}, US_COVID.decimals), US_COVID)
    card = stat_card(US_COVID.measures[1], tables, statistics(tables, US_COVID), US_COVID)
    assert "1.1" in card.trend and "+14.3 %" in card.trend


@given(st.lists(st.integers(0, 1000), min_size=7, max_size=20))
def test_where_each_number_stands_for_its_day_it_is_the_plain_mean(values: list[int]) -> None:
    dates = [f"2020-03-{day + 1:02}" for day in range(len(values))]
    means = seven_day_mean(dates, values, [1] * len(values))
    plain = [sum(values[n - 6 : n + 1]) / 7 if n >= 6 else None for n in range(len(values))]
    assert [mean is None for mean in means] == [mean is None for mean in plain]
    assert all(
        abs(mean - it) <= 0.5 for mean, it in zip(means, plain, strict=True) if mean is not None and it is not None
    )


def test_a_measure_ends_with_its_last_value() -> None:
    table = DatedTable(dates=DATES[:3], series=None, values={"beds": [1, 2, None], "tests": [None, None, None]})
    assert (last_reported(table, "beds"), last_reported(table, "tests")) == ("2020-03-02", None)
