"""Numbers beside gaps, for whoever draws them: what stands for several periods is its mean over them, lines break."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.table_text import DatedTable
from shared.dataset import Measure
from shared.exact import Number


def days_in(label: str, by: By) -> int:
    """How many days the day, week or month of this label has."""
    if by == "daily":
        return 1
    if by == "weekly":
        return 7
    day = dt.date.fromisoformat(label)
    return ((day.replace(day=1) + dt.timedelta(days=31)).replace(day=1) - day.replace(day=1)).days


def mean_of_period(value: Number | None, days: int | None, length: int) -> float | None:
    """What a number that stands for so many days comes to in a period of this length; None where there is none."""
    return None if value is None or not days else round(float(value) * length / days, 3)


def means_over_gaps(table: DatedTable, measure: Measure, *, by: By) -> list[Number | float | None]:
    """The numbers of a table of increments; one that stands for more or less than its period is its mean in one."""
    columns = (table.values, table.whole or {}, table.days or {})
    rows = zip(table.dates, *(column[measure.name] for column in columns), strict=True)
    return [
        value if whole or not measure.cumulative else mean_of_period(value, days, days_in(date, by))
        for date, value, whole, days in rows
    ]


def usual_step(dates: Sequence[str], by: By) -> int:
    """The most days that usually lie between two dates: one, or three where only trading days have a price."""
    steps = sorted(after - before for before, after in pairwise(map(_ordinal, dates)))
    least = {"daily": 1, "weekly": 7, "monthly": 31}[by]
    return max(least, steps[(len(steps) - 1) * 9 // 10]) if steps else least


def with_breaks[T](dates: Sequence[str], values: Sequence[T | None], *, step: int) -> tuple[list[str], list[T | None]]:
    """A point without a value wherever more days lie between two dates."""
    broken_dates: list[str] = []
    broken: list[T | None] = []
    before = None
    for date, value in zip(dates, values, strict=True):
        day = _ordinal(date)
        if before is not None and day - before > step:
            broken_dates.append(dt.date.fromordinal(before + 1).isoformat())
            broken.append(None)
        broken_dates.append(date)
        broken.append(value)
        before = day
    return broken_dates, broken


def _ordinal(date: str) -> int:
    return dt.date.fromisoformat(date).toordinal()
