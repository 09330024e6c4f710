"""Two feeds of any dataset as their publishers keep them: rows in memory, written as files, well or badly."""

import copy
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.dataset import ONE_SERIES, Dataset, Feed

FIRST = dt.date(2018, 1, 22)

type FeedRows = dict[tuple[str, int], dict[str, int | None]]
"""(series, day number) -> measure -> number; None is written as a blank."""

ODDITIES = ("gap", "blank", "zeroed", "swapped", "partial")
"""What publishers do to a history without breaking its contract; `Upstream.restore` takes it back."""
BREAKS = ("renamed", "twice", "negative", "mistyped", "sentinel")
"""How a file may break its contract; the last two are dates of a year to come."""


def date(day: int) -> str:
    return (FIRST + dt.timedelta(days=day)).isoformat()


@dataclass
class Upstream:
    """What is published now."""

    dataset: Dataset
    rows: dict[str, FeedRows] = field(default_factory=dict)
    """Feed -> its rows."""
    equal_days: int = 0
    """Days from the first on, on which all measures have one number."""
    junk: int = 0
    """In a column that nobody uses."""
    absent: set[str] = field(default_factory=set)
    """Feeds whose file is a 404."""
    broken: dict[str, str] = field(default_factory=dict)
    """Feed -> how it breaks its contract."""
    kept: dict[str, FeedRows] = field(default_factory=dict)
    """What was there before rows were rolled back, or anything else was odd."""

    @property
    def series(self) -> tuple[str, ...]:
        return ("North", "South") if self.dataset.has_series else (ONE_SERIES,)

    def days(self, feed: str) -> int:
        """How many days the feed has got to."""
        return max((day for _, day in self.rows.get(feed, {})), default=-1) + 1

    def next_day(self, feed: Feed) -> None:
        day, rows = self.days(feed.name), self.rows.setdefault(feed.name, {})
        for place, series in enumerate(self.series):
            step = 0 if day < self.equal_days else 1000
            numbers = (100 * (day + 1) + 7 * place + step * n for n in range(len(feed.measures)))
            rows[series, day] = dict(zip(feed.measures, numbers, strict=True))

    def revise(self, feed: Feed, *, back: int, number: int) -> None:
        """Another number in one of the last rows; 0 is what publishers write who have stopped counting."""
        rows = self.rows[feed.name]
        key = sorted(rows, key=lambda key: (key[1], key[0]))[-1 - back % len(rows)]
        rows[key] = dict.fromkeys(feed.measures, number)

    def drop(self, feed: Feed, *, back: int) -> None:
        rows = self.rows[feed.name]
        if len(rows) > 1:
            rows.pop(sorted(rows, key=lambda key: (key[1], key[0]))[-1 - back % len(rows)])

    def roll_back(self, feed: Feed) -> None:
        """Two days are gone, until `restore`."""
        self._keep(feed)
        newest = self.days(feed.name) - 2
        left = {key: row for key, row in self.rows[feed.name].items() if key[1] < newest}
        self.rows[feed.name] = left or self.rows[feed.name]

    def distort(self, feed: Feed, oddity: str, *, back: int) -> None:
        """Something odd of the whole history, or of two days that lie so far back; one of `ODDITIES`."""
        self._keep(feed)
        rows, last = self.rows[feed.name], self.days(feed.name) - 1
        days = {last - 1 - back, last - back}
        first, *_, other = (*feed.measures, *feed.measures)
        match oddity:
            case "gap":
                left = {key: row for key, row in rows.items() if key[1] not in days or key[1] == last}
                self.rows[feed.name] = left or rows
            case "blank":
                for key in rows:
                    rows[key][other] = None if key[1] in days else rows[key][other]
            case "zeroed":
                for key in rows:
                    rows[key][other] = 0 if key[1] < last else rows[key][other]
            case "swapped":
                for row in rows.values():
                    row[first], row[other] = row[other], row[first]
            case "partial":
                late = self.series[-1]
                left = {key: row for key, row in rows.items() if key[0] != late or key[1] < last - back}
                self.rows[feed.name] = left or rows

    def restore(self, feed: Feed) -> None:
        self.rows[feed.name] = self.kept.pop(feed.name, self.rows[feed.name])

    def _keep(self, feed: Feed) -> None:
        """For `restore`: as it was before anything was odd."""
        self.kept.setdefault(feed.name, copy.deepcopy(self.rows[feed.name]))

    def files(self) -> Mapping[str, bytes]:
        """Feed -> its file."""
        return {
            feed.name: self._write(feed)
            for feed in self.dataset.feeds
            if feed.name in self.rows and feed.name not in self.absent
        }

    def _write(self, feed: Feed) -> bytes:
        how = self.broken.get(feed.name)
        header = ["unused", *feed.columns]
        lines = [",".join(header if how != "renamed" else [f"new_{name}" for name in header])]
        for (series, day), row in sorted(self.rows[feed.name].items(), key=lambda item: (item[0][1], item[0][0])):
            cells = {feed.date[0]: date(day), "unused": str(self.junk)} | {
                column: values[0] for column, values in feed.where.items()
            }
            cells |= {column: "" if row[name] is None else str(row[name]) for name, column in feed.measures.items()}
            if feed.series:
                cells[feed.series[0]] = series
            lines.append(",".join(cells[name] for name in header))
        if how in _YEARS:
            last = date(self.days(feed.name) - 1)
            lines[-1] = lines[-1].replace(last, _YEARS[how] + last[4:])
        if how == "twice":
            lines.append(lines[-1])
        if how == "negative":
            lines[-1] = lines[-1].rpartition(",")[0] + ",-1" if not feed.where else lines[-1] + ",surplus"
        return ("\n".join(lines) + "\n").encode()


_YEARS = {"mistyped": "2081", "sentinel": "9999"}
