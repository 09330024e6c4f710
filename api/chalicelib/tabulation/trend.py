"""The view of a dataset's shape at a glance: the last values of each measure, for a line the size of a word."""

import datetime as dt
import json
from bisect import bisect_left
from collections.abc import Mapping

from chalicelib.tabulation.statistics import seven_day_mean
from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Measure, Period
from shared.exact import Number

TREND = "trend.json"

_SHOWN = 60
"""Values of each measure."""
_WEEK = 7
TREND_DATES = _SHOWN + _WEEK
"""The newest dates that a trend is made of."""


def render_trend(tables: Tables, dataset: Dataset) -> bytes:
    """`{measure: [last values]}`; of what is counted by day the mean over the seven days up to it (`seven_day_mean`).

    A date without such a mean, as after a gap, has none here. Where no date has one, the values are shown themselves.

    Where there are several series they are of the one that the newest numbers are of (`Summary.latest`): the declared
    default, else the sum of all that are no totals where that means something, else the first.
    """
    counted = _counted(tables.data, dataset)
    lines = {measure.name: _line(tables, measure, dataset, counted) for measure in dataset.measures}
    return json.dumps(lines, separators=(",", ":")).encode()


def read_trend(plain: bytes) -> dict[str, list[float | None]]:
    """What `render_trend` wrote."""
    found: dict[str, list[float | None]] = json.loads(plain)
    return found


def _counted(table: Table, dataset: Dataset) -> frozenset[str]:
    """The series that are summed up."""
    names = frozenset(table.series or ())
    if dataset.series is None or not names:
        return names
    if dataset.series.default in names:
        return frozenset({dataset.series.default})
    if dataset.adds_up:
        return frozenset(name for name in names if not dataset.is_total(name)) or names
    return frozenset({min(names)})


def _line(tables: Tables, measure: Measure, dataset: Dataset, counted: frozenset[str]) -> list[float | None]:
    sums = _sums(tables.daily if measure.cumulative else tables.data, measure.name, counted)
    dates, values = list(sums), list(sums.values())
    if dataset.period is Period.DAY and measure.adds_up:
        means = seven_day_mean(dates, values, _days(sums, cumulative=measure.cumulative))
        if any(mean is not None for mean in means):
            return [None if mean is None else float(mean) for mean in means[-_SHOWN:]]
    return [None if value is None else float(value) for value in values[-_SHOWN:]]


def _sums(table: Table, measure: str, counted: frozenset[str]) -> dict[str, Number | None]:
    """A value for each of the last dates: the sum over the series that are counted and have one."""
    dates = sorted(set(table.dates))[-TREND_DATES:]
    sums: dict[str, Number | None] = dict.fromkeys(dates)
    column = table.values[measure]
    for n in range(bisect_left(table.dates, dates[0]) if dates else 0, len(table.dates)):
        value = column[n]
        if value is not None and (table.series is None or table.series[n] in counted):
            sums[table.dates[n]] = (sums[table.dates[n]] or 0) + value
    return sums


def _days(sums: Mapping[str, Number | None], *, cumulative: bool) -> list[int | None]:
    """How many days each number stands for: what a total grew by, for all since the one before."""
    days: list[int | None] = []
    before: int | None = None
    for date, value in sums.items():
        day = dt.date.fromisoformat(date).toordinal()
        days.append(None if value is None else day - before if cumulative and before is not None else 1)
        before = before if value is None else day
    return days
