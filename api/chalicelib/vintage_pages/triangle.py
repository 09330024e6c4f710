"""The triangle: dates by lag, each point as complete as the value was that was known then. For Plotly."""

from collections.abc import Sequence
from typing import Any

from chalicelib.vintages.value_paths import Path
from shared.dataset import Period

DATES = 120
"""Dates that are shown, the newest."""
_STEP = {Period.DAY: (1, 28), Period.WEEK: (7, 91), Period.MONTH: (31, 372)}
"""Period -> days between the lags that are shown, and the last of them."""
_OFF = 0.1
"""A value that differs by more than this share from the newest has the colour of one that differs by this."""


def triangle(paths: Sequence[Path], period: Period) -> dict[str, Any]:
    """A figure of the paths of one series; without data where no value was followed from its first report on.

    `text` of a point says what was known, and what share that is of the newest value.
    """
    step, last = _STEP[period]
    followed = [path for path in paths if path.first_lag is not None and path.values[-1]]
    points = [
        (path.date, lag, value, value / newest)
        for path in followed[-DATES:]
        if (newest := path.values[-1])
        for lag in range(max(path.first_lag or 0, 0), min(last, path.until_lag) + 1)
        if (lag - max(path.first_lag or 0, 0)) % step == 0 and (value := path.at(lag)) is not None
    ]
    return {
        "data": [_points(points)] if points else [],
        "layout": {
            "xaxis": {"title": {"text": "days after the date"}, "zeroline": False},
            "yaxis": {"type": "date", "autorange": "reversed"},
            "hovermode": "closest",
            "margin": {"l": 80, "r": 8, "t": 8, "b": 44},
            "height": 620,
            "showlegend": False,
        },
    }


def _points(points: Sequence[tuple[str, int, float, float]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [lag for _, lag, _, _ in points],
        "y": [date for date, _, _, _ in points],
        "text": [f"{value:,.10g}, {share:.1%} of the newest value" for _, _, value, share in points],
        "hovertemplate": "%{y|%Y-%m-%d}, after %{x} days<br>%{text}<extra></extra>",
        "marker": {
            "symbol": "square",
            "size": 7,
            "color": [round(min(max(share - 1, -_OFF), _OFF), 4) for _, _, _, share in points],
            "cmin": -_OFF,
            "cmax": _OFF,
            "colorscale": [[0, "#b2182b"], [0.5, "#bfc4c9"], [1, "#2166ac"]],
            "colorbar": {
                "thickness": 10,
                "len": 0.5,
                "tickvals": [-_OFF, 0, _OFF],
                "ticktext": ["10 % too low", "as it stands", "10 % too high"],
            },
        },
    }
