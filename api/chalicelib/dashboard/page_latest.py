"""The latest numbers: for each measure a card with its number, how it changed, and the shape of its last weeks."""

import datetime as dt
from collections.abc import Sequence

from chalicelib.dashboard.formatting import date, difference, number, percent, text
from chalicelib.dashboard.periods import WORDS, own_table
from chalicelib.dashboard.sparkline import sparkline
from chalicelib.tabulation.spans import By
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Kind, Measure
from shared.exact import Number

_SPARK_ROWS = {"daily": 56, "weekly": 26, "monthly": 24}


def stat_card(n: int, measure: Measure, tables: Tables, its: Statistics, dataset: Dataset) -> str:
    day = its.last_reported[measure.name]
    if day is None:
        return _card(n, measure, number(None), "<p>Never reported.</p>", "")
    by = own_table(dataset.period)
    table, at = tables.increments()[by], tables.data.dates.index(day)
    means = its.means.get(measure.name)
    lines = [_change(measure, tables.data, table, at, by)]
    if measure.adds_up:
        lines.append(_week_line(table.dates, means, at) if means else _period_line(measure, table, at, by))
    if at < len(tables.data.dates) - 1:
        lines.append(f'<p class="stopped">Not reported after {date(day)}.</p>')
    shape = means or table.values[measure.name]
    value = number(tables.data.values[measure.name][at])
    unit = f' <span class="unit">{text(measure.unit)}</span>' if measure.unit else ""
    return _card(n, measure, value + unit, "".join(lines), sparkline(shape[: at + 1][-_SPARK_ROWS[by] :]))


def _card(n: int, measure: Measure, total: str, lines: str, line: str) -> str:
    label = f"<h3>{text(measure.label)}</h3>"
    return f'<div class="stat m{n % 6}">{label}<p class="total">{total}</p>{lines}{line}</div>'


def _change(measure: Measure, data: Table, table: Table, at: int, by: By) -> str:
    """What is new of a total, where a count stands, by how much a level or a rate moved."""
    day = data.dates[at]
    when = f"{WORDS[by].per} {date(day, style='short' if by != 'monthly' else 'month')}"
    if measure.kind is Kind.COUNT:
        return f'<p class="new"><span>{when}</span></p>'
    if measure.cumulative:
        new, days = table.values[measure.name][at], (table.days or {})[measure.name][at]
        whole = (table.whole or {})[measure.name][at]
        over = "" if whole or not days else f"in {days} days to {date(day, style='short')}"
        return f'<p class="new">{number(new, sign=True)} <span>new {over or when}</span></p>' if new is not None else ""
    before = _last_before(data, measure, at)
    if before is None:
        return f'<p class="new"><span>{when}</span></p>'
    then, value = before
    moved = difference(data.values[measure.name][at], value)
    return f'<p class="new">{number(moved, sign=True)} <span>since {date(then, style="short")}</span></p>'


def _last_before(data: Table, measure: Measure, at: int) -> tuple[str, Number] | None:
    """The last date with a value before this one, and the value."""
    values = data.values[measure.name]
    for n in range(at - 1, -1, -1):
        value = values[n]
        if value is not None:
            return data.dates[n], value
    return None


def _period_line(measure: Measure, table: Table, at: int, by: By) -> str:
    """The change on the week or month before, where both numbers stand for exactly one."""
    values, whole = table.values[measure.name], (table.whole or {})[measure.name]
    if not at or not (whole[at] and whole[at - 1]) or not _next_to_each_other(table.dates[at - 1], table.dates[at], by):
        return ""
    now, before = values[at], values[at - 1]
    if now is None or not before or before < 0:
        return ""
    share = float(now) / float(before) - 1
    return f'<p class="week">{_arrow(share)} {percent(share)} on the {WORDS[by].noun} before</p>'


def _next_to_each_other(before: str, after: str, by: By) -> bool:
    first, second = dt.date.fromisoformat(before), dt.date.fromisoformat(after)
    if by == "monthly":
        return (second.year - first.year) * 12 + second.month - first.month == 1
    return (second - first).days == (7 if by == "weekly" else 1)


def _week_line(dates: Sequence[str], means: Sequence[float | None], at: int) -> str:
    """The mean of the last seven days and its change on the seven before."""
    mean = means[at]
    if mean is None:
        return ""
    before = _mean_a_week_before(dates, means, at)
    change = "" if not before else f", {_arrow(mean - before)} {percent(mean / before - 1)} on the week"
    return f'<p class="week">7-day mean {number(mean)}{change}</p>'


def _mean_a_week_before(dates: Sequence[str], means: Sequence[float | None], at: int) -> float | None:
    day = (dt.date.fromisoformat(dates[at]) - dt.timedelta(days=7)).isoformat()
    return next((mean for there, mean in zip(dates, means, strict=True) if there == day), None)


def _arrow(change: float) -> str:
    return '<span aria-hidden="true">' + ("▲" if change > 0 else "▼" if change < 0 else "=") + "</span>"
