"""A chart as a file of its own: with its title, what it shows, and whom the numbers are from."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chalicelib.pictures.lengths import Lengths
from chalicelib.pictures.palettes import style_of
from chalicelib.pictures.panels import Scene
from chalicelib.pictures.stills import still

_PAD, _LEFT, _GAP = 24, 44, 34
_LINE = 16
_NARROW = 0.47
"""How wide a letter is on the average, as a share of its size."""


@dataclass(frozen=True, kw_only=True)
class ChartWords:
    """What stands around the panels."""

    title: str
    about: str
    """What the panels show: of which dates, and as known when."""
    credits: Sequence[str]


def chart_svg(scene: Scene, words: ChartWords, *, order: Mapping[str, int], width: int, height: int, theme: str) -> str:
    """The picture as an SVG document, drawn in pixels: nothing in it is scaled. `order` as in `still`."""
    inside = width - 2 * _PAD
    title, about = _lines([words.title], inside, 22), _lines([words.about], inside, 15)
    credit = _lines(words.credits, inside, 12)
    head = _PAD + 26 * len(title) + 20 * len(about) + 8
    foot = _LINE * len(credit) + _PAD
    count = max(1, len(scene.panels))
    panel = max(24, (height - head - foot - 22 - 30 - _GAP * (count - 1)) / count)
    lengths = Lengths(panel=panel, gap=_GAP, left=_LEFT, right=0, top=22, bottom=30)
    across = inside - _LEFT
    ticks = max(2, across // 90)
    drawn = still(scene, lengths, order=order, across=across, date_tick_count=ticks) if scene.panels else Markup()
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' role="img" aria-label="{label}"><style>{style}</style><rect class="paper" width="100%" height="100%"/>'
        '{title}{about}<svg x="{left}" y="{head}" width="{across}" height="{room}" overflow="visible">{drawn}</svg>'
        "{credit}</svg>"
    ).format(
        width=width,
        height=height,
        label=f"{words.title}. {words.about}",
        style=Markup(style_of(theme)),  # noqa: S704  # our own rules
        title=_texts(title, "title", _PAD + 18, 26),
        about=_texts(about, "about", _PAD + 26 * len(title) + 14, 20),
        left=_PAD + _LEFT,
        head=head,
        across=across,
        room=max(0, height - head - foot),
        drawn=drawn,
        credit=_texts(credit, "credit", height - foot + 10, _LINE),
    )


def _lines(texts: Sequence[str], width: int, size: int) -> list[str]:
    letters = max(20, int(width / (size * _NARROW)))
    return [line for text in texts if text for line in textwrap.wrap(text, letters)]


def _texts(lines: Sequence[str], name: str, top: float, step: float) -> Markup:
    text = Markup('<text class="{}" x="{}" y="{}">{}</text>')
    return Markup().join(text.format(name, _PAD, top + n * step, line) for n, line in enumerate(lines))
