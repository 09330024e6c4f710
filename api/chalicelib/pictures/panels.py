"""What a figure made for Plotly draws, measure by measure, with the scales that a still picture of it needs.

Both pictures are made of the same figure, so that the one may take the other's place without anything changing.
"""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from chalicelib.pages.formatting import plain_date

type DrawnFigure = Mapping[str, Any]

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DAY = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A number as an area from zero."""

    left: float
    right: float
    """Days, as ordinals with fractions."""
    value: float
    opacity: float
    spread: bool
    """Whether it is the mean over several days that one number stands for."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A number on a logarithmic scale, which has no zero for an area to start at."""

    day: float
    value: float
    opacity: float


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One measure."""

    measure: str
    heading: str
    note: str
    """Where it is not reported any more; empty else."""
    bars: Sequence[Bar]
    dots: Sequence[Dot] = ()
    lines: Sequence[Sequence[tuple[float, float]]]
    """Points (day, value) that hang together: a line breaks where there is no number."""
    low: float
    high: float
    logarithmic: bool = False
    """Whether values, `low` and `high` are logarithms to the base of ten."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All panels of a figure on one time axis."""

    panels: Sequence[Panel]
    first: float
    last: float
    """The ends of the axis, as days' ordinals: half a bar beyond the first and the last date."""

    @property
    def days(self) -> float:
        return self.last - self.first


def scene_of(
    figure: DrawnFigure, *, measures: Sequence[str] = (), start: str = "", end: str = "~", logarithmic: bool = False
) -> Scene:
    """The panels of these measures, of all where none is named, with the dates from `start` to `end`."""
    traces = [it for it in figure["data"] if not measures or it["meta"] in measures]
    shown = [_between(trace, start, end) for trace in traces]
    places = sorted({_place(x, trace) for trace in shown for x in trace["x"]})
    step = min((after - before for before, after in pairwise(places)), default=1.0)
    names = list(dict.fromkeys(trace["meta"] for trace in shown))
    panels = [_panel(figure, name, [it for it in shown if it["meta"] == name], step) for name in names]
    if logarithmic:
        panels = [_logarithmic(panel) for panel in panels]
    first, last = (places[0], places[-1]) if places else (0.0, 0.0)
    return Scene(panels=panels, first=first - step / 2, last=last + step / 2)


def _between(trace: Mapping[str, Any], start: str, end: str) -> dict[str, Any]:
    kept = [n for n, x in enumerate(trace["x"]) if start <= x <= end]
    marker = dict(trace.get("marker", {}))
    if isinstance(marker.get("opacity"), list):
        marker["opacity"] = [marker["opacity"][n] for n in kept]
    if "pattern" in marker:
        marker["pattern"] = {"shape": [marker["pattern"]["shape"][n] for n in kept]}
    lists = {name: [trace[name][n] for n in kept] for name in ("x", "y", "width", "offset") if name in trace}
    return {**trace, **lists, "marker": marker}


def _panel(figure: DrawnFigure, name: str, traces: Sequence[Mapping[str, Any]], step: float) -> Panel:
    texts = {
        it["name"]: _DATE.sub(lambda found: plain_date(found[0]), it["text"]) for it in figure["layout"]["annotations"]
    }
    values = [float(y) for trace in traces for y in trace["y"] if y is not None] or [0.0]
    low, high = min(values), max(values)
    axis = figure["layout"][f"yaxis{traces[0]['yaxis'][1:]}"]
    if axis["rangemode"] == "tozero":
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low or abs(high) or 1.0) * 0.05
    return Panel(
        measure=name,
        heading=texts[f"heading-{name}"],
        note=texts.get(f"note-{name}", ""),
        bars=[bar for trace in traces if trace["type"] == "bar" for bar in _bars(trace, step)],
        lines=[line for trace in traces if trace["type"] != "bar" for line in _lines(trace)],
        low=low if low == 0 else low - room,
        high=high + room,
    )


def _logarithmic(panel: Panel) -> Panel:
    """As the page's script shows it: bars as dots, and nothing where a value is not positive."""
    dots = [
        Dot(day=(bar.left + bar.right) / 2, value=math.log10(bar.value), opacity=0.5)
        for bar in panel.bars
        if bar.value > 0
    ]
    lines = [
        [(day, math.log10(value)) for day, value in points]
        for line in panel.lines
        for positive, points in groupby(line, key=lambda point: point[1] > 0)
        if positive
    ]
    values = [dot.value for dot in dots] + [value for line in lines for _, value in line] or [0.0]
    room = (max(values) - min(values) or 1.0) * 0.05
    return replace(
        panel,
        bars=(),
        dots=dots,
        lines=lines,
        low=min(values) - room,
        high=max(values) + room,
        logarithmic=True,
    )


def _bars(trace: Mapping[str, Any], step: float) -> list[Bar]:
    marker = trace["marker"]
    opacity, shapes = marker["opacity"], marker.get("pattern", {}).get("shape", [])
    bars = []
    for n, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
        if y is None:
            continue
        place = _place(x, trace)
        width = trace["width"][n] / _DAY if "width" in trace else step * 0.85
        left = place + trace["offset"][n] / _DAY if "offset" in trace else place - width / 2
        pale = opacity[n] if isinstance(opacity, list) else opacity
        spread = bool(shapes and shapes[n])
        bars.append(Bar(left=left, right=left + width, value=float(y), opacity=pale, spread=spread))
    return bars


def _lines(trace: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    lines: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(trace["x"], trace["y"], strict=True):
        if y is not None:
            lines[-1].append((_place(x, trace), float(y)))
        elif lines[-1]:
            lines.append([])
    return [line for line in lines if line]


def _place(date: str, trace: Mapping[str, Any]) -> float:
    """A month, which is labelled by its last day, stands in its middle."""
    day = dt.date.fromisoformat(date)
    return float(day.replace(day=16).toordinal() if "xperiod" in trace else day.toordinal())
