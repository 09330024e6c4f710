"""What the four tables must hold, worked out a day at a time, without arrays, from the design's own words."""

import calendar
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from shared.dataset import Aggregate, Dataset, Measure, Opening, Period
from shared.exact import Number, from_scaled, to_scaled

type Values = Sequence[Number | None]
type Series = Mapping[str, Values]
"""Date -> values in the order of the measures."""

DAY = dt.timedelta(days=1)


def tables(rows: Mapping[str, Series], dataset: Dataset, *, days: bool = False) -> dict[str, list[dict[str, Any]]]:
    """The four tables of all series (`{series: {date: values}}`), rows in order of date and series."""
    made: dict[str, list[dict[str, Any]]] = {"data": []}
    for by in ("daily", "weekly", "monthly"):
        made[by] = []
    for series, its in rows.items():
        head = {"series": series} if dataset.has_series else {}
        made["data"] += [
            {"date": date} | head | dict(zip(dataset.measure_names, its[date], strict=True)) for date in its
        ]
        for by in ("daily", "weekly", "monthly"):
            made[by] += [{"date": row.pop("date")} | head | row for row in _rows(its, dataset, by=by, days=days)]
    for table in made.values():
        table.sort(key=lambda row: (row["date"], row.get("series", "")))
    return made


@dataclass(frozen=True)
class _Amount:
    value: Number
    days: int
    complete: bool


def _rows(rows: Series, dataset: Dataset, *, by: str, days: bool) -> Iterator[dict[str, Any]]:
    label = _label(dataset.period, by)
    for bucket in sorted({label(_day(date)) for date in rows}):
        amounts = {
            measure.name: _amount(
                measure,
                {_day(date): values[n] for date, values in rows.items() if values[n] is not None},
                bucket,
                dataset.period,
                by,
            )
            for n, measure in enumerate(dataset.measures)
        }
        row: dict[str, Any] = {"date": bucket.isoformat()}
        row |= {name: amount and amount.value for name, amount in amounts.items()}
        row["complete"] = all(amount is None or amount.complete for amount in amounts.values())
        if days:
            row |= {f"{name}_days": amount and amount.days for name, amount in amounts.items()}
        yield row


def _amount(
    measure: Measure, reported: Mapping[dt.date, Number | None], bucket: dt.date, period: Period, by: str
) -> _Amount | None:
    first, last = _bounds(bucket, period, by)
    inside = sorted(day for day in reported if first <= _stands_to(day, period) <= last)
    if period is not Period.DAY and by != "monthly":
        inside = [day for day in inside if day == bucket]
    if period is Period.MONTH:
        inside = [day for day in inside if day == bucket]
    if not inside:
        return None
    scaled = {day: to_scaled(value, measure.decimals) for day, value in reported.items() if value is not None}
    closed = _stands_to(max(reported), period) >= last
    if measure.cumulative:
        return _growth(measure, scaled, inside, (first, last), period, by, closed=closed)
    values = [scaled[day] for day in inside]
    value = {
        Aggregate.SUM: lambda: sum(values),
        Aggregate.LAST: lambda: values[-1],
        Aggregate.MAX: lambda: max(values),
        Aggregate.MEAN: lambda: round(Fraction(sum(values), len(values))),  # Python rounds a half to even
    }[measure.aggregate]()
    there = all(day in reported for day in _expected(inside[-1], first, last, period, by))
    return _Amount(from_scaled(value, measure.decimals), sum(_length(day, period) for day in inside), there and closed)


def _growth(
    measure: Measure,
    scaled: Mapping[dt.date, int],
    inside: Sequence[dt.date],
    bounds: tuple[dt.date, dt.date],
    period: Period,
    by: str,
    *,
    closed: bool,
) -> _Amount | None:
    """What a total grew by inside: its last value less the last one before, by `opening` where there is none."""
    first, last = bounds
    before = [day for day in scaled if day < inside[0]]
    end = _stands_to(inside[-1], period)
    if before:
        was, since = scaled[max(before)], _stands_to(max(before), period)
    elif measure.opening is Opening.COUNT:
        was, since = 0, first - DAY
    elif len(inside) > 1:
        was, since = scaled[inside[0]], _stands_to(inside[0], period)
    else:
        return None
    slack = dt.timedelta(days=7 if period is Period.WEEK and by == "monthly" else 1)
    complete = closed and first - slack <= since < first and last - slack < end <= last
    return _Amount(from_scaled(scaled[inside[-1]] - was, measure.decimals), (end - since).days, complete)


def _label(period: Period, by: str) -> Callable[[dt.date], dt.date]:
    if period is Period.MONTH or by == "daily" or (period is Period.WEEK and by == "weekly"):
        return lambda day: day
    if by == "weekly":
        return lambda day: day + dt.timedelta(days=6 - day.weekday())
    return _last_of_month


def _bounds(bucket: dt.date, period: Period, by: str) -> tuple[dt.date, dt.date]:
    if period is Period.MONTH or by == "monthly":
        return bucket.replace(day=1), _last_of_month(bucket)
    if period is Period.WEEK or by == "weekly":
        return bucket - dt.timedelta(days=6), bucket
    return bucket, bucket


def _expected(known: dt.date, first: dt.date, last: dt.date, period: Period, by: str) -> Iterator[dt.date]:
    """The dates in the bucket on which a period should be dated, going by one that is."""
    if period is Period.MONTH or by == "daily":
        yield known
        return
    step = dt.timedelta(days=7 if period is Period.WEEK else 1)
    day = known
    while day - step >= first:
        day -= step
    while day <= last:
        yield day
        day += step


def _stands_to(day: dt.date, period: Period) -> dt.date:
    """The last day of the period that a date stands for."""
    return _last_of_month(day) if period is Period.MONTH else day


def _length(day: dt.date, period: Period) -> int:
    return _last_of_month(day).day if period is Period.MONTH else 7 if period is Period.WEEK else 1


def _day(date: str) -> dt.date:
    return dt.date.fromisoformat(date)


def _last_of_month(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
