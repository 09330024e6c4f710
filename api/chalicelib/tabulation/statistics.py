"""What is said about one series beside its tables, worked out once: means over seven days, last dates."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Period
from shared.exact import Number

_WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Of the tables of one series."""

    last_reported: Mapping[str, str | None]
    """Measure -> the last date with a value; None where there never was one."""
    means: Mapping[str, Sequence[float | None]]
    """Measure -> `seven_day_mean`, a number a row of the daily table; of daily totals and counts only."""

    def ended(self, newest: str) -> dict[str, str]:
        """Measure -> the last date it was reported for, where that is not the newest date."""
        return {name: last for name, last in self.last_reported.items() if last and last < newest}


def statistics(tables: Tables, dataset: Dataset) -> Statistics:
    """`tables` are of one series."""
    daily = tables.daily
    return Statistics(
        last_reported={name: last_reported(tables.data, name) for name in dataset.measure_names},
        means={
            m.name: seven_day_mean(daily.dates, daily.values[m.name], (daily.days or {})[m.name])
            for m in dataset.measures
            if m.adds_up and dataset.period is Period.DAY
        },
    )


def seven_day_mean(
    dates: Sequence[str], values: Sequence[Number | None], days: Sequence[int | None]
) -> list[float | None]:
    """For each date the mean a day over the seven days that end with it.

    A number that stands for several days is spread evenly over them. None where there is no number, and where the
    seven days are not all stood for.
    """
    spans = [_Spread(date, value, its) for date, value, its in zip(dates, values, days, strict=True)]
    means: list[float | None] = []
    first = 0
    for n, span in enumerate(spans):
        while spans[first].end <= span.end - _WEEK:
            first += 1
        means.append(_mean(spans[first : n + 1], end=span.end) if span.days else None)
    return means


class _Spread:
    """A number over the days that it stands for."""

    __slots__ = ("days", "end", "value")

    def __init__(self, date: str, value: Number | None, days: int | None) -> None:
        self.end = dt.date.fromisoformat(date).toordinal()
        self.value, self.days = value, days if value is not None else None

    def within(self, start: int) -> int:
        """How many of its days come after `start`."""
        return min(self.days or 0, self.end - start)


def _mean(spans: Sequence[_Spread], *, end: int) -> float | None:
    start = end - _WEEK
    inside = [span.within(start) for span in spans]
    if sum(inside) < _WEEK:
        return None
    if all(there == (span.days or 0) for there, span in zip(inside, spans, strict=True)):
        mean = float(sum(span.value for span in spans if span.value is not None)) / _WEEK
    else:
        shares = [
            Fraction(span.value) * there / span.days
            for there, span in zip(inside, spans, strict=True)
            if span.value is not None and span.days
        ]
        mean = float(sum(shares) / _WEEK)
    return round(mean) if abs(mean) >= 100 else round(mean, 1)


def last_reported(table: Table, measure: str) -> str | None:
    """The last date with a value; None where there never was one."""
    values = table.values[measure]
    return next((table.dates[n] for n in range(len(values) - 1, -1, -1) if values[n] is not None), None)
