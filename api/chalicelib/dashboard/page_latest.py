"""The latest numbers: for each measure a card with its number, how it changed, and the shape of its last weeks."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chalicelib.dashboard.periods import WORDS, own_table
from chalicelib.pages.formatting import date, difference, number, percent
from chalicelib.pages.sparkline import sparkline
from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import means_over_gaps, usual_step, with_breaks
from chalicelib.tabulation.statistics import Statistics, shown_mean
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Kind, Measure
from shared.exact import Number

_SPARK_ROWS = {"daily": 56, "weekly": 26, "monthly": 24}
_NOTHING = Markup()


@dataclass(frozen=True, kw_only=True)
class StatCard:
    """What a card shows; of a measure that never was reported, its name alone."""

    measure: Measure
    value: Number | None = None
    change: Markup = _NOTHING
    """What is new, or how far it moved."""
    trend: Markup = _NOTHING
    """How that compares with what was before; empty where nothing can be compared."""
    stopped_after: str = ""
    """The last date it was reported for, where that is not the newest date."""
    line: Markup = _NOTHING


def stat_card(measure: Measure, tables: Tables, its: Statistics, dataset: Dataset) -> StatCard:
    day = its.last_reported[measure.name]
    if day is None:
        return StatCard(measure=measure)
    by = own_table(dataset.period)
    table, at = tables.increments()[by], tables.data.dates.index(day)
    means = its.means.get(measure.name)
    trend = _NOTHING
    if measure.adds_up:
        trend = _week_line(table.dates, means, at) if means else _period_line(measure, table, at, by)
    return StatCard(
        measure=measure,
        value=tables.data.values[measure.name][at],
        change=_change(measure, tables.data, table, at, by),
        trend=trend,
        stopped_after=day if at < len(tables.data.dates) - 1 else "",
        line=sparkline(_shape(measure, table, means, at, by)),
    )


def _shape(
    measure: Measure, table: DatedTable, means: Sequence[float | None] | None, at: int, by: By
) -> Sequence[Number | float | None]:
    """The last numbers as the large chart has them: means over gaps, and breaks where dates are missing."""
    shape: Sequence[Number | float | None] = means or means_over_gaps(table, measure, by=by)
    broken: Sequence[Number | float | None]
    _, broken = with_breaks(table.dates[: at + 1], shape[: at + 1], step=usual_step(table.dates, by))
    return broken[-_SPARK_ROWS[by] :]


def _change(measure: Measure, data: DatedTable, table: DatedTable, at: int, by: By) -> Markup:
    """What is new of a total, where a count stands, by how much a level or a rate moved."""
    day = data.dates[at]
    when = Markup("{} {}").format(WORDS[by].per, date(day, style="short" if by != "monthly" else "month"))
    if measure.kind is Kind.COUNT:
        return Markup("<span>{}</span>").format(when)
    if measure.cumulative:
        new, days = table.values[measure.name][at], (table.days or {})[measure.name][at]
        whole = (table.whole or {})[measure.name][at]
        if new is None:
            return _NOTHING
        over = when if whole or not days else Markup("in {} days to {}").format(days, date(day, style="short"))
        return Markup("{} <span>new {}</span>").format(number(new, sign=True), over)
    before = _last_before(data, measure, at)
    if before is None:
        return Markup("<span>{}</span>").format(when)
    then, value = before
    moved = difference(data.values[measure.name][at], value)
    return Markup("{} <span>since {}</span>").format(number(moved, sign=True), date(then, style="short"))


def _last_before(data: DatedTable, measure: Measure, at: int) -> tuple[str, Number] | None:
    """The last date with a value before this one, and the value."""
    values = data.values[measure.name]
    for n in range(at - 1, -1, -1):
        value = values[n]
        if value is not None:
            return data.dates[n], value
    return None


def _period_line(measure: Measure, table: DatedTable, at: int, by: By) -> Markup:
    """The change on the week or month before, where both numbers stand for exactly one."""
    values, whole = table.values[measure.name], (table.whole or {})[measure.name]
    if not at or not (whole[at] and whole[at - 1]) or not _next_to_each_other(table.dates[at - 1], table.dates[at], by):
        return _NOTHING
    now, before = values[at], values[at - 1]
    if now is None or not before or before < 0:
        return _NOTHING
    share = float(now) / float(before) - 1
    return Markup("{} {} on the {} before").format(_arrow(share), percent(share), WORDS[by].noun)


def _next_to_each_other(before: str, after: str, by: By) -> bool:
    first, second = dt.date.fromisoformat(before), dt.date.fromisoformat(after)
    if by == "monthly":
        return (second.year - first.year) * 12 + second.month - first.month == 1
    return (second - first).days == (7 if by == "weekly" else 1)


def _week_line(dates: Sequence[str], means: Sequence[float | None], at: int) -> Markup:
    """The mean of the last seven days and its change on the seven before."""
    mean = means[at]
    if mean is None:
        return _NOTHING
    before = _mean_a_week_before(dates, means, at)
    if not before:
        return Markup("7-day mean {}").format(number(shown_mean(mean)))
    moved = percent(mean / before - 1)
    return Markup("7-day mean {}, {} {} on the week").format(number(shown_mean(mean)), _arrow(mean - before), moved)


def _mean_a_week_before(dates: Sequence[str], means: Sequence[float | None], at: int) -> float | None:
    day = (dt.date.fromisoformat(dates[at]) - dt.timedelta(days=7)).isoformat()
    return next((mean for there, mean in zip(dates, means, strict=True) if there == day), None)


def _arrow(change: float) -> Markup:
    return Markup('<span aria-hidden="true">{}</span>').format("▲" if change > 0 else "▼" if change < 0 else "=")
