"""What is said about one series beside its tables, worked out once: means over seven days, last dates."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.tabulation.table_text import DatedTable
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
    """For each date the mean a day over the seven days that end with it, as it is: see `shown_mean`.

    None where there is no number, and where those that there are do not stand for exactly the seven days: the first
    six dates, and after a gap that the seven days begin in.
    """
    ends = [dt.date.fromisoformat(date).toordinal() for date in dates]
    means: list[float | None] = []
    first = 0
    for n, end in enumerate(ends):
        while ends[first] <= end - _WEEK:
            first += 1
        known = [at for at in range(first, n + 1) if values[at] is not None and days[at]]
        exact = sum(days[at] or 0 for at in known) == _WEEK and n in known
        means.append(float(sum(values[at] or 0 for at in known)) / _WEEK if exact else None)
    return means


def shown_mean(mean: float) -> float:
    """As it is written and drawn: a whole number from 100 on, one decimal from 1 on, else two digits that count.

    Shares and peaks are of the means themselves: a change between two rounded ones may be another.
    """
    if abs(mean) >= 100:
        return round(mean)
    return round(mean, 1) if abs(mean) >= 1 else float(f"{mean:.2g}")


def last_reported(table: DatedTable, measure: str) -> str | None:
    """The last date with a value; None where there never was one."""
    values = table.values[measure]
    return next((table.dates[n] for n in range(len(values) - 1, -1, -1) if values[n] is not None), None)
