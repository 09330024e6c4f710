"""Which labels weeks and months have that hold a day: a range of dates may begin and end with any day of a bucket."""

import datetime as dt
from typing import Literal

from shared.dataset import Period

type By = Literal["daily", "weekly", "monthly"]
"""A table by days, weeks or months."""

_LAST = dt.date.max


def labels_between(start: str | None, end: str | None, *, table: str, period: Period) -> tuple[str | None, str | None]:
    """The labels from that of the bucket that holds `start` to that of the one that holds `end`; None stays open."""
    if table == "data":
        return start, end
    if table == "monthly" or period is Period.MONTH:
        first = start and (f"{start[:7]}-01" if period is Period.MONTH else start)
        return first, end and f"{end[:7]}-31"  # no label lies behind it in its month
    if period is Period.WEEK:
        return start, end and _later(dt.date.fromisoformat(end), 6)
    if table == "weekly" and end:
        last = dt.date.fromisoformat(end)
        return start, _later(last, 6 - last.weekday())
    return start, end


def _later(day: dt.date, days: int) -> str:
    return (day + dt.timedelta(days=min(days, (_LAST - day).days))).isoformat()
