"""A line the size of a word, as SVG: the shape of the last weeks beside the number, also without JavaScript."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

from shared.exact import Number

_WIDTH, _HEIGHT = 220, 44


def sparkline(values: Sequence[Number | float | None]) -> Markup:
    """Hidden from screen readers: the number beside it and the chart's summary say what it shows."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return Markup()
    least, most = min(0, *known), max(known)
    across, up = _WIDTH / (len(values) - 1), (_HEIGHT - 6) / ((most - least) or 1)
    lines = Markup().join(
        _line([f"{n * across:.1f},{_HEIGHT - 3 - (value - least) * up:.1f}" for n, value in stretch])
        for stretch in _stretches(values)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true"'
        ' focusable="false">{lines}</svg>'
    ).format(width=_WIDTH, height=_HEIGHT, lines=lines)


def _stretches(values: Sequence[Number | float | None]) -> Iterator[list[tuple[int, float]]]:
    """Places and values that follow one another without a gap."""
    for known, group in groupby(enumerate(values), key=lambda placed: placed[1] is not None):
        if known:
            yield [(n, float(value)) for n, value in group if value is not None]


def _line(points: Sequence[str]) -> Markup:
    """One value alone is a dot: a line to itself."""
    points = points if len(points) > 1 else [*points, *points]
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    return Markup('<polygon points="{first},{height} {line} {last},{height}"/><polyline points="{line}"/>').format(
        first=first, height=_HEIGHT, line=" ".join(points), last=last
    )
