"""Small feeds that grow by a row a day, for stages of the tests."""

import datetime as dt
from collections.abc import Callable, Sequence

from infra.local.chain import Chain
from infra.local.day_folders import Day
from tests.shared.declared import US_COVID

NYT, JHU = (feed.file_name for feed in US_COVID.feeds)
FIRST_ROW, FIRST_DAY = dt.date(2021, 1, 1), dt.date(2021, 6, 1)

type Deploy = Callable[..., Chain]
"""The fixture `deploy_chain`."""


class Days:
    """Days in a row, each given once; its feeds have all dates up to the day before."""

    def __init__(self) -> None:
        self._next = FIRST_DAY + dt.timedelta(days=1)

    def first_load(self) -> Day:
        return day_of(FIRST_DAY)

    def next(self, *, without: Sequence[str] = (), drop: int = 0) -> Day:
        """The day after the last one given. `without` are files that are absent, `drop` how many first rows are."""
        date, self._next = self._next, self._next + dt.timedelta(days=1)
        return day_of(date, without=without, drop=drop)


def day_of(date: dt.date, *, without: Sequence[str] = (), drop: int = 0) -> Day:
    files = {NYT: nyt_file(date, drop=drop), JHU: jhu_file(date, drop=drop)}
    return Day(date=date, files={name: data for name, data in files.items() if name not in without})


def row(number: int) -> dict[str, int]:
    """The numbers of the n-th date."""
    return {"cases": 1000 + 37 * number, "deaths": 10 + number, "recoveries": 500 + 20 * number}


def nyt_file(day: dt.date, *, drop: int = 0) -> bytes:
    rows = [f"{date},{row(n)['cases']},{row(n)['deaths']}" for n, date in dates(day)[drop:]]
    return "\n".join(["date,cases,deaths", *rows]).encode()


def jhu_file(day: dt.date, *, drop: int = 0) -> bytes:
    lines = ["Date,Country/Region,Province/State,Confirmed,Recovered,Deaths"]
    for place in ('"Korea, South",', "US,", "US,Guam"):
        lines += [f"{date},{place},9,{row(n)['recoveries']},9" for n, date in dates(day)[drop:]]
    return "".join(f"{line}\n" for line in lines).encode()


def dates(day: dt.date) -> list[tuple[int, dt.date]]:
    """(number, date) of every date before the day."""
    return [(n, FIRST_ROW + dt.timedelta(days=n)) for n in range((day - FIRST_ROW).days)]


def rows_upto(day: Day) -> list[dict[str, object]]:
    """All rows of a day's feeds, as the API gives them."""
    return [{"date": str(date), **row(n)} for n, date in dates(day.date)]
