"""A line the size of a word, as SVG: the shape of the last weeks beside the number, also without JavaScript."""

from collections.abc import Sequence

from shared.exact import Number

_WIDTH, _HEIGHT = 220, 44


def sparkline(values: Sequence[Number | float | None]) -> str:
    """Hidden from screen readers: the number beside it and the chart's summary say what it shows."""
    known = [(n, float(value)) for n, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    least, most = min(0, *(value for _, value in known)), max(value for _, value in known)
    across, up = _WIDTH / (len(values) - 1), (_HEIGHT - 6) / ((most - least) or 1)
    points = [f"{n * across:.1f},{_HEIGHT - 3 - (value - least) * up:.1f}" for n, value in known]
    first, last = points[0].split(",")[0], points[-1].split(",")
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"'
        f' focusable="false"><polygon points="{first},{_HEIGHT} {" ".join(points)} {last[0]},{_HEIGHT}"/>'
        f'<polyline points="{" ".join(points)}"/></svg>'
    )
