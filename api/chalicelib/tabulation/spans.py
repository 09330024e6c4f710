"""Which days a day, a week or a month has: the spans that rows of `/daily`, `/weekly` and `/monthly` are about.

Weeks end on Sunday and months on their last day. Where a date stands for a week or a month already, the published
periods are served under their published dates.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.observations import Ints, as_dates, as_days
from shared.dataset import Period

BUCKETS: tuple[By, ...] = ("daily", "weekly", "monthly")

_LAST_DAY = dt.date.max.toordinal()
"""9999-12-31, after which no date can be written: the last week ends with it."""


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Of each row the span that it belongs to."""

    starts: Ints
    ends: Ints
    reach: Ints
    """The last day of the period that each row's own date stands for."""
    days: Ints
    """How many days each row's own period has."""
    stride: int
    """Days from one published period to the next within a span: 1, or 7 where weeks lie in a month."""
    as_published: bool
    """Whether a span is one published period: a row each, nothing is added up."""


def spans(days: Ints, *, by: By, period: Period) -> Spans:
    """The spans of rows of these dates."""
    match period, by:
        case (Period.DAY, "daily"):
            return _spans(days, starts=days, ends=days, as_published=True)
        case (Period.DAY, "weekly"):
            ends = days + 6 - (days + 6) % 7
            return _spans(days, starts=ends - 6, ends=ends)
        case (Period.DAY, _):
            return _spans(days, starts=_month_starts(days), ends=_month_ends(days))
        case (Period.WEEK, "monthly"):
            return _spans(days, starts=_month_starts(days), ends=_month_ends(days), stride=7)
        case (Period.WEEK, _):
            return _spans(days, starts=days - 6, ends=days, stride=7, as_published=True)
    return Spans(
        starts=_month_starts(days),
        ends=_month_ends(days),
        reach=_month_ends(days),
        days=_month_ends(days) - _month_starts(days) + 1,
        stride=1,
        as_published=True,
    )


def _spans(days: Ints, *, starts: Ints, ends: Ints, stride: int = 1, as_published: bool = False) -> Spans:
    return Spans(
        starts=starts,
        ends=np.minimum(ends, _LAST_DAY),
        reach=days,
        days=np.full(len(days), stride, dtype=np.int64),
        stride=stride,
        as_published=as_published,
    )


def _month_starts(days: Ints) -> Ints:
    return as_days(as_dates(days).astype("datetime64[M]").astype("datetime64[D]"))


def _month_ends(days: Ints) -> Ints:
    next_months = as_dates(days).astype("datetime64[M]") + np.timedelta64(1, "M")
    return as_days(next_months.astype("datetime64[D]")) - 1
