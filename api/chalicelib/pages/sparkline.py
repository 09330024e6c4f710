"""A line the size of a word, as SVG: the shape of the last weeks beside the number, also without JavaScript."""

from collections.abc import Sequence

from markupsafe import Markup

from shared.exact import Number

_WIDTH, _HEIGHT = 220, 44


def sparkline(values: Sequence[Number | float | None]) -> Markup:
    """Hidden from screen readers: the number beside it and the chart's summary say what it shows."""
    known = [(n, float(value)) for n, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return Markup()
    least, most = min(0, *(value for _, value in known)), max(value for _, value in known)
    across, up = _WIDTH / (len(values) - 1), (_HEIGHT - 6) / ((most - least) or 1)
    points = [f"{n * across:.1f},{_HEIGHT - 3 - (value - least) * up:.1f}" for n, value in known]
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    line = " ".join(points)
    return Markup(
        '<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true"'
        ' focusable="false"><polygon points="{first},{height} {line} {last},{height}"/><polyline points="{line}"/>'
        "</svg>"
    ).format(width=_WIDTH, height=_HEIGHT, first=first, line=line, last=last)
