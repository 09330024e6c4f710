"""The dashboard's Plotly figures, as plain dicts.

Plotly's own Python classes validate and serialise at thirty times the cost; the tests put the same dicts through
`plotly.graph_objects.Figure`. Colours, language and size are the page's business: the script fills them in from the
style sheet and the reader's locale, so a figure says only which measure a trace belongs to (`meta`).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.tabulation.histories import Revision
from chalicelib.tabulation.statistics import Statistics
from chalicelib.tabulation.table_text import Table
from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Measure

type Figure = dict[str, Any]

RECENT = {"daily": 7, "weekly": 8, "monthly": 6}
"""How many days, weeks and months are shown as recent."""

RUNS_SHOWN = 12
"""Runs with revisions that the revisions figure shows."""

COLOURS = ("#2a5d8f", "#a8402d", "#2c7a5f", "#7a5195", "#8a6d1f", "#48606b")
"""One for each measure in turn, where nothing else says otherwise."""

_PERIODS: Mapping[str, Mapping[str, Any]] = {
    "daily": {},
    "weekly": {},
    "monthly": {"xperiod": "M1", "xperiodalignment": "middle", "xhoverformat": "%b %Y"},
}
"""A month is labelled by its last day and drawn in its middle, or it would stand at the next month's tick."""

_RECENT_TICKS: Mapping[str, Mapping[str, Any]] = {
    "daily": {"dtick": 86_400_000, "tickformat": "%a"},
    "weekly": {"tickformat": "%-d %b"},
    "monthly": {"dtick": "M1", "tickformat": "%b", "ticklabelmode": "period"},
}

_GAP = 0.14


def dashboard_figures(
    tables: Tables, its: Statistics, changes: Sequence[Revision], dataset: Dataset
) -> dict[str, dict[str, Figure]]:
    """`{"daily" | "weekly" | "monthly": {"new", "cumulative", "recent"}, "revisions": {"all"}}`."""
    figures: dict[str, dict[str, Figure]] = {}
    ended = its.ended(tables.data.dates[-1])
    for name, table in tables.increments().items():
        recent = table.last(RECENT[name])
        figures[name] = {
            "new": panels(table, dataset, by=name, ended=ended, means=its.means if name == "daily" else {}),
            "cumulative": panels(_at_ends(tables.data, table), dataset, by=name, ended=ended, cumulative=True),
            "recent": panels(recent, dataset, by=name, ended=ended, ticks=_RECENT_TICKS[name]),
        }
    figures["revisions"] = {"all": revisions_figure(changes, dataset)}
    return figures


def panels(
    table: Table,
    dataset: Dataset,
    *,
    by: str,
    ended: Mapping[str, str],
    cumulative: bool = False,
    means: Mapping[str, Sequence[float | None]] | None = None,
    ticks: Mapping[str, Any] | None = None,
) -> Figure:
    """One panel a measure above the other, on one time axis: each keeps a scale of its own.

    `ended`: measure -> the last date it was reported for, where it is not any more.
    """
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = _layout()
    for n, measure in enumerate(dataset.measures):
        axis = "" if n == 0 else str(n + 1)
        shared = dict(_PERIODS[by]) | {"xaxis": "x", "yaxis": f"y{axis}", "meta": measure.name, "x": list(table.dates)}
        drawn = (
            _line(table, measure, _colour(n))
            if cumulative
            else _bars(table, measure, _colour(n), mean=(means or {}).get(measure.name))
        )
        traces += [shared | trace for trace in drawn]
        low, high = panel_domain(n, len(dataset.measures))
        layout[f"yaxis{axis}"] = {
            "domain": [low, high],
            "rangemode": "tozero",
            "tickformat": "~s",
            "hoverformat": ",.0f",
            "fixedrange": True,
            "anchor": "x",
        }
        layout["annotations"] += _titles(measure, ended.get(measure.name), axis=axis)
    lowest = "" if len(dataset.measures) == 1 else str(len(dataset.measures))
    layout["xaxis"] = {"type": "date", "anchor": f"y{lowest}", "domain": [0, 1]} | dict(ticks or {})
    return {"data": traces, "layout": layout}


def panel_domain(n: int, count: int) -> tuple[float, float]:
    """The share of the height that panel n of `count` takes, the first on top."""
    height = (1 - _GAP * (count - 1)) / count
    low = (count - 1 - n) * (height + _GAP)
    return round(low, 4), round(low + height, 4)


def revisions_figure(changes: Sequence[Revision], dataset: Dataset) -> Figure:
    """Which past dates the last runs changed: a row a run, the newest on top, a mark a changed value.

    Within a row each measure has a height of its own, so that marks do not cover one another.
    """
    runs = list(dict.fromkeys(change.run_id for change in changes))[:RUNS_SHOWN][::-1]
    shown = [change for change in changes if change.run_id in runs]
    count = len(dataset.measures)
    traces = []
    for n, measure in enumerate(dataset.measures):
        mine = [change for change in shown if change.measure == measure.name]
        lift = (count - 1) / 2 - n
        heights = [round(runs.index(change.run_id) + 0.5 * lift / count, 3) for change in mine]
        traces.append(_revision_trace(measure, mine, heights, colour=_colour(n)))
    layout = _layout() | {
        "xaxis": {"type": "date"},
        "yaxis": {
            "tickvals": list(range(len(runs))),
            "ticktext": [run[:10] for run in runs],
            "range": [-0.6, len(runs) - 0.4],
            "zeroline": False,
            "fixedrange": True,
        },
        "hovermode": "closest",
    }
    return {"data": [trace for trace in traces if trace["x"]], "layout": layout}


def _revision_trace(
    measure: Measure, changes: Sequence[Revision], heights: Sequence[float], *, colour: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": measure.label,
        "meta": measure.name,
        "x": [change.date for change in changes],
        "y": list(heights),
        "text": [_revision_text(change) for change in changes],
        "customdata": [change.run_id[:10] for change in changes],
        "hovertemplate": "%{x|%Y-%m-%d}<br>%{text}<br>run of %{customdata}<extra>%{fullData.name}</extra>",
        "marker": {
            "color": colour,
            "size": _sizes(changes),
            "line": {"width": 0},
            "opacity": 0.8,
            "symbol": [_symbol(change) for change in changes],
        },
    }


def _sizes(changes: Sequence[Revision]) -> list[float]:
    """Marks whose area grows with what changed, within one measure."""
    amounts = [abs(float(change.difference or 0)) for change in changes]
    most = max(amounts, default=0) or 1
    return [round(6 + 9 * (amount / most) ** 0.5, 1) for amount in amounts]


def _symbol(change: Revision) -> str:
    if change.difference is None:
        return "x"
    return "triangle-up" if change.difference > 0 else "triangle-down"


def _revision_text(change: Revision) -> str:
    old = "none" if change.old is None else f"{change.old:,}"
    new = "removed" if change.removed else "none" if change.new is None else f"{change.new:,}"
    return f"{old} → {new}" + ("" if change.difference is None else f" ({change.difference:+,})")


def _line(table: Table, measure: Measure, colour: str) -> list[dict[str, Any]]:
    values = list(table.values[measure.name])
    line = {"color": colour, "width": 2}
    return [{"type": "scatter", "mode": "lines", "name": measure.label, "y": values, "line": line}]


def _bars(table: Table, measure: Measure, colour: str, *, mean: Sequence[float | None] | None) -> list[dict[str, Any]]:
    full = 0.35 if mean else 0.85
    whole = (table.whole or {}).get(measure.name, [])
    opacity = full if all(whole) else [full if it else 0.4 * full for it in whole]
    values = list(table.values[measure.name])
    bars = {"type": "bar", "name": measure.label, "y": values, "marker": {"color": colour, "opacity": opacity}}
    if not mean:
        return [bars]
    line = {"color": colour, "width": 2}
    return [bars, {"type": "scatter", "mode": "lines", "name": "7-day mean", "y": list(mean), "line": line}]


def _at_ends(data: Table, buckets: Table) -> Table:
    """The published values at the last date of each bucket."""
    ends = [bisect_right(data.dates, label) - 1 for label in buckets.dates]
    values = {name: [column[n] for n in ends] for name, column in data.values.items()}
    return Table(dates=buckets.dates, series=None, values=values)


def _titles(measure: Measure, ended: str | None, *, axis: str) -> list[dict[str, Any]]:
    """Above the panel: its name on the left, as nobody turns their head to read it; on the right where it ends."""
    there = {"xref": "paper", "y": 1, "yref": f"y{axis} domain", "yanchor": "bottom", "showarrow": False}
    titles = [there | {"text": measure.label, "name": f"heading-{measure.name}", "x": 0, "xanchor": "left"}]
    if ended:
        note = {"text": f"not reported after {ended}", "name": f"note-{measure.name}", "x": 1, "xanchor": "right"}
        titles.append(there | note)
    return titles


def _layout() -> dict[str, Any]:
    return {
        "margin": {"l": 56, "r": 8, "t": 24, "b": 32},
        "showlegend": False,
        "hovermode": "x unified",
        "bargap": 0.15,
        "annotations": [],
    }


def _colour(n: int) -> str:
    return COLOURS[n % len(COLOURS)]
