"""Days, weeks and months as the page has them: which there are to choose from, how many are recent, their words."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.tabulation.bucket_labels import By
from shared.dataset import Period


@dataclass(frozen=True, kw_only=True)
class PeriodWords:
    """How one of the tables is spoken of."""

    noun: str
    recent: int
    """How many are shown as recent."""
    date_style: str
    """How its rows are labelled, see `formatting.date`."""
    row_heading: str
    per: str
    """Before the date of one of them: `on`, `in the week to`, `in`."""

    @property
    def title(self) -> str:
        return f"Last {self.recent} {self.noun}s"


WORDS: Mapping[By, PeriodWords] = {
    "daily": PeriodWords(noun="day", recent=7, date_style="short", row_heading="Day", per="on"),
    "weekly": PeriodWords(noun="week", recent=8, date_style="day", row_heading="Week to", per="in the week to"),
    "monthly": PeriodWords(noun="month", recent=6, date_style="month", row_heading="Month", per="in"),
}

CHOICES: Mapping[Period, tuple[By, ...]] = {
    Period.DAY: ("daily", "weekly", "monthly"),
    Period.WEEK: ("weekly", "monthly"),
    Period.MONTH: ("monthly",),
}
"""The tables that a page shows: none finer than what is published."""


def own_table(period: Period) -> By:
    """The table whose rows are the published periods."""
    return CHOICES[period][0]


def recent_from(newest: str, by: By) -> str:
    """The first date that is recent, where `newest` is the newest label."""
    day, count = dt.date.fromisoformat(newest), WORDS[by].recent
    if by == "monthly":
        month = day.year * 12 + day.month - count
        return dt.date(max(month // 12, 1), month % 12 + 1, 1).isoformat()
    back = (count - 1) * (7 if by == "weekly" else 1)
    return dt.date.fromordinal(max(day.toordinal() - back, 1)).isoformat()
