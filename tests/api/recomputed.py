"""What the four tables must hold, worked out without pandas from the design's own words."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

type Values = Sequence[int | None]
type Series = Mapping[str, Values]
"""Date -> values in the order of the measures."""


def data(rows: Series, measures: Sequence[str]) -> list[dict[str, Any]]:
    return [{"date": date} | dict(zip(measures, rows[date], strict=True)) for date in sorted(rows)]


def daily(rows: Series, measures: Sequence[str]) -> list[dict[str, Any]]:
    """This date minus the previous present date; the first date's increment is its own count."""
    expected, before = [], None
    for date in sorted(rows):
        values = (
            rows[date] if before is None else [_minus(now, was) for now, was in zip(rows[date], before, strict=True)]
        )
        expected.append({"date": date} | dict(zip(measures, values, strict=True)))
        before = rows[date]
    return expected


def weekly(rows: Series, measures: Sequence[str], *, newest: str) -> list[dict[str, Any]]:
    """Weeks end on Sunday."""
    return _buckets(rows, measures, newest=newest, label=lambda day: day + dt.timedelta(days=6 - day.weekday()))


def monthly(rows: Series, measures: Sequence[str], *, newest: str) -> list[dict[str, Any]]:
    """Months end on their last day."""
    return _buckets(rows, measures, newest=newest, label=_last_of_month)


def _buckets(
    rows: Series, measures: Sequence[str], *, newest: str, label: Callable[[dt.date], dt.date]
) -> list[dict[str, Any]]:
    """A bucket's null only when all its days are; `"complete": false` on one that is still open."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in daily(rows, measures):
        found[label(dt.date.fromisoformat(row["date"])).isoformat()].append(row)
    expected = []
    for date, days in sorted(found.items()):
        known = {name: [day[name] for day in days if day[name] is not None] for name in measures}
        sums = {name: sum(values) if values else None for name, values in known.items()}
        expected.append({"date": date} | sums | ({"complete": False} if date > newest else {}))
    return expected


def _minus(now: int | None, was: int | None) -> int | None:
    return None if now is None or was is None else now - was


def _last_of_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
