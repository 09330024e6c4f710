"""The latest numbers: for each measure a card with its total, what is new, and its change on the week."""

import datetime as dt
from collections.abc import Sequence

from chalicelib.dashboard.formatting import date, number, percent, text
from chalicelib.dashboard.sparkline import sparkline
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Measure

_SPARK_DAYS = 56


def stat_card(n: int, measure: Measure, tables: Tables, its: Statistics) -> str:
    day = its.last_reported[measure.name]
    if day is None:
        return _card(n, measure, number(None), "<p>Never reported.</p>", "")
    at = tables.data.dates.index(day)
    total, new = tables.data.values[measure.name][at], tables.daily.values[measure.name][at]
    means = its.means.get(measure.name) or [None] * len(tables.daily.dates)
    lines = [f'<p class="new">{number(new, sign=True)} <span>new on {date(day, style="short")}</span></p>']
    lines.append(_week_line(tables.daily.dates, means, at))
    if at < len(tables.data.dates) - 1:
        lines.append(f'<p class="stopped">Not reported after {date(day)}.</p>')
    return _card(n, measure, number(total), "".join(lines), sparkline(means[: at + 1][-_SPARK_DAYS:]))


def _card(n: int, measure: Measure, total: str, lines: str, line: str) -> str:
    label = f"<h3>{text(measure.label)}</h3>"
    return f'<div class="stat m{n % 6}">{label}<p class="total">{total}</p>{lines}{line}</div>'


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
