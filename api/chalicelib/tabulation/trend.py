"""The view of a dataset's shape at a glance: the last values of each measure, for a line the size of a word."""

import json
from collections.abc import Sequence

from chalicelib.tabulation.tabulating import Tables
from shared.dataset import Dataset, Measure, Period

TREND = "trend.json"

_SHOWN = 60
"""Values of each measure."""
_WEEK = 7


def render_trend(tables: Tables, dataset: Dataset) -> bytes:
    """Of the tables of one series: `{measure: [last values]}`; a day's number is the mean of the week up to it."""
    lines = {measure.name: _line(tables, measure, dataset) for measure in dataset.measures}
    return json.dumps(lines, separators=(",", ":")).encode()


def read_trend(plain: bytes) -> dict[str, list[float | None]]:
    """What `render_trend` wrote."""
    found: dict[str, list[float | None]] = json.loads(plain)
    return found


def _line(tables: Tables, measure: Measure, dataset: Dataset) -> list[float | None]:
    table = tables.daily if measure.cumulative else tables.data
    values = [None if value is None else float(value) for value in table.values[measure.name]]
    if dataset.period is Period.DAY and measure.adds_up:
        return [_mean(values[max(0, n - _WEEK + 1) : n + 1]) for n in range(max(0, len(values) - _SHOWN), len(values))]
    return values[-_SHOWN:]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None
