"""The dashboard's Plotly figures, as plain dicts.

Plotly's own Python classes validate and serialise at thirty times the cost; the tests put the same dicts through
`plotly.graph_objects.Figure`. Colours and language are the page's business, and where panels stand when some are
switched off: a figure says which measure a trace belongs to (`meta`), how high a panel is and how far from the next,
and each measure has a y axis of its own.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.dashboard.periods import CHOICES, WORDS, own_table, recent_from
from chalicelib.dashboard.revision_marks import revisions_figure
from chalicelib.dashboard.traces import Figure, bars, base_layout, curve, mean_line
from chalicelib.pictures.lengths import main_lengths, small_lengths
from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import usual_step
from chalicelib.tabulation.histories import Revision
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Kind, Measure

_PERIODS: Mapping[By, Mapping[str, Any]] = {
    "daily": {},
    "weekly": {},
    "monthly": {"xperiod": "M1", "xperiodalignment": "middle", "xhoverformat": "%b %Y"},
}
"""A month is labelled by its last day and drawn in its middle, or it would stand at the next month's tick."""

_RECENT_TICKS: Mapping[By, Mapping[str, Any]] = {
    "daily": {"dtick": 86_400_000, "tickformat": "%a"},
    "weekly": {"tickformat": "%-d %b"},
    "monthly": {"dtick": "M1", "tickformat": "%b", "ticklabelmode": "period"},
}


def dashboard_figures(
    tables: Tables, its: Statistics, changes: Sequence[Revision], dataset: Dataset
) -> dict[str, dict[str, Figure]]:
    """`{"daily" | "weekly" | "monthly": {"new", "cumulative", "recent"}, "revisions": {"all"}}`.

    Of the first three only those that are no finer than what is published; `cumulative` where there are totals.
    """
    ended = its.ended(tables.data.dates[-1])
    figures: dict[str, dict[str, Figure]] = {}
    for by in CHOICES[dataset.period]:
        table = tables.increments()[by]
        drawn_so: dict[str, Any] = {"by": by, "ended": ended, "step": usual_step(table.dates, by)}
        recent = table.since(recent_from(table.dates[-1], by))
        means = its.means if by == "daily" else {}
        figures[by] = {
            "new": panels(table, dataset, **drawn_so, means=means),
            "recent": panels(recent, dataset, **drawn_so, ticks=_RECENT_TICKS[by], small=True),
        }
        if dataset.totals:
            ends = _at_ends(tables.data, table)
            figures[by]["cumulative"] = panels(ends, dataset, **drawn_so, cumulative=True)
    figures["revisions"] = {"all": revisions_figure(changes, dataset)}
    return figures


def panels(
    table: DatedTable,
    dataset: Dataset,
    *,
    by: By,
    ended: Mapping[str, str],
    step: int,
    cumulative: bool = False,
    means: Mapping[str, Sequence[float | None]] | None = None,
    ticks: Mapping[str, Any] | None = None,
    small: bool = False,
) -> Figure:
    """One panel a measure above the other, on one time axis: each keeps a scale of its own.

    `ended`: measure -> the last date it was reported for, where it is not any more. `step`: see `usual_step`.
    """
    traces: list[dict[str, Any]] = []
    its = small_lengths(len(dataset.measures)) if small else main_lengths()
    layout = base_layout() | {
        "meta": {"title": main_title(dataset, by, cumulative=cumulative), "panel": its.panel, "gap": its.gap},
        "margin": {"l": its.left, "r": its.right, "t": its.top, "b": its.bottom},
        "height": its.height(len(dataset.measures)),
    }
    for n, measure in enumerate(dataset.measures):
        axis = "" if n == 0 else str(n + 1)
        belonging = dict(_PERIODS[by]) | {"xaxis": "x", "yaxis": f"y{axis}", "meta": measure.name}
        mean = (means or {}).get(measure.name)
        if cumulative or not measure.adds_up:
            drawn = [curve(table, measure, by=by, step=step)]
        else:
            drawn = [bars(table, measure, by=by, behind=bool(mean))]
            drawn += [mean_line(table, mean, step=step)] if mean else []
        traces += [belonging | trace for trace in drawn]
        layout[f"yaxis{axis}"] = _value_axis(measure, drawn)
        layout["annotations"] += _titles(measure, ended.get(measure.name), axis=axis)
    lowest = "" if len(dataset.measures) == 1 else str(len(dataset.measures))
    layout["xaxis"] = {"type": "date", "anchor": f"y{lowest}", "domain": [0, 1]} | dict(ticks or {})
    return {"data": traces, "layout": layout}


def _value_axis(measure: Measure, drawn: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Ticks say 20k, 3M and 1B; small numbers are written out, as a half would be 500m, which reads as millions."""
    largest = max((abs(float(y)) for trace in drawn for y in trace["y"] if y is not None), default=0)
    return {
        "rangemode": "tozero" if measure.adds_up else "normal",
        "exponentformat": "B" if largest >= 1000 else "none",
        "hoverformat": f",.{measure.decimals}f",
        "fixedrange": True,
        "anchor": "x",
    }


def _titles(measure: Measure, ended: str | None, *, axis: str) -> list[dict[str, Any]]:
    """Above the panel: its name on the left, as nobody turns their head to read it; on the right where it ends."""
    there = {"xref": "paper", "y": 1, "yref": f"y{axis} domain", "yanchor": "bottom", "showarrow": False}
    heading = f"{measure.label}, {measure.unit}" if measure.unit else measure.label
    titles = [there | {"text": heading, "name": f"heading-{measure.name}", "x": 0, "xanchor": "left"}]
    if ended:
        note = {"text": f"not reported after {ended}", "name": f"note-{measure.name}", "x": 1, "xanchor": "right"}
        titles.append(there | note)
    return titles


def main_title(dataset: Dataset, by: By, *, cumulative: bool = False) -> str:
    """What the main chart shows."""
    noun, kinds = WORDS[by].noun, {measure.kind for measure in dataset.measures}
    if cumulative:
        return f"In all, by {noun}"
    if not kinds <= {Kind.TOTAL, Kind.COUNT}:
        return f"By {noun}"
    mean = ", with the 7-day mean" if by == own_table(dataset.period) == "daily" else ""
    new = "New " if kinds == {Kind.TOTAL} else ""
    each = f"{'on' if by == 'daily' else 'in'} each {noun}{mean}"
    return new + (each if new else each.capitalize())


def _at_ends(data: DatedTable, buckets: DatedTable) -> DatedTable:
    """The published values at the last date of each bucket."""
    ends = [bisect_right(data.dates, label) - 1 for label in buckets.dates]
    values = {name: [column[n] for n in ends] for name, column in data.values.items()}
    return DatedTable(dates=buckets.dates, series=None, values=values)
