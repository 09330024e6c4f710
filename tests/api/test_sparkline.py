"""The line the size of a word."""

from dataclasses import replace

from chalicelib.dashboard.page_latest import stat_card
from chalicelib.pages.sparkline import sparkline
from chalicelib.series_store.series_documents import entry_of
from chalicelib.tabulation.observations import from_rows
from chalicelib.tabulation.statistics import statistics
from chalicelib.tabulation.tabulating import Tables, tabulate_rows
from shared.dataset import ONE_SERIES, Dataset, Period
from tests.shared.declared import US_COVID


def test_it_is_drawn_over_the_values() -> None:
    assert sparkline([0, 5, 10]) == (
        '<svg class="spark" viewBox="0 0 220 44" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<polygon points="0.0,44 0.0,41.0 110.0,22.0 220.0,3.0 220.0,44"/>'
        '<polyline points="0.0,41.0 110.0,22.0 220.0,3.0"/></svg>'
    )


def test_it_breaks_where_a_value_is_missing() -> None:
    assert sparkline([0, 10, None, 10, 0]).count("<polyline") == 2
    assert sparkline([None, 0, 10]).count("<polyline") == 1
    assert '<polyline points="220.0,3.0 220.0,3.0"/>' in sparkline([10, None, 10])


def test_fewer_than_two_values_make_no_line() -> None:
    assert sparkline([None, 1]) == sparkline([]) == ""


def totals(period: Period, cases: dict[str, int]) -> tuple[Tables, Dataset]:
    """Running totals that end as they are said to, of weeks or months."""
    dataset = replace(US_COVID, period=period)
    rows = {date: [value, 0, None] for date, value in cases.items()}
    return tabulate_rows(from_rows({ONE_SERIES: rows}, dataset.decimals), dataset), dataset


def line_of_cases(tables: Tables, dataset: Dataset) -> str:
    return stat_card(dataset.measures[0], tables, statistics(tables, dataset), dataset).line


WEEKS = {"2020-10-04": 0, "2020-10-11": 100, "2020-10-18": 200, "2020-11-08": 500, "2020-11-15": 600}
MONTHS = {"2020-01-31": 0, "2020-02-29": 290, "2020-03-31": 600, "2020-06-30": 1510, "2020-07-31": 1820}


def test_of_a_week_after_a_gap_a_card_shows_the_mean_and_a_break() -> None:
    assert line_of_cases(*totals(Period.WEEK, WEEKS)) == sparkline([0, 100, 100, None, 100, 100])


def test_of_a_month_after_a_gap_a_card_shows_the_mean_of_so_many_days_and_a_break() -> None:
    assert line_of_cases(*totals(Period.MONTH, MONTHS)) == sparkline([0, 290, 310, None, 300, 310])


def test_a_series_small_line_breaks_where_weeks_are_missing() -> None:
    tables, dataset = totals(Period.WEEK, WEEKS)
    assert entry_of(tables, dataset, run_id="2020-11-15T17:00:00Z").line == [0, 100, 100, None, None, 100]
