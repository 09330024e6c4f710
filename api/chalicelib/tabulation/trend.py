"""The view of a dataset's shape at a glance: the last values of each measure, for a line the size of a word."""

import json
from bisect import bisect_left
from collections.abc import Sequence

from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Measure, Period

TREND = "trend.json"

_SHOWN = 60
"""Values of each measure."""
_WEEK = 7
TREND_DATES = _SHOWN + _WEEK
"""The newest dates that a trend is made of."""


def render_trend(tables: Tables, dataset: Dataset) -> bytes:
    """`{measure: [last values]}`; a day's number is the mean of the week up to it.

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
    values = _values(tables.daily if measure.cumulative else tables.data, measure.name, counted)
    if dataset.period is Period.DAY and measure.adds_up:
        return [_mean(values[max(0, n - _WEEK + 1) : n + 1]) for n in range(max(0, len(values) - _SHOWN), len(values))]
    return values[-_SHOWN:]


def _values(table: Table, measure: str, counted: frozenset[str]) -> list[float | None]:
    """A value for each of the last dates: the sum over the series that are counted and have one."""
    dates = sorted(set(table.dates))[-TREND_DATES:]
    sums: dict[str, float | None] = dict.fromkeys(dates)
    column = table.values[measure]
    for n in range(bisect_left(table.dates, dates[0]) if dates else 0, len(table.dates)):
        value = column[n]
        if value is not None and (table.series is None or table.series[n] in counted):
            sums[table.dates[n]] = (sums[table.dates[n]] or 0) + float(value)
    return list(sums.values())


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None
