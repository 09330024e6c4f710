"""The course of one value over the runs, as a line in SVG: level from run to run, a step where one changed it."""

import datetime as dt
from collections.abc import Sequence

from markupsafe import Markup

from shared.exact import Number
from shared.runs import parse_time

_WIDTH, _HEIGHT, _MARGIN = 220, 44, 3


def course_line(course: Sequence[tuple[str, Number | None]], *, until: str) -> Markup:
    """Up to the time `until`; nothing where the value never changed. The scale is the values' own, not from zero.

    Hidden from screen readers: the table has every step.
    """
    known = [(parse_time(time), float(value)) for time, value in course if value is not None]
    if len(known) < 2:
        return Markup()
    begin, end = known[0][0], max(parse_time(until), known[-1][0] + dt.timedelta(hours=1))
    least, most = min(value for _, value in known), max(value for _, value in known)
    across, up = _WIDTH / (end - begin).total_seconds(), (_HEIGHT - 2 * _MARGIN) / ((most - least) or 1)
    points = list[str]()
    for time, value in known:
        x, y = (time - begin).total_seconds() * across, _HEIGHT - _MARGIN - (value - least) * up
        if points:
            points.append(f"{x:.1f},{points[-1].partition(',')[2]}")
        points.append(f"{x:.1f},{y:.1f}")
    points.append(f"{_WIDTH},{points[-1].partition(',')[2]}")
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"'
        ' focusable="false"><polyline points="{}"/></svg>'
    ).format(_WIDTH, _HEIGHT, " ".join(points))
