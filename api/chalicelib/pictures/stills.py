"""A figure as a still picture, in SVG: seen with the page itself, without JavaScript, and where no script can run.

Across, places are shares of the width, so that a picture within the page is as wide as the page lets it be while its
text and lines keep their size. Colours are the style's business: parts have classes, and a measure's is `m0` to `m5`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from markupsafe import Markup

from chalicelib.pictures.lengths import Lengths
from chalicelib.pictures.panels import Bar, Dot, Panel, Scene
from chalicelib.pictures.ticks import Tick, date_ticks, logarithmic_ticks, number_ticks

_ACROSS = 1000
"""Units that the width is drawn in."""
_MOST = 500
"""Bars, and points of a line, that are told apart: of more, neighbours are drawn as their highest."""


def still(
    scene: Scene,
    lengths: Lengths,
    *,
    order: Mapping[str, int],
    across: float = _ACROSS,
    date_tick_count: int = 6,
    ticks: Sequence[Tick] | None = None,
) -> Markup:
    """The picture without a margin at its sides: what stands left of the axis overflows.

    `order`: measure -> its place among all, which is its colour. `across`: units that the width is drawn in. `ticks` of
    the time axis are chosen if there are none.
    """
    height = lengths.height(len(scene.panels))
    parts = []
    for n, panel in enumerate(scene.panels):
        top = lengths.top + n * (lengths.panel + lengths.gap)
        parts.append(_panel(panel, top, scene, lengths, across, order[panel.measure] % 6))
    if scene.panels:
        shown = date_ticks(int(scene.first) + 1, int(scene.last), most=date_tick_count) if ticks is None else ticks
        parts += _time_axis(shown, scene, height - lengths.bottom)
    return Markup(
        '<svg class="still" width="100%" height="{}" overflow="visible" aria-hidden="true" focusable="false">{}</svg>'
    ).format(_short(height), Markup().join(parts))


def _panel(panel: Panel, top: float, scene: Scene, lengths: Lengths, across: float, colour: int) -> Markup:
    bottom = top + lengths.panel
    up = lengths.panel / (panel.high - panel.low)
    known = panel.bars or panel.dots or panel.lines
    parts = list(_value_axis(panel, bottom, up, most=4 if lengths.panel > 90 else 2)) if known else []
    drawn = Markup().join(
        shape for shapes in (_bars, _dots, _lines) for shape in shapes(panel, lengths.panel, scene, across)
    )
    inner = Markup(
        '<svg y="{}" width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>'
        '<text class="heading" y="{}">{}</text>'
    )
    size = _short(lengths.panel)
    parts.append(inner.format(_short(top), size, _short(across), size, drawn, _short(top - 7), panel.heading))
    if panel.note:
        note = Markup('<text class="note" x="100%" y="{}" text-anchor="end">{}</text>')
        parts.append(note.format(_short(top - 7), panel.note))
    return Markup('<g class="m{}">{}</g>').format(colour, Markup().join(parts))


def _value_axis(panel: Panel, bottom: float, up: float, *, most: int) -> Iterator[Markup]:
    ticks = logarithmic_ticks if panel.logarithmic else number_ticks
    for value, label in ticks(panel.low, panel.high, most=most):
        y = bottom - (value - panel.low) * up
        yield Markup('<line class="rule" x2="100%" y1="{0}" y2="{0}"/>').format(_short(y))
        yield Markup('<text x="-6" y="{}" text-anchor="end">{}</text>').format(_short(y + 4), label)


def _time_axis(ticks: Sequence[Tick], scene: Scene, bottom: float) -> list[Markup]:
    parts = []
    for day, label in ticks:
        share = (day - scene.first) / scene.days
        anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
        text = Markup('<text x="{}%" y="{}" text-anchor="{}">{}</text>')
        parts.append(text.format(_short(100 * share), _short(bottom + 18), anchor, label))
    return parts


def _bars(panel: Panel, height: float, scene: Scene, width: float) -> Iterator[Markup]:
    """A path for all bars that look the same."""
    up, across = height / (panel.high - panel.low), width / scene.days
    zero = height + panel.low * up
    bars = sorted(_fewer(panel.bars), key=lambda bar: (bar.opacity, bar.spread))
    for (opacity, spread), group in groupby(bars, key=lambda bar: (bar.opacity, bar.spread)):
        drawn = "".join(
            f"M{_short((bar.left - scene.first) * across)} {_short(zero)}V{_short(zero - bar.value * up)}"
            f"h{_short((bar.right - bar.left) * across)}V{_short(zero)}"
            for bar in group
        )
        name = "spread" if spread else "bars"
        yield Markup('<path class="{}" opacity="{}" d="{}"/>').format(name, _short(opacity, 2), drawn)


def _fewer(bars: Sequence[Bar]) -> list[Bar]:
    """Neighbours that would share a pixel as one bar, as high as the highest."""
    many = -(-len(bars) // _MOST)
    if many < 2:
        return list(bars)
    drawn = []
    for (opacity, spread), group in groupby(bars, key=lambda bar: (bar.opacity, bar.spread)):
        alike = list(group)
        for some in (alike[n : n + many] for n in range(0, len(alike), many)):
            value = max((bar.value for bar in some), key=abs)
            drawn.append(Bar(left=some[0].left, right=some[-1].right, value=value, opacity=opacity, spread=spread))
    return drawn


def _dots(panel: Panel, height: float, scene: Scene, width: float) -> Iterator[Markup]:
    """Lines without length: their round ends stay round however wide the picture is."""
    up, across = height / (panel.high - panel.low), width / scene.days
    many = max(1, -(-len(panel.dots) // _MOST))
    some = [max(panel.dots[n : n + many], key=lambda dot: dot.value) for n in range(0, len(panel.dots), many)]
    for opacity, group in groupby(some, key=lambda dot: dot.opacity):
        drawn = "".join(_place(dot, panel, scene, height=height, up=up, across=across) for dot in group)
        yield Markup('<path class="dots" vector-effect="non-scaling-stroke" opacity="{}" d="{}"/>').format(
            _short(opacity, 2), drawn
        )


def _place(dot: Dot, panel: Panel, scene: Scene, *, height: float, up: float, across: float) -> str:
    return f"M{_short((dot.day - scene.first) * across)} {_short(height - (dot.value - panel.low) * up)}h0"


def _lines(panel: Panel, height: float, scene: Scene, width: float) -> Iterator[Markup]:
    up, across = height / (panel.high - panel.low), width / scene.days
    many = max(1, -(-max(map(len, panel.lines), default=0) // _MOST))
    drawn = ""
    for line in panel.lines:
        some = [max(line[n : n + many], key=lambda point: point[1]) for n in range(0, len(line), many)]
        places = [f"{_short((x - scene.first) * across)} {_short(height - (y - panel.low) * up)}" for x, y in some]
        drawn += f"M{'L'.join(places)}" + ("h0" if len(places) == 1 else "")
    if drawn:
        yield Markup('<path class="line" vector-effect="non-scaling-stroke" d="{}"/>').format(drawn)


def _short(value: float, decimals: int = 1) -> str:
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
