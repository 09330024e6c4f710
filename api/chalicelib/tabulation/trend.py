"""The view of a dataset's shape at a glance: the last values of each measure, for a line the size of a word."""

import datetime as dt
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import days_in, mean_of_period, usual_step, with_breaks
from chalicelib.tabulation.statistics import seven_day_mean, shown_mean
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Measure, Period
from shared.exact import Number

TREND = "trend.json"

_SHOWN = 60
"""Values of each measure."""
_WEEK = 7
_LATE = 14
"""Dates within which a series that lacks the newest ones may only have yet to report them."""
_BY: Mapping[Period, By] = {Period.DAY: "daily", Period.WEEK: "weekly", Period.MONTH: "monthly"}
TREND_DATES = _SHOWN + _WEEK
"""The newest dates that a trend is made of."""


def render_trend(tables: Tables, dataset: Dataset) -> bytes:
    """`{measure: [last values]}`; of what is counted by day the mean over the seven days up to it (`seven_day_mean`).

    A date without such a mean, as after a gap, has none here. Where no date has one, the values are shown themselves:
    of a total that stands for several periods its mean in one. A missing date is a break, null.

    Where there are several series they are of the one that the newest numbers are of (`Summary.latest`): the declared
    default, else the sum of all that are no totals where that means something, else the first. There is no sum of a
    date for which some of them have no number: it would be a fall that nobody reported.
    """
    counted = _counted(tables.data, dataset)
    lines = {measure.name: _line(tables, measure, dataset, counted) for measure in dataset.measures}
    return json.dumps(lines, separators=(",", ":")).encode()


def read_trend(plain: bytes) -> dict[str, list[float | None]]:
    """What `render_trend` wrote."""
    found: dict[str, list[float | None]] = json.loads(plain)
    return found


def _counted(table: DatedTable, dataset: Dataset) -> frozenset[str]:
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
    table = tables.daily if measure.cumulative else tables.data
    dates = sorted(set(table.dates))[-TREND_DATES:]
    by = _BY[dataset.period]
    days = _days(dates, by)
    sums = _sums(_reported(table, measure.name, dates, counted), days, cumulative=measure.cumulative)
    shown: Sequence[float | None] = [None if it is None else float(it) for it in sums]
    if measure.cumulative:
        lengths = [days_in(date, by) for date in dates]
        shown = [mean_of_period(*row) for row in zip(sums, days, lengths, strict=True)]
    if dataset.period is Period.DAY and measure.adds_up:
        means = seven_day_mean(dates, sums, days if measure.cumulative else [1] * len(dates))
        if any(mean is not None for mean in means):
            shown = [None if mean is None else shown_mean(mean) for mean in means]
    return with_breaks(dates, shown, step=usual_step(dates, by))[1][-_SHOWN:]


def _reported(
    table: DatedTable, measure: str, dates: Sequence[str], counted: frozenset[str]
) -> Mapping[str, dict[int, Number]]:
    """Series -> place among the dates -> its value there; of the series that are counted."""
    found: dict[str, dict[int, Number]] = defaultdict(dict)
    places = {date: n for n, date in enumerate(dates)}
    for n in range(bisect_left(table.dates, dates[0]) if dates else 0, len(table.dates)):
        value, series = table.values[measure][n], table.series[n] if table.series is not None else ""
        if value is not None and (table.series is None or series in counted):
            found[series][places[table.dates[n]]] = value
    return found


def _sums(
    reported: Mapping[str, Mapping[int, Number]], days: Sequence[int], *, cumulative: bool
) -> list[Decimal | None]:
    """A sum for each date; None where a series that is under way then has no number.

    What a total grew by over a gap is shared out over the days of the gap. A series is under way from its first number
    to its last, and to the end where that is so late that it may only have yet to report.
    """
    sums, there, under_way = [Decimal(0)] * len(days), [0] * len(days), [0] * len(days)
    for numbers in reported.values():
        shares = _shared_out(numbers, days) if cumulative else numbers
        for n, share in shares.items():
            sums[n] += share
            there[n] += 1
        first, last = min(numbers), max(numbers)
        for n in range(first, len(days) if last >= len(days) - _LATE else last + 1):
            under_way[n] += 1
    return [value if has and has == of else None for value, has, of in zip(sums, there, under_way, strict=True)]


def _shared_out(numbers: Mapping[int, Number], days: Sequence[int]) -> dict[int, Number]:
    """Each number over the dates since the one before, by the days that each of these stands for."""
    shares: dict[int, Number] = {}
    before: int | None = None
    for n, value in numbers.items():
        over = range(n if before is None else before + 1, n + 1)
        in_all = sum(days[at] for at in over)
        shares |= {at: Decimal(value) * days[at] / in_all for at in over}
        before = n
    return shares


def _days(dates: Sequence[str], by: By) -> list[int]:
    """Of each date the days since the one before; of the first those of its period."""
    ends = [dt.date.fromisoformat(date).toordinal() for date in dates]
    return [*(days_in(date, by) for date in dates[:1]), *(after - before for before, after in pairwise(ends))][
        : len(ends)
    ]
