"""The figure of revisions as a still picture: a row a run, a mark a value that it changed."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from chalicelib.pictures.panels import DrawnFigure
from chalicelib.pictures.ticks import date_ticks

_MOST = 200
"""Marks that are drawn, the largest: a page is not to grow with what a run revised."""
_ROOM = 0.02
"""Of the width, left and right of the marks."""
_SHAPES = {"triangle-up": "M-{0} {1}L0-{0}L{0} {1}Z", "triangle-down": "M-{0}-{1}L0 {0}L{0}-{1}Z"}
_CROSS = "M-{0}-{0}L{0} {0}M-{0} {0}L{0}-{0}"


def still_of_revisions(figure: DrawnFigure, *, order: Mapping[str, int]) -> Markup:
    """The picture, empty where nothing was revised. Across, places are shares of its width.

    `order`: measure -> its place, which is its colour.
    """
    layout = figure["layout"]
    days = [dt.date.fromisoformat(date).toordinal() for trace in figure["data"] for date in trace["x"]]
    if not days:
        return Markup()
    first, last = min(days), max(days)
    top, bottom = layout["margin"]["t"], layout["height"] - layout["margin"]["b"]
    low, high = layout["yaxis"]["range"]

    def across(day: int) -> str:
        share = (day - first) / (last - first) if last > first else 0.5
        return f"{100 * (_ROOM + (1 - 2 * _ROOM) * share):.2f}%"

    def down(row: float) -> str:
        return f"{top + (high - row) / (high - low) * (bottom - top):.1f}"

    run = Markup(
        '<line class="rule" x2="100%" y1="{0}" y2="{0}"/><text x="-6" y="{0}" dy="4" text-anchor="end">{1}</text>'
    )
    parts = [
        run.format(down(row), _day(label))
        for row, label in zip(layout["yaxis"]["tickvals"], layout["yaxis"]["ticktext"], strict=True)
    ]
    parts += [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(across(int(day)), bottom + 18, label)
        for day, label in date_ticks(first, last, most=6)
        if first <= day <= last
    ]
    mark = Markup('<svg class="m{}" x="{}" y="{}" overflow="visible"><path class="{}" d="{}"/></svg>')
    for measure, date, row, size, symbol in sorted(_marks(figure), key=lambda it: -it[3])[:_MOST]:
        place = across(dt.date.fromisoformat(date).toordinal())
        drawn = "bars" if symbol in _SHAPES else "line"
        parts.append(mark.format(order[measure] % 6, place, down(row), drawn, _shape(symbol, size)))
    return Markup(
        '<svg class="still" width="100%" height="{}" overflow="visible" aria-hidden="true" focusable="false">{}</svg>'
    ).format(layout["height"], Markup().join(parts))


def _marks(figure: DrawnFigure) -> Iterator[tuple[str, str, float, float, str]]:
    """Measure, date, row, size and symbol of each."""
    for trace in figure["data"]:
        marker: Mapping[str, Any] = trace["marker"]
        for date, row, size, symbol in zip(trace["x"], trace["y"], marker["size"], marker["symbol"], strict=True):
            yield trace["meta"], date, row, size, symbol


def _shape(symbol: str, size: float) -> str:
    half = f"{size / 2:.1f}"
    return _SHAPES.get(symbol, _CROSS).format(half, f"{size / 2 * 0.8:.1f}")


def _day(date: str) -> str:
    day = dt.date.fromisoformat(date)
    return f"{day.day} {day:%b}"
