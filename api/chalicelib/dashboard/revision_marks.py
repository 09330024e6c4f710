"""The figure of revisions: which past dates the last runs changed."""

from collections.abc import Sequence
from typing import Any

from chalicelib.dashboard.traces import Figure, base_layout
from chalicelib.tabulation.histories import Revision
from shared.dataset import Dataset, Measure

RUNS_SHOWN = 12
"""Runs with revisions that the figure shows."""


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
        traces.append(_revision_trace(measure, mine, heights))
    layout = base_layout() | {
        "margin": {"l": 56, "r": 6, "t": 8, "b": 36},
        "height": 64 + 44 * len(runs),
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


def _revision_trace(measure: Measure, changes: Sequence[Revision], heights: Sequence[float]) -> dict[str, Any]:
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
