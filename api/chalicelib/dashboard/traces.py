"""How one measure is drawn: bars for what is counted, a line for what is measured; gaps stay gaps."""

from collections.abc import Sequence
from typing import Any

from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import days_in, mean_of_period, with_breaks
from chalicelib.tabulation.statistics import shown_mean
from chalicelib.tabulation.table_text import DatedTable
from shared.dataset import Measure
from shared.exact import Number

type Figure = dict[str, Any]

_DAY = 86_400_000
"""Milliseconds, in which Plotly has widths on a time axis."""
_FULL, _BEHIND, _PALE = 0.85, 0.35, 0.4


def base_layout() -> dict[str, Any]:
    return {
        "showlegend": False,
        "hovermode": "x unified",
        "bargap": 0.15,
        "annotations": [],
    }


def bars(table: DatedTable, measure: Measure, *, by: By, behind: bool) -> dict[str, Any]:
    """A bar a row; pale where a number stands for less than its period.

    A number that stands for more is drawn as its mean over the days that it stands for, as wide as they are and
    hatched. `customdata` has the numbers themselves where any is drawn so.
    """
    values, days = table.values[measure.name], (table.days or {}).get(measure.name, [])
    whole = (table.whole or {}).get(measure.name, [])
    lengths = [days_in(label, by) for label in table.dates]
    over = [not it and (its or 0) > length for it, its, length in zip(whole, days, lengths, strict=True)]
    full = _BEHIND if behind else _FULL
    opacity = [full if it or more else full * _PALE for it, more in zip(whole, over, strict=True)]
    trace = {
        "type": "bar",
        "name": measure.label,
        "x": list(table.dates),
        "y": list(values),
        "marker": {"opacity": full if all(one == full for one in opacity) else [round(one, 3) for one in opacity]},
    }
    if any(over):
        trace |= _spread_over_gaps(trace, over, days, lengths, by=by)
    return trace


def _spread_over_gaps(
    trace: dict[str, Any], over: Sequence[bool], days: Sequence[int | None], lengths: Sequence[int], *, by: By
) -> dict[str, Any]:
    values: Sequence[Number | None] = trace["y"]
    rows = list(zip(values, days, lengths, over, strict=True))
    spread = [mean_of_period(y, its, length) if more else y for y, its, length, more in rows]
    noun = {"daily": "day", "weekly": "week", "monthly": "month"}[by]
    widths = {}
    if by == "daily":  # weeks and months keep their place on the axis: what lies before them has bars of its own
        wide = [(its or 1) if more else 1 for its, more in zip(days, over, strict=True)]
        widths = {
            "width": [round((one - 0.15) * _DAY) for one in wide],
            "offset": [round((0.575 - one) * _DAY) for one in wide],
        }
    text = [f"{y:,} in {its} days, drawn as its mean a {noun}" if more else "" for y, its, _, more in rows]
    pattern = {"shape": ["/" if more else "" for more in over], "size": 5}
    return {
        "y": spread,
        "customdata": list(values),
        "hovertext": text,
        "marker": trace["marker"] | {"pattern": pattern},
        **widths,
    }


def curve(table: DatedTable, measure: Measure, *, by: By, step: int) -> dict[str, Any]:
    """A line that breaks where dates are missing; points of weeks and months, pale where one is still open.

    `step`: days between two dates that are no gap, see `usual_step`.
    """
    dates, values = with_breaks(table.dates, table.values[measure.name], step=step)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "name": measure.label,
        "x": dates,
        "y": values,
        "line": {"width": 2},
    }
    if by != "daily" and not measure.adds_up and table.whole:
        known = [n for n, value in enumerate(values) if value is not None]
        still_open = set() if not known or table.whole[measure.name][-1] else {known[-1]}
        opacity = [_PALE if n in still_open else 1 for n in range(len(dates))]
        trace |= {"mode": "lines+markers", "marker": {"size": 6, "opacity": opacity}}
    return trace


def mean_line(table: DatedTable, means: Sequence[float | None], *, step: int) -> dict[str, Any]:
    shown = [None if mean is None else shown_mean(mean) for mean in means]
    dates, values = with_breaks(table.dates, shown, step=step)
    return {"type": "scatter", "mode": "lines", "name": "7-day mean", "x": dates, "y": values, "line": {"width": 2}}
